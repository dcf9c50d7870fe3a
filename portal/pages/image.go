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
	var last tail
	in = io.TeeReader(in, &last)
	img, err := decodeImage(kind, in)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		_, _ = io.Copy(io.Discard, in) // Render tells a failed reader
		return imageError(err, last.has(endMark[kind]))
	}
	if err != nil {
		return err
	}
	return encode(1, img, page)
}

// endMark is what the last kilobyte of a whole file contains: JPEG's end of
// image, PNG's last chunk, PDF's last line.
var endMark = map[Kind]string{JPEG: "\xff\xd9", PNG: "IEND", PDF: "%%EOF"}

// decodeImage gives the page image, upright and scaled.
func decodeImage(kind Kind, in io.Reader) (*image.RGBA, error) {
	var head bytes.Buffer
	decode, config := jpeg.Decode, jpeg.DecodeConfig
	if kind == PNG {
		decode, config = png.Decode, png.DecodeConfig
	}
	c, err := config(io.TeeReader(in, &head))
	if err != nil {
		return nil, err
	}
	if err := affordable(kind, c, head.Bytes()); err != nil {
		return nil, err
	}
	turn := upright
	if kind == JPEG {
		turn = orientation(head.Bytes())
	}
	img, err := decode(io.MultiReader(&head, in))
	if err != nil {
		return nil, err
	}
	return turn.apply(shrink(img, MaxSide)), nil
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

// imageError sorts a decoder's complaint: without its end a file was cut,
// whatever the decoder stumbled over.
func imageError(err error, ended bool) error {
	if !ended || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
