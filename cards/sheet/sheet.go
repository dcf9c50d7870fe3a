// Package sheet prints cards: a PDF of A4 pages with ten cards each, two by
// five, every card 85.6 by 54 mm (CR80, the size of a bank card).
//
//	err := sheet.Write(file, stock, "+33465712042")
//
// Pages come in pairs, fronts and then backs. The backs stand in mirrored
// columns, so that a printer which turns the paper over its long edge puts each
// back behind its own front. There is no gap between the cards: four cuts
// across and one down part the ten.
//
// A front shows the QR code (34.8 mm, 29 modules of 1.2 mm, with a white margin
// of 4 modules), the card's mark and the relay's telephone number; a back the
// number, "found: bring it there" in pictures, the letters of the card in
// threes, and the mark again, small: should a back ever lie behind another
// card's front, one sees it. Nothing on a card names a service or a person.
//
// The same cards and number give the same bytes.
package sheet

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"consigne/cards"
)

// Millimetres on an A4 page. Two cards and five fill it exactly with these
// margins: 2*19.4 + 2*85.6 = 210, 2*13.5 + 5*54 = 297.
const (
	cardWidth  = 85.6
	cardHeight = 54.0
	marginX    = 19.4
	marginY    = 13.5
	columns    = 2
	rows       = 5
	perPage    = columns * rows
	pageWidth  = 2*marginX + columns*cardWidth
	pageHeight = 2*marginY + rows*cardHeight
)

// What Write refuses, for errors.Is.
var (
	// ErrEmpty says that there is no card to print, or a zero one among them.
	ErrEmpty = errors.New("no card to print")
	// ErrPhone says that the telephone number holds something else than
	// digits, or too few or too many of them.
	ErrPhone = errors.New("not a telephone number")
)

//go:embed fonts/NotoSans-Bold-subset.ttf
var notoSansBold []byte

const font = "noto"

// Write prints the cards, ten to a page and as many pages as it takes, each
// page of fronts followed by its backs. The number is the relay's, in the
// international form or as people write it.
//
// Errors: ErrEmpty, ErrPhone, and what w returns. The PDF is written in one go
// at the end: on an error nothing, or nothing usable, was written.
func Write(w io.Writer, stock []cards.Card, phone string) error {
	number, err := spell(phone)
	if err != nil {
		return err
	}
	if len(stock) == 0 {
		return ErrEmpty
	}
	s := sheet{pdf: newPDF(), phone: number}
	for page := 0; page < len(stock); page += perPage {
		batch := stock[page:min(page+perPage, len(stock))]
		if err := s.side(batch, false, s.front); err != nil {
			return err
		}
		if err := s.side(batch, true, s.back); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	if err := s.pdf.Output(&out); err != nil {
		return fmt.Errorf("lay out the sheet: %w", err)
	}
	_, err = w.Write(printPreferences(out.Bytes()))
	return err
}

// sheet is a PDF in the making.
type sheet struct {
	pdf   *fpdf.Fpdf
	phone string // as printed
}

func newPDF() *fpdf.Fpdf {
	pdf := fpdf.NewCustom(&fpdf.InitType{
		UnitStr: "mm",
		Size:    fpdf.SizeType{Wd: pageWidth, Ht: pageHeight},
	})
	pdf.SetMargins(0, 0, 0)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes(font, "", notoSansBold)
	// Neither a date nor a program's name: the bytes follow from the cards.
	pdf.SetCreationDate(time.Unix(0, 0).UTC())
	pdf.SetModificationDate(time.Unix(0, 0).UTC())
	pdf.SetProducer("", false)
	pdf.SetCatalogSort(true)
	return pdf
}

// side adds one page and draws a face of each card at its place on it.
func (s *sheet) side(batch []cards.Card, mirrored bool, face func(cards.Card, point) error) error {
	s.pdf.AddPage()
	for i, card := range batch {
		if card.IsZero() {
			return ErrEmpty
		}
		if err := face(card, place(i, mirrored)); err != nil {
			return err
		}
	}
	s.cutMarks()
	return nil
}

// point is a place on a page, in millimetres from its upper left corner.
type point struct{ x, y float64 }

func (p point) add(x, y float64) point { return point{p.x + x, p.y + y} }

// place returns the upper left corner of the i-th card of a page.
func place(i int, mirrored bool) point {
	column, row := i%columns, i/columns
	if mirrored {
		column = columns - 1 - column
	}
	return point{marginX + float64(column)*cardWidth, marginY + float64(row)*cardHeight}
}

// cutMarks draws a dashed line along every cut, and a tick at both of its ends
// outside the cards, where a knife or a trimmer is set.
func (s *sheet) cutMarks() {
	s.pdf.SetLineWidth(0.2)
	s.pdf.SetLineCapStyle("butt")
	for c := range columns + 1 {
		x := marginX + float64(c)*cardWidth
		s.cut(point{x, 6}, point{x, 11}, point{x, marginY}, point{x, pageHeight - marginY})
		s.line(point{x, pageHeight - 11}, point{x, pageHeight - 6})
	}
	for r := range rows + 1 {
		y := marginY + float64(r)*cardHeight
		s.cut(point{10, y}, point{16, y}, point{marginX, y}, point{pageWidth - marginX, y})
		s.line(point{pageWidth - 16, y}, point{pageWidth - 10, y})
	}
}

// cut draws the dashes of one cut and the tick before it, and leaves the pen
// ready for the tick behind it.
func (s *sheet) cut(tick, tickEnd, from, to point) {
	s.draw(dash)
	s.pdf.SetDashPattern([]float64{0.8, 0.8}, 0)
	s.line(from, to)
	s.pdf.SetDashPattern(nil, 0)
	s.draw(ink)
	s.line(tick, tickEnd)
}

func (s *sheet) line(from, to point) { s.pdf.Line(from.x, from.y, to.x, to.y) }
