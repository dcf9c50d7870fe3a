package sheet

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"

	"consigne/cards"
)

// Every drawing printed here must look as another program draws it.
func TestSVG_LooksAsDrawn(t *testing.T) {
	const dot = 25.4 / 150 // millimetres of a pixel
	const size, step, across = 180, 220, 5
	drawings := allDrawings(t)
	s := sheet{pdf: newPDF()}
	s.pdf.AddPage()
	for i, d := range drawings {
		at := point{float64(60+i%across*step) * dot, float64(60+i/across*step) * dot}
		if err := s.svg(bytes.NewReader(d.svg), at, size*dot); err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
	}
	folder := t.TempDir()
	if err := s.pdf.OutputFileAndClose(filepath.Join(folder, "page.pdf")); err != nil {
		t.Fatal(err)
	}
	output(t, "pdftoppm", "-r", "150", "-png", "-singlefile", filepath.Join(folder, "page.pdf"), filepath.Join(folder, "page"))
	page := open(t, filepath.Join(folder, "page.png"))
	for i, d := range drawings {
		name := filepath.Join(folder, "drawing.svg")
		if err := os.WriteFile(name, d.svg, 0o600); err != nil {
			t.Fatal(err)
		}
		output(t, "rsvg-convert", "-w", "180", "-h", "180", "-b", "white", "-o", name+".png", name)
		want := open(t, name+".png")
		corner := image.Pt(60+i%across*step, 60+i/across*step)
		if off := difference(page, want, corner); off > 2 {
			t.Errorf("%s differs by %.1f of 255 a pixel", d.name, off)
		}
	}
}

type drawing struct {
	name string
	svg  []byte
}

// allDrawings are the pictures of all marks, a whole mark, and the icons.
func allDrawings(t *testing.T) []drawing {
	t.Helper()
	var all []drawing
	for _, picture := range cards.Pictures() {
		all = append(all, drawing{picture, cards.Mark{Picture: picture, Colour: "FFD873"}.PictureSVG()})
	}
	all = append(all, drawing{"a whole mark", cards.Mark{Picture: "kite", Colour: "E4D3F5"}.SVG()})
	for _, icon := range []string{"phone", "hand-heart", "arrow-right", "storefront"} {
		svg, err := pictures.ReadFile("pictures/" + icon + ".svg")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, drawing{icon, svg})
	}
	return all
}

func output(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func open(t *testing.T, name string) *image.Gray {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	grey := image.NewGray(img.Bounds())
	draw.Draw(grey, grey.Rect, img, image.Point{}, draw.Src)
	return grey
}

// difference is the mean difference of want from that part of page.
func difference(page, want *image.Gray, corner image.Point) float64 {
	sum := 0.0
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			a, b := want.GrayAt(x, y).Y, page.GrayAt(corner.X+x, corner.Y+y).Y
			sum += math.Abs(float64(a) - float64(b))
		}
	}
	return sum / float64(len(want.Pix))
}

func TestSVG_RefusesWhatItCannotPrint(t *testing.T) {
	for name, body := range map[string]string{
		"circle":              `<circle cx="1" cy="1" r="1"/>`,
		"gradient":            `<path fill="url(#a)" d="M0 0h1v1z"/>`,
		"colour by name":      `<path fill="red" d="M0 0h1v1z"/>`,
		"cut colour":          `<path fill="#12345" d="M0 0h1v1z"/>`,
		"rotation":            `<g transform="rotate(45)"/>`,
		"unknown command":     `<path fill="#000" d="M0 0W3"/>`,
		"number missing":      `<path fill="#000" d="M0 0L3"/>`,
		"number after close":  `<path fill="#000" d="M0 0h1z4"/>`,
		"no command":          `<path fill="#000" d="3 4"/>`,
		"width without value": `<path stroke="#000" stroke-width="" d="M0 0h1"/>`,
		"rectangle":           `<rect width="3" height="3"/>`,
		"not closed":          `<g>`,
	} {
		s := sheet{pdf: newPDF()}
		s.pdf.AddPage()
		svg := `<svg viewBox="0 0 4 4">` + body + `</svg>`
		if err := s.svg(strings.NewReader(svg), point{}, 10); err == nil {
			t.Errorf("%s: printed", name)
		}
	}
	for _, box := range []string{"", "0 0 4", "0 0 4 3", "0 0 0 0", "a b c d"} {
		s := sheet{pdf: newPDF()}
		if err := s.svg(strings.NewReader(`<svg viewBox="`+box+`"/>`), point{}, 10); !errors.Is(err, errDrawing) {
			t.Errorf("view box %q: %v", box, err)
		}
	}
}

// The optimisers of drawings leave out every blank that they can.
func TestPath_NumbersWithoutGaps(t *testing.T) {
	for _, c := range []struct {
		data string
		want []float64
	}{
		{"M1 2", []float64{1, 2}},
		{"M-.5.5", []float64{-0.5, 0.5}},
		{"M1e1-2E-1", []float64{10, -0.2}},
		{"M +3,\n-4", []float64{3, -4}},
		{"A8 8 0 01-1.5.5", []float64{8, 8, 0, 0, 1, -1.5, 0.5}},
		{"A.6.6,0,1,0,.1 2", []float64{0.6, 0.6, 0, 1, 0, 0.1, 2}},
		{"A1 1 0 1110 10", []float64{1, 1, 0, 1, 1, 10, 10}},
	} {
		r := pathReader{data: c.data[1:]}
		got, err := r.numbers(c.data[0])
		if err != nil || !slices.Equal(got, c.want) || r.data != "" {
			t.Errorf("%s: %v, rest %q, %v", c.data, got, r.data, err)
		}
	}
}

// All four arcs between two ends lie on circles through both.
func TestArc_LiesOnItsCircle(t *testing.T) {
	from, to := point{3, 4}, point{7, 6}
	for _, large := range []bool{false, true} {
		for _, sweep := range []bool{false, true} {
			e := ellipse{rx: 5, ry: 5, cos: 1}
			start, delta := e.span(from, to, large, sweep)
			for name, p := range map[string]point{"start": from, "end": to} {
				angle := start
				if name == "end" {
					angle += delta
				}
				sin, cos := math.Sincos(angle)
				if got := e.at(cos, sin); math.Hypot(got.x-p.x, got.y-p.y) > 1e-9 {
					t.Errorf("large %v, sweep %v: the %s is %v", large, sweep, name, got)
				}
			}
			if (math.Abs(delta) > math.Pi) != large || (delta > 0) != sweep {
				t.Errorf("large %v, sweep %v: turns by %.2f", large, sweep, delta)
			}
		}
	}
	short := ellipse{rx: 1, ry: 1, cos: 1}
	if _, delta := short.span(from, to, false, true); math.Abs(short.rx-math.Sqrt(5)) > 1e-9 || math.Abs(delta-math.Pi) > 1e-6 {
		t.Errorf("a radius that does not reach grew to %.3f, turning by %.3f", short.rx, delta)
	}
}

func FuzzPath(f *testing.F) {
	for _, d := range []string{"M1 2h3v4z", "m0 0a1 1 0 01.5.5", "M0 0q1 1 2 2t3 3s1 1 2 2", "", "M", "z", "M1e999 0", "A0 0 0 0 0 0 0"} {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, data string) {
		pdf := fpdf.New("P", "mm", "A4", "")
		pdf.AddPage()
		r := pathReader{data: data, pen: pen{pdf, style{scale: 1}}}
		if err := r.run(); err != nil && !errors.Is(err, errDrawing) {
			t.Error(err)
		}
	})
}

func TestSpell(t *testing.T) {
	for phone, want := range map[string]string{
		"+33465712042":      "04 65 71 20 42",
		"+33 4 65 71 20 42": "04 65 71 20 42",
		"+33 (4) 65712042":  "04 65 71 20 42",
		"0465712042":        "04 65 71 20 42",
		"04 65 71 20 42":    "04 65 71 20 42",
		"04.65.71.20.42":    "04 65 71 20 42",
		"04-65-71-20-42":    "04 65 71 20 42",
		"+262262123456":     "02 62 12 34 56",
		"+596596123456":     "05 96 12 34 56",
		"0800 123 456":      "0800 123 456",
		"3949":              "3949",
		"115":               "115",
		"+493012345678":     "+49 30 12 34 56 78",
		"+49 30 1234567":    "+49 30 1234567",
	} {
		if got, err := spell(phone); err != nil || got != want {
			t.Errorf("%s: %q, want %q: %v", phone, got, want, err)
		}
	}
}
