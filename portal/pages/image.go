package pages

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// What a picture may cost to decode, in bytes of memory: 60 million pixels of
// an ordinary photograph at three bytes each. Progressive JPEG keeps four more
// bytes a component, and 16-bit PNG eight a pixel, so they may hold fewer.
const maxDecoded = 180 << 20

func renderImage(kind Kind, in io.Reader, page PageFunc) error {
	var head bytes.Buffer
	seen := io.TeeReader(in, &head)
	decode, config := jpeg.Decode, jpeg.DecodeConfig
	if kind == PNG {
		decode, config = png.Decode, png.DecodeConfig
	}
	c, err := config(seen)
	if err != nil {
		return imageError(err)
	}
	if err := affordable(kind, c, head.Bytes()); err != nil {
		return err
	}
	turn := upright
	if kind == JPEG {
		turn = orientation(head.Bytes())
	}
	img, err := decode(io.MultiReader(&head, in))
	if err != nil {
		return imageError(err)
	}
	return encode(1, turn.apply(shrink(img, MaxSide)), page)
}

func affordable(kind Kind, c image.Config, head []byte) error {
	each := 3
	switch {
	case kind == PNG:
		// Eight bytes for 16-bit colour and its transparency; four covers
		// everything else.
		each = 4
		if bits := pngBits(head); bits == 16 {
			each = 8
		}
	case progressive(head):
		each = 3 + 3*4
	}
	if c.Width <= 0 || c.Height <= 0 {
		return ErrDamaged
	}
	if int64(c.Width) > maxDecoded/int64(each)/int64(c.Height) {
		return fmt.Errorf("%w: %d by %d", ErrTooLarge, c.Width, c.Height)
	}
	return nil
}

// pngBits is the bit depth in the header chunk, which DecodeConfig has checked
// to be the first (PNG third edition, 11.2.1).
func pngBits(head []byte) int {
	const place = 8 + 8 + 8
	if len(head) <= place {
		return 16
	}
	return int(head[place])
}

// progressive says whether the frame header is SOF2 (ITU-T T.81, table B.1).
func progressive(head []byte) bool {
	for m := range markers(head) {
		if m.code == 0xc2 {
			return true
		}
	}
	return false
}

// imageError sorts a decoder's complaint: a file that ends too early was cut.
// Render has the last word when it was the reading that failed.
func imageError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return ErrCut
	}
	return fmt.Errorf("%w: %v", ErrDamaged, err)
}
