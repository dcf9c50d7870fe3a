package cards

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

//go:embed marks/*.svg
var drawings embed.FS

// The pictures and colours of version B. Their order is part of the version: a
// card's mark is a place in these lists. No weapon, alcohol, pig, religion,
// face or flag, nothing that brings bad luck somewhere (an owl), and nothing
// that is a code picture or a relay's badge.
var (
	pictures = []string{
		"sailboat", "rooster", "tulip", "turtle", "kite", "camel",
		"balloon", "mushroom", "hibiscus", "star", "snail", "butterfly",
		"cactus", "lady-beetle", "flamingo", "giraffe", "swan", "hedgehog",
		"octopus", "parrot", "penguin", "feather", "spiral-shell", "pineapple",
	}
	colours = []string{
		"FFD873", "BFE3C6", "F3C4D8", "C9E7F2", "E4D3F5",
		"FBD9B5", "C9D8F7", "E6E2D2", "CDEBDD", "D5DAE8",
	}
)

// Pictures names the pictures a mark can have, in their fixed order.
func Pictures() []string { return slices.Clone(pictures) }

// Colours names the colours a mark can have, as RRGGBB, in their fixed order.
func Colours() []string { return slices.Clone(colours) }

// ErrMark says that a mark's name is none of this program's.
var ErrMark = errors.New("unknown card mark")

// Mark is a picture on a colour: "this is yours", for somebody who does not
// read. It is shown to staff and on phones, and opens nothing. The zero Mark is
// none. As text and in JSON it is its name, such as "sailboat/FFD873".
type Mark struct {
	Picture string // a name out of Pictures
	Colour  string // RRGGBB, out of Colours
}

// Mark returns the card's mark, which follows from its secret. The zero Card
// has the zero Mark.
func (c Card) Mark() Mark {
	if c.IsZero() {
		return Mark{}
	}
	key, err := hkdf.Key(sha256.New, c.Secret(), nil, "card mark B", 8)
	if err != nil {
		panic("cards: mark: " + err.Error()) // 8 bytes are within HKDF's bounds
	}
	n := binary.BigEndian.Uint64(key) % uint64(len(pictures)*len(colours))
	return Mark{Picture: pictures[n/uint64(len(colours))], Colour: colours[n%uint64(len(colours))]}
}

// ParseMark reads a mark's name. Error: ErrMark.
func ParseMark(name string) (Mark, error) {
	picture, colour, _ := strings.Cut(name, "/")
	m := Mark{Picture: picture, Colour: colour}
	if !m.Valid() {
		return Mark{}, ErrMark
	}
	return m, nil
}

// Valid reports whether both picture and colour are ones that cards have.
func (m Mark) Valid() bool {
	return slices.Contains(pictures, m.Picture) && slices.Contains(colours, m.Colour)
}

// String returns the mark's name, such as "sailboat/FFD873", and "" for the
// zero Mark.
func (m Mark) String() string {
	if m == (Mark{}) {
		return ""
	}
	return m.Picture + "/" + m.Colour
}

// MarshalText writes the mark's name, or nothing for the zero Mark.
// Error: ErrMark.
func (m Mark) MarshalText() ([]byte, error) {
	if m != (Mark{}) && !m.Valid() {
		return nil, ErrMark
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads what MarshalText wrote. Error: ErrMark.
func (m *Mark) UnmarshalText(name []byte) (err error) {
	if len(name) == 0 {
		*m = Mark{}
		return nil
	}
	*m, err = ParseMark(string(name))
	return err
}

// SVG draws the whole mark, 64 by 64: the picture on white within its colour
// and an ink outline, as it stands in the corner of every screen. It has no
// style attribute and no id, so it may stand in a page under a strict policy,
// any number of times. A mark that is not Valid has no drawing.
func (m Mark) SVG() []byte {
	if !m.Valid() {
		return nil
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">`+
		`<rect x="1.5" y="1.5" width="61" height="61" rx="14" fill="#%s" stroke="#16223A" stroke-width="3"/>`+
		`<rect x="10.5" y="10.5" width="43" height="43" rx="5" fill="#FFF"/>`+
		`<g transform="translate(12.8 12.8) scale(1.1636) translate(.5 .5)">%s</g></svg>`,
		m.Colour, inner(m.drawing()))
}

// PictureSVG draws the picture alone, with its ink contour and no ground.
// A mark that is not Valid has no drawing.
func (m Mark) PictureSVG() []byte {
	if !m.Valid() {
		return nil
	}
	return m.drawing()
}

func (m Mark) drawing() []byte {
	svg, err := drawings.ReadFile("marks/" + m.Picture + ".svg")
	if err != nil {
		panic("cards: mark without a drawing: " + m.Picture) // a test opens each
	}
	return svg
}

// inner takes off the svg element around a drawing.
func inner(svg []byte) []byte {
	start := bytes.IndexByte(svg, '>') + 1
	return svg[start:bytes.LastIndex(svg, []byte("</svg>"))]
}
