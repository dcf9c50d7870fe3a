package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// isPNM reports whether a file begins as a binary PBM, PGM or PPM.
func isPNM(head []byte) bool {
	return len(head) > 2 && head[0] == 'P' && head[1] >= '4' && head[1] <= '6' && space(head[2])
}

func space(c byte) bool { return bytes.IndexByte([]byte(" \t\r\n"), c) >= 0 }

// readPNM reads one picture off a stream that may hold more of them behind it,
// as pdftoppm writes pages. At the end of the stream it returns io.EOF.
func readPNM(r *bufio.Reader) (*plane, error) {
	kind, size, err := pnmHeader(r)
	if err != nil {
		return nil, err
	}
	width, height, deepest := size[0], size[1], size[2]
	switch {
	case width == 0 || height == 0 || deepest == 0 || deepest > 255:
		return nil, fmt.Errorf("%w: PNM header", ErrDamaged)
	case width > MaxPixels || height > MaxPixels || width*height > MaxPixels:
		return nil, ErrTooLarge
	}
	p := newPlane(width, height)
	row := make([]byte, map[byte]int{'4': (width + 7) / 8, '5': width, '6': 3 * width}[kind])
	for y := range height {
		if _, err := io.ReadFull(r, row); err != nil {
			return nil, fmt.Errorf("%w: cut short", ErrDamaged)
		}
		pnmRow(p.pix[y*width:(y+1)*width], row, kind, deepest)
	}
	return p, nil
}

// pnmHeader reads the kind ('4' to '6') and width, height and deepest value.
func pnmHeader(r *bufio.Reader) (kind byte, size [3]int, err error) {
	var magic [2]byte
	if _, err := io.ReadFull(r, magic[:]); errors.Is(err, io.EOF) {
		return 0, size, io.EOF
	} else if err != nil || !isPNM(append(magic[:], ' ')) {
		return 0, size, fmt.Errorf("%w: PNM header", ErrDamaged)
	}
	numbers := 3
	if magic[1] == '4' { // a bitmap has no depth
		numbers, size[2] = 2, 1
	}
	for i := range numbers {
		if size[i], err = pnmNumber(r); err != nil {
			return 0, size, err
		}
	}
	return magic[1], size, nil
}

// pnmNumber reads a decimal number and the one blank behind it, past blanks
// and comments.
func pnmNumber(r *bufio.Reader) (int, error) {
	n, digits := 0, 0
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return 0, fmt.Errorf("%w: PNM header", ErrDamaged)
		case c == '#' && digits == 0:
			if _, err := r.ReadSlice('\n'); err != nil {
				return 0, fmt.Errorf("%w: PNM header", ErrDamaged)
			}
		case c >= '0' && c <= '9' && digits < 9:
			n, digits = n*10+int(c-'0'), digits+1
		case space(c) && digits > 0:
			return n, nil
		case !space(c):
			return 0, fmt.Errorf("%w: PNM header", ErrDamaged)
		}
	}
}

// pnmRow turns one row into grey.
func pnmRow(grey, row []byte, kind byte, deepest int) {
	for x := range grey {
		var value int
		switch kind {
		case '4': // 1 is black
			value = 1 - int(row[x/8]>>(7-x%8)&1)
		case '5':
			value = int(row[x])
		default:
			value = (299*int(row[3*x]) + 587*int(row[3*x+1]) + 114*int(row[3*x+2])) / 1000
		}
		grey[x] = byte(min(value*255/deepest, 255))
	}
}
