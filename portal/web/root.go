package web

import (
	"errors"
	"fmt"
)

// RootType names the innermost type of an error, such as "*net.OpError", for the
// log: an error's own text may quote what a visitor sent, or hold an address.
// Of joined errors the first one counts; nil is "<nil>".
func RootType(err error) string {
	for {
		var joined interface{ Unwrap() []error }
		next := errors.Unwrap(err)
		if next == nil && errors.As(err, &joined) && len(joined.Unwrap()) > 0 {
			next = joined.Unwrap()[0]
		}
		if next == nil {
			return fmt.Sprintf("%T", err)
		}
		err = next
	}
}
