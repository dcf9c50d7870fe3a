package pages_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"
)

// The files of the tests are made here, in the ways of real ones.

func makePDF(t testing.TB, pages int, change func(*fpdf.Fpdf)) []byte {
	t.Helper()
	p := fpdf.New("P", "mm", "A4", "")
	if change != nil {
		change(p)
	}
	for n := range pages {
		p.AddPage()
		p.SetFont("Helvetica", "", 20)
		p.Text(20, 30, fmt.Sprintf("Page %d sur %d", n+1, pages))
		// A bar as long as the page's number tells the pages apart.
		p.SetFillColor(0, 0, 0)
		p.Rect(10, 100, float64(10*(n+1)), 20, "F")
	}
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// makeSlips makes a PDF of many pages as long as those of makePDF and a twelfth
// as high, which take as much less time to draw.
func makeSlips(t testing.TB, pages int) []byte {
	t.Helper()
	p := fpdf.New("P", "mm", "A4", "")
	for range pages {
		p.AddPageFormat("L", fpdf.SizeType{Wd: 25, Ht: 297})
	}
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// corners paints red, green, blue and white quarters: top left, top right,
// bottom left, bottom right.
func corners(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 255, 255, 255}
			switch {
			case x < w/2 && y < h/2:
				c = color.RGBA{255, 0, 0, 255}
			case y < h/2:
				c = color.RGBA{0, 255, 0, 255}
			case x < w/2:
				c = color.RGBA{0, 0, 255, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func makeJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func makePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withEXIF puts an EXIF segment with an orientation behind a JPEG's first mark.
func withEXIF(file []byte, orientation byte, bigEndian bool) []byte {
	tiff := []byte("II*\x00\x08\x00\x00\x00\x02\x00" +
		"\x0f\x01\x02\x00\x04\x00\x00\x00abc\x00" + // maker, so that ours is not the first
		"\x12\x01\x03\x00\x01\x00\x00\x00" + string(orientation) + "\x00\x00\x00" + "\x00\x00\x00\x00")
	if bigEndian {
		tiff = []byte("MM\x00*\x00\x00\x00\x08\x00\x01" +
			"\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(orientation) + "\x00\x00" + "\x00\x00\x00\x00")
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	size := len(body) + 2
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, 0xe1, byte(size>>8), byte(size))
	out = append(out, body...)
	return append(out, file[2:]...)
}

// fixSum writes the right check sum behind a PNG's header chunk.
func fixSum(file []byte) {
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
}

// loopPDF has one page that draws a form which draws a form, thirty deep, ten
// times each: more work than there is time in the world.
func loopPDF() []byte {
	var b bytes.Buffer
	var at []int
	object := func(body string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), body)
	}
	const deep = 30
	b.WriteString("%PDF-1.4\n")
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 500]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>>>")
	object("<</Length 5>>stream\n/F Do\nendstream")
	for n := range deep {
		calls := strings.Repeat("/F Do ", 10)
		next := fmt.Sprintf("/Resources<</XObject<</F %d 0 R>>>>", 6+n)
		if n == deep-1 {
			calls, next = "0 0 9 9 re f", ""
		}
		object(fmt.Sprintf("<</Type/XObject/Subtype/Form/BBox[0 0 500 500]%s/Length %d>>stream\n%s\nendstream", next, len(calls), calls))
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}
