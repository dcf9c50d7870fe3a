package pages

import (
	"bytes"
	"encoding/binary"
	"image"
	"iter"
)

// turn is the EXIF orientation of a photograph, 1 to 8 (CIPA DC-008, tag
// 0x0112): which side of the stored picture is up.
type turn int

const upright turn = 1

// marker is one segment of a JPEG file, from the start to the picture's data.
type marker struct {
	code byte
	body []byte
}

// markers walks the segments of head. It stops at the first thing that is no
// whole segment.
func markers(head []byte) iter.Seq[marker] {
	return func(yield func(marker) bool) {
		for at := 2; at+4 <= len(head) && head[at] == 0xff; {
			code := head[at+1]
			if code == 0xff { // a fill byte (ITU-T T.81, B.1.1.2)
				at++
				continue
			}
			size := int(binary.BigEndian.Uint16(head[at+2:]))
			end := at + 2 + size
			if size < 2 || end > len(head) || !yield(marker{code, head[at+4 : end]}) {
				return
			}
			at = end
		}
	}
}

// orientation finds the orientation in a JPEG's head; anything odd is upright.
func orientation(head []byte) turn {
	for m := range markers(head) {
		if body, ok := bytes.CutPrefix(m.body, []byte("Exif\x00\x00")); ok && m.code == 0xe1 {
			return tiffOrientation(body)
		}
	}
	return upright
}

// tiffOrientation reads the first directory of a TIFF structure (TIFF 6.0,
// section 2).
func tiffOrientation(b []byte) turn {
	if len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return upright
	}
	count := int(order.Uint16(b[at:]))
	entries := b[at+2:]
	const entryLength = 12
	for ; count > 0 && len(entries) >= entryLength; count-- {
		const tag, short = 0x0112, 3
		e := entries[:entryLength]
		if order.Uint16(e) == tag && order.Uint16(e[2:]) == short {
			if v := order.Uint16(e[8:]); v >= 1 && v <= 8 {
				return turn(v)
			}
			return upright
		}
		entries = entries[entryLength:]
	}
	return upright
}

// apply turns the stored picture so that its top is up.
func (t turn) apply(src *image.RGBA) *image.RGBA {
	if t <= upright || t > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if t >= 5 { // 5 to 8 exchange rows and columns
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			dx, dy := t.place(x, y, w, h)
			copy(dst.Pix[dst.PixOffset(dx, dy):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return dst
}

// place is where the stored pixel x, y of a picture of w by h belongs.
func (t turn) place(x, y, w, h int) (int, int) {
	switch t {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}
