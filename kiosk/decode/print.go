package decode

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Print looks into each file and writes a line for each card in it, the file's
// name, a tab and the card text; or the name, a tab and "-" where it sees none.
// It goes on after a file that cannot be read, which gets a "-" too, and
// returns what was wrong with all of them together.
func Print(ctx context.Context, w io.Writer, files ...string) error {
	var wrong []error
	for _, name := range files {
		found, err := File(ctx, name)
		if err != nil {
			wrong = append(wrong, err)
		}
		if len(found) == 0 {
			if _, err := fmt.Fprintf(w, "%s\t-\n", name); err != nil {
				return err
			}
		}
		for _, card := range found {
			if _, err := fmt.Fprintf(w, "%s\t%s\n", name, card.Text()); err != nil {
				return err
			}
		}
	}
	return errors.Join(wrong...)
}
