package sheet

import (
	"bytes"
	"embed"
	"fmt"

	"github.com/skip2/go-qrcode"

	"consigne/cards"
)

// Millimetres on a card.
const (
	module    = 1.2  // a QR module: 28 dots of a 600 dpi printer
	band      = 35.6 // the coloured part of the front, its line included
	bandLine  = 0.7
	disc      = 29.0 // the white disc under the picture, its outline included
	picture   = 20.0
	edge      = 6.0 // left and right of everything on the back
	backWidth = cardWidth - 2*edge
)

// qrSize is the side of a version 3 code, in modules. A card's 33 letters fit
// it in alphanumeric mode at the highest correction, which survives the loss of
// about 30 % of the code.
const qrSize = 29

var (
	ink   = colour{0x16, 0x22, 0x3A}
	white = colour{0xFF, 0xFF, 0xFF}
	black = colour{0, 0, 0}
	dash  = colour{0x8A, 0x8F, 0x9C}
)

// front draws the face with the QR code on the left and the mark on the right.
func (s *sheet) front(card cards.Card, at point) error {
	mark := card.Mark()
	ground, err := parseColour("#" + mark.Colour)
	if err != nil {
		return err
	}
	left := cardWidth - band
	s.fill(ground)
	s.pdf.Rect(at.x+left, at.y, band, cardHeight, "F")
	s.fill(ink)
	s.pdf.Rect(at.x+left, at.y, bandLine, cardHeight, "F")

	side := qrSize * module
	if err := s.qr(card, at.add((left-side)/2, (cardHeight-side)/2)); err != nil {
		return err
	}

	centre := at.add(left+(band+bandLine)/2, 22.9)
	s.fill(white)
	s.draw(ink)
	s.pdf.SetLineWidth(bandLine)
	s.pdf.Circle(centre.x, centre.y, (disc-bandLine)/2, "DF")
	svg := bytes.NewReader(mark.PictureSVG())
	if err := s.svg(svg, centre.add(-picture/2, -picture/2), picture); err != nil {
		return err
	}
	s.centred(s.phone, centre.add(0, 23), 4.2, band-bandLine-3)
	return nil
}

// qr draws the code's dark modules as one path of rectangles, a rectangle for
// each run in a row. One path, because a renderer that smooths edges would
// leave hairs between neighbouring rectangles filled one by one.
func (s *sheet) qr(card cards.Card, at point) error {
	code, err := qrcode.New(card.Text(), qrcode.Highest)
	if err != nil {
		return fmt.Errorf("draw the QR code: %w", err)
	}
	code.DisableBorder = true
	bitmap := code.Bitmap()
	if len(bitmap) != qrSize {
		return fmt.Errorf("draw the QR code: %d modules instead of %d", len(bitmap), qrSize)
	}
	for y, row := range bitmap {
		for x := 0; x < qrSize; x++ {
			start := x
			for x < qrSize && row[x] {
				x++
			}
			if x > start {
				s.module(at.add(float64(start)*module, float64(y)*module), float64(x-start)*module)
			}
		}
	}
	s.fill(black)
	s.pdf.DrawPath("F")
	return nil
}

// module adds a rectangle one module high to the current path.
func (s *sheet) module(at point, width float64) {
	s.pdf.MoveTo(at.x, at.y)
	s.pdf.LineTo(at.x+width, at.y)
	s.pdf.LineTo(at.x+width, at.y+module)
	s.pdf.LineTo(at.x, at.y+module)
	s.pdf.ClosePath()
}

//go:embed pictures/*.svg
var pictures embed.FS

// back draws the number to call, where to bring a found card, and the letters.
func (s *sheet) back(card cards.Card, at point) error {
	in := at.add(edge, 5)
	icons := []struct {
		name string
		at   point
		size float64
	}{
		{"phone", in, 10},
		{"hand-heart", in.add(0, 13.6), 11.5},
		{"arrow-right", in.add(14.2, 16.2), 6.5},
		{"storefront", in.add(23.4, 13.6), 11.5},
	}
	for _, icon := range icons {
		file, err := pictures.Open("pictures/" + icon.name + ".svg")
		if err != nil {
			return fmt.Errorf("draw a back: %w", err)
		}
		if err := s.svg(file, icon.at, icon.size); err != nil {
			return err
		}
	}
	if err := s.svg(bytes.NewReader(card.Mark().SVG()), in.add(backWidth-11.5, 13.6), 11.5); err != nil {
		return err
	}
	s.text(s.phone, in.add(13, 7.9), 8.2, backWidth-13)

	s.draw(ink)
	s.pdf.SetLineWidth(0.3)
	rule := in.add(0, 28.8)
	s.line(rule, rule.add(backWidth, 0))
	s.letters(card, rule.add(0, 6.6))
	return nil
}

// letters writes the card text in threes, six to a line, each letter in the
// middle of a cell of its own: letters that stand in line are easier to copy.
func (s *sheet) letters(card cards.Card, at point) {
	const perLine, pitch, lineHeight, size = 6, 3.2, 6.4, 4
	const groupPitch = (backWidth - 3*pitch) / (perLine - 1)
	for i, group := range card.Grouped() {
		corner := at.add(float64(i%perLine)*groupPitch, float64(i/perLine)*lineHeight)
		for j, letter := range group {
			s.centred(string(letter), corner.add((float64(j)+0.5)*pitch, 0), size, pitch)
		}
	}
}
