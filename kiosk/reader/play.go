package reader

import (
	"errors"
	"io"
)

// ErrSign says that a text has a sign that no key of the scanner types.
var ErrSign = errors.New("a sign that the scanner cannot type")

// Type plays the scanner: it writes the key presses of text, and Enter, in one
// piece, so that two who type at once do not mix. It returns ErrSign for what is
// not printable ASCII.
func Type(w io.Writer, text string) error {
	var b []byte
	for i := range len(text) {
		code, shift, ok := keyOf(text[i])
		if !ok {
			return ErrSign
		}
		if shift {
			b = stroke(b, keyLeftShift, pressed)
		}
		b = stroke(stroke(b, code, pressed), code, released)
		if shift {
			b = stroke(b, keyLeftShift, released)
		}
	}
	b = stroke(stroke(b, keyEnter, pressed), keyEnter, released)
	_, err := w.Write(b)
	clear(b)
	return err
}

func stroke(b []byte, code uint16, value int32) []byte {
	b = event{evKey, code, value}.append(b)
	return event{evSyn, synReport, 0}.append(b)
}
