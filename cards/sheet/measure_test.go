package sheet_test

import (
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// The cuts, in millimetres: cards of 85.6 by 54 between margins of 19.4 and 13.5.
var (
	cutsX = []float64{19.4, 105, 190.6}
	cutsY = []float64{13.5, 67.5, 121.5, 175.5, 229.5, 283.5}
)

// By the PDF's own numbers, every cut lies within a hundredth of a millimetre.
func TestCR80_ByTheNumbers(t *testing.T) {
	const mm = 25.4 / 72
	pages := streams(t, write(t, 10))[:2]
	line := regexp.MustCompile(`([\d.]+) ([\d.]+) m ([\d.]+) ([\d.]+) l S`)
	for n, page := range pages {
		var xs, ys []float64
		for _, m := range line.FindAllStringSubmatch(page, -1) {
			var v [4]float64
			for i := range v {
				v[i] = number(t, m[i+1]) * mm
			}
			switch {
			case v[0] == v[2]:
				xs = append(xs, v[0])
			case v[1] == v[3] && (v[0] < 19.5): // the rules on the backs begin further right
				ys = append(ys, 297-v[1])
			}
		}
		near(t, "page "+strconv.Itoa(n+1)+", down", xs, cutsX)
		near(t, "page "+strconv.Itoa(n+1)+", across", ys, cutsY)
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// near checks that got has all of want, and nothing else, to a hundredth.
func near(t *testing.T, name string, got, want []float64) {
	t.Helper()
	met := map[float64]bool{}
	for _, g := range got {
		i := slices.IndexFunc(want, func(w float64) bool { return math.Abs(g-w) < 0.01 })
		if i < 0 {
			t.Errorf("%s: a cut at %.3f mm", name, g)
			continue
		}
		met[want[i]] = true
	}
	if len(met) != len(want) {
		t.Errorf("%s: %d of %d cuts", name, len(met), len(want))
	}
}

// By the pixels of a page drawn at 300 dpi, each cut mark and each card's inner
// line lies within one pixel of its place.
func TestCR80_ByThePixels(t *testing.T) {
	pages := render(t, write(t, 10), 300)
	for n, page := range pages {
		name := "page " + strconv.Itoa(n+1)
		// Along the ticks outside the cards: 8 mm from the upper edge and 13
		// from the left.
		down := darkAlong(page, image.Pt(0, pixels(8)), image.Pt(1, 0))
		across := darkAlong(page, image.Pt(pixels(13), 0), image.Pt(0, 1))
		within(t, name+", ticks above", down, cutsX)
		within(t, name+", ticks on the left", across, cutsY)
	}
	// Along a front, 3 mm below its upper edge, there is nothing dark but the
	// two lines between code and band.
	lines := darkAlong(pages[0], image.Pt(0, pixels(13.5+3)), image.Pt(1, 0))
	const half = 0.35 // of the line's width
	within(t, "inner lines", lines, []float64{19.4 + 50 + half, 105 + 50 + half})
}

func pixels(mm float64) int { return int(math.Round(mm / 25.4 * 300)) }

// render draws the pages of a PDF in grey.
func render(t *testing.T, pdf []byte, dpi int) []*image.Gray {
	t.Helper()
	prefix := filepath.Join(t.TempDir(), "page")
	run(t, "pdftoppm", "-r", strconv.Itoa(dpi), "-gray", file(t, pdf), prefix)
	names, err := filepath.Glob(prefix + "*.pgm")
	if err != nil || len(names) == 0 {
		t.Fatalf("no page was drawn: %v", err)
	}
	var pages []*image.Gray
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var width, height int
		if _, err := fmt.Sscanf(string(content[:30]), "P5\n%d %d\n255\n", &width, &height); err != nil {
			t.Fatal(err)
		}
		page := image.NewGray(image.Rect(0, 0, width, height))
		copy(page.Pix, content[len(content)-width*height:])
		pages = append(pages, page)
	}
	return pages
}

// darkAlong walks over a page and returns the middle of each dark stretch.
func darkAlong(page *image.Gray, from, step image.Point) []float64 {
	var middles []float64
	start := -1
	for at, i := from, 0; at.In(page.Bounds()); at, i = at.Add(step), i+1 {
		dark := page.GrayAt(at.X, at.Y).Y < 0x70
		if dark && start < 0 {
			start = i
		}
		if !dark && start >= 0 {
			middles = append(middles, float64(start+i)/2)
			start = -1
		}
	}
	return middles
}

// within checks that the pixels lie within one of their places in millimetres.
func within(t *testing.T, name string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d dark stretches, want %d: %v", name, len(got), len(want), got)
		return
	}
	for i := range got {
		if off := got[i] - want[i]/25.4*300; math.Abs(off) > 1 {
			t.Errorf("%s: number %d is %.2f pixels off", name, i+1, off)
		}
	}
}
