package reader

import (
	"errors"
	"os"
	"time"
)

// Silence is how long a scanner is quiet after its last key before its code
// counts as ended: ten times the slowest scanner's pause between two keys.
const Silence = 300 * time.Millisecond

// source is what Scan reads: a device or a pipe that knows deadlines.
type source interface {
	Read([]byte) (int, error)
	SetReadDeadline(time.Time) error
}

var _ source = (*os.File)(nil)

// Scan reads events from f and calls found for every code, until f fails or is
// closed, which is the way to stop it. The error is never nil.
func Scan(f source, silence time.Duration, found func(Code)) error {
	var d decoder
	buf := make([]byte, 64*eventSize)
	held := 0
	for {
		if err := f.SetReadDeadline(deadline(d.waiting() || held > 0, silence)); err != nil {
			return err
		}
		n, err := f.Read(buf[held:])
		held = take(&d, buf[:held+n], found)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			// Half an event that nothing follows is noise: what comes next
			// begins anew.
			held = 0
			if code, ok := d.end(); ok {
				found(code)
			}
		case err != nil:
			return err
		}
	}
}

func deadline(waiting bool, silence time.Duration) time.Time {
	if !waiting {
		return time.Time{}
	}
	return time.Now().Add(silence)
}

// take feeds the whole events of b, moves the rest to its beginning and returns
// the rest's length.
func take(d *decoder, b []byte, found func(Code)) int {
	whole := len(b) / eventSize * eventSize
	for at := 0; at < whole; at += eventSize {
		if code, ok := d.feed(parse(b[at : at+eventSize])); ok {
			found(code)
		}
	}
	rest := copy(b, b[whole:])
	clear(b[rest:])
	return rest
}
