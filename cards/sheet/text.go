package sheet

import (
	"encoding/hex"
	"errors"
	"strings"
)

// colour is red, green and blue.
type colour struct{ r, g, b int }

// errColour says that a drawing's colour is not of the form #RRGGBB.
var errColour = errors.New("not a colour")

func parseColour(text string) (colour, error) {
	digits, ok := strings.CutPrefix(text, "#")
	if ok && len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	rgb, err := hex.DecodeString(digits)
	if !ok || err != nil || len(rgb) != 3 {
		return colour{}, errColour
	}
	return colour{int(rgb[0]), int(rgb[1]), int(rgb[2])}, nil
}

func (s *sheet) fill(c colour) { s.pdf.SetFillColor(c.r, c.g, c.b) }

func (s *sheet) draw(c colour) { s.pdf.SetDrawColor(c.r, c.g, c.b) }

// text writes in ink from at, the left end of the base line, with letters of
// the given size, or smaller where they would be wider than width.
func (s *sheet) text(text string, at point, size, width float64) {
	s.write(text, at, size, width, 0)
}

// centred writes like text, around at instead of from it.
func (s *sheet) centred(text string, at point, size, width float64) {
	s.write(text, at, size, width, 0.5)
}

func (s *sheet) write(text string, at point, size, width, before float64) {
	s.pdf.SetFont(font, "", 0)
	s.pdf.SetFontUnitSize(size)
	wide := s.pdf.GetStringWidth(text)
	if wide > width {
		size *= width / wide
		s.pdf.SetFontUnitSize(size)
		wide = s.pdf.GetStringWidth(text)
	}
	s.pdf.SetTextColor(ink.r, ink.g, ink.b)
	s.pdf.Text(at.x-before*wide, at.y, text)
}
