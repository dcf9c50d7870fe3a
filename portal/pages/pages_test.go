package pages_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"consigne/portal/pages"
)

type drawn struct {
	w, h int
	img  image.Image
}

// render collects the pages and demands what every result has: pages numbered
// from 1, sizes as told, the upload read once and wholly.
func render(t *testing.T, file []byte) (pages.Kind, []drawn, error) {
	t.Helper()
	var seen bytes.Buffer
	var got []drawn
	kind, err := pages.Render(t.Context(), io.TeeReader(bytes.NewReader(file), &seen), func(n int, b []byte, w, h int) error {
		if n != len(got)+1 {
			t.Errorf("page %d came after %d", n, len(got))
		}
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			return err
		}
		if s := img.Bounds().Size(); s != image.Pt(w, h) || w > pages.MaxSide || h > pages.MaxSide {
			t.Errorf("page %d is %v, said to be %d by %d", n, s, w, h)
		}
		got = append(got, drawn{w, h, img})
		return nil
	})
	if !bytes.Equal(seen.Bytes(), file) {
		t.Errorf("%d of %d bytes of the upload were read", seen.Len(), len(file))
	}
	return kind, got, err
}

func near(c color.Color, want color.RGBA) bool {
	r, g, b, _ := c.RGBA()
	off := func(a uint32, b uint8) bool { return a>>8 > uint32(b)+40 || a>>8+40 < uint32(b) }
	return !off(r, want.R) && !off(g, want.G) && !off(b, want.B)
}

var (
	red   = color.RGBA{255, 0, 0, 255}
	green = color.RGBA{0, 255, 0, 255}
	blue  = color.RGBA{0, 0, 255, 255}
	white = color.RGBA{255, 255, 255, 255}
	black = color.RGBA{0, 0, 0, 255}
)

// checkCorners samples the middles of the four quarters.
func checkCorners(t *testing.T, d drawn, want [4]color.RGBA) {
	t.Helper()
	at := []image.Point{{d.w / 4, d.h / 4}, {3 * d.w / 4, d.h / 4}, {d.w / 4, 3 * d.h / 4}, {3 * d.w / 4, 3 * d.h / 4}}
	for i, p := range at {
		if c := d.img.At(p.X, p.Y); !near(c, want[i]) {
			t.Errorf("quarter %d is %v, want %v", i, c, want[i])
		}
	}
}

func TestRender_Pictures(t *testing.T) {
	plain := [4]color.RGBA{red, green, blue, white}
	glass := image.NewNRGBA(image.Rect(0, 0, 40, 40)) // wholly transparent
	grey := image.NewGray16(image.Rect(0, 0, 64, 32))
	tests := []struct {
		name string
		file []byte
		kind pages.Kind
		w, h int
		want [4]color.RGBA
	}{
		{"small JPEG", makeJPEG(t, corners(200, 100)), pages.JPEG, 200, 100, plain},
		{"large JPEG", makeJPEG(t, corners(1800, 1200)), pages.JPEG, 1600, 1066, plain},
		{"tall PNG", makePNG(t, corners(601, 2003)), pages.PNG, 480, 1600, plain},
		{"thin PNG", makePNG(t, corners(2, 5000)), pages.PNG, 1, 1600, [4]color.RGBA{{128, 128, 0, 255}, {128, 128, 0, 255}, {128, 128, 255, 255}, {128, 128, 255, 255}}},
		{"one pixel", makePNG(t, corners(1, 1)), pages.PNG, 1, 1, [4]color.RGBA{white, white, white, white}},
		{"exactly the limit", makePNG(t, corners(1600, 1600)), pages.PNG, 1600, 1600, plain},
		{"one over the limit", makePNG(t, corners(1601, 1601)), pages.PNG, 1600, 1600, plain},
		{"transparent PNG", makePNG(t, glass), pages.PNG, 40, 40, [4]color.RGBA{white, white, white, white}},
		{"16-bit grey PNG", makePNG(t, grey), pages.PNG, 64, 32, [4]color.RGBA{black, black, black, black}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, got, err := render(t, tt.file)
			if err != nil || kind != tt.kind || len(got) != 1 {
				t.Fatalf("%q, %d pages, %v; want one page of %q", kind, len(got), err, tt.kind)
			}
			if got[0].w != tt.w || got[0].h != tt.h {
				t.Errorf("%d by %d, want %d by %d", got[0].w, got[0].h, tt.w, tt.h)
			}
			checkCorners(t, got[0], tt.want)
		})
	}
}

// What a JPEG with red, green, blue and white quarters looks like in each
// orientation (CIPA DC-008, figure of tag 0x0112).
func TestRender_Orientation(t *testing.T) {
	want := [][4]color.RGBA{
		1: {red, green, blue, white},
		2: {green, red, white, blue},
		3: {white, blue, green, red},
		4: {blue, white, red, green},
		5: {red, blue, green, white},
		6: {blue, red, white, green},
		7: {white, green, blue, red},
		8: {green, white, red, blue},
		9: {red, green, blue, white}, // no such orientation: as it lies
	}
	file := makeJPEG(t, corners(160, 80))
	for o := 1; o <= 9; o++ {
		for _, big := range []bool{false, true} {
			_, got, err := render(t, withEXIF(file, byte(o), big))
			if err != nil || len(got) != 1 {
				t.Fatalf("orientation %d: %d pages, %v", o, len(got), err)
			}
			if turned := got[0].w < got[0].h; turned != (o >= 5 && o <= 8) {
				t.Errorf("orientation %d gives %d by %d", o, got[0].w, got[0].h)
			}
			checkCorners(t, got[0], want[o])
		}
	}
}

func TestRender_PDF(t *testing.T) {
	tests := []struct {
		name  string
		pages int
		file  []byte
	}{
		{"one page", 1, makePDF(t, 1, nil)},
		{"three pages", 3, makePDF(t, 3, nil)},
		{"as many as may be", pages.MaxPages, makeSlips(t, pages.MaxPages)},
		{"owner's password only", 2, makePDF(t, 2, func(p *fpdf.Fpdf) { p.SetProtection(fpdf.CnProtectPrint, "", "owner") })},
		{"something before the mark", 1, append([]byte("\xef\xbb\xbf\r\n"), makePDF(t, 1, nil)...)},
		{"something after the end", 1, append(makePDF(t, 1, nil), make([]byte, 900)...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, got, err := render(t, tt.file)
			if err != nil || kind != pages.PDF || len(got) != tt.pages {
				t.Fatalf("%q, %d pages, %v; want %d", kind, len(got), err, tt.pages)
			}
			for n, d := range got {
				checkPage(t, n, d)
			}
		})
	}
}

// checkPage demands page n+1 of makePDF: its long side, and the bar of
// 10(n+1) mm that begins at 10 mm. Slips have none.
func checkPage(t *testing.T, n int, d drawn) {
	t.Helper()
	if max(d.w, d.h) != pages.MaxSide {
		t.Errorf("page %d is %d by %d, want the long side %d", n+1, d.w, d.h, pages.MaxSide)
	}
	if d.w > d.h {
		return
	}
	inside, outside := 10*(n+1)+5, 10*(n+1)+15
	y := 110 * d.h / 297
	if !near(d.img.At(inside*d.w/210, y), black) || !near(d.img.At(outside*d.w/210, y), white) {
		t.Errorf("page %d does not show its own bar", n+1)
	}
}

func TestRender_Refusals(t *testing.T) {
	pdf := makePDF(t, 2, nil)
	jpg := makeJPEG(t, corners(300, 300))
	png := makePNG(t, corners(300, 300))
	locked := makePDF(t, 2, func(p *fpdf.Fpdf) { p.SetProtection(fpdf.CnProtectPrint, "user", "owner") })
	hollow := append([]byte("%PDF-1.4\n"), bytes.Repeat([]byte("nothing in here "), 500)...)
	tests := []struct {
		name string
		file []byte
		want error
	}{
		{"empty", nil, pages.ErrEmpty},
		{"text", []byte("Bonjour, voici mon attestation."), pages.ErrType},
		{"zeros", make([]byte, 100_000), pages.ErrType},
		{"GIF", []byte("GIF89a\x01\x00\x01\x00"), pages.ErrType},
		{"page of the web", []byte("<!DOCTYPE html><p>%PDF"), pages.ErrType},
		{"mark too late", append(make([]byte, 1024), pdf...), pages.ErrType},
		{"half a mark", []byte("\x89PN"), pages.ErrCut},
		{"password", locked, pages.ErrPassword},
		{"51 pages", makeSlips(t, pages.MaxPages+1), pages.ErrTooManyPages},
		{"PDF without an end", hollow, pages.ErrCut},
		{"PDF of junk with an end", append(hollow, "%%EOF\n"...), pages.ErrDamaged},
		{"large PDF of junk", append(bytes.Repeat(hollow, 400), "%%EOF\n"...), pages.ErrDamaged},
		{"JPEG marks, junk inside", append([]byte("\xff\xd8\xff"), "junk junk \xff\xd9"...), pages.ErrDamaged},
		{"PNG with a wrong sum", flip(png, 20), pages.ErrDamaged},
		{"PNG with wrong data", flip(png, len(png)-40), pages.ErrDamaged},
		{"JPEG cut", jpg[:len(jpg)-2], pages.ErrCut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, _, err := render(t, tt.file)
			if !errors.Is(err, tt.want) {
				t.Errorf("%q, %v; want %v", kind, err, tt.want)
			}
		})
	}
}

func flip(file []byte, at int) []byte {
	b := bytes.Clone(file)
	b[at] ^= 0x55
	return b
}

// Every file cut anywhere is refused, and as cut.
func TestRender_CutAnywhere(t *testing.T) {
	files := map[string][]byte{
		"JPEG": makeJPEG(t, corners(64, 48)),
		"PNG":  makePNG(t, corners(64, 48)),
		"PDF":  makePDF(t, 3, nil),
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			end := len(file)
			step := max(1, end/120)
			if name == "PDF" {
				// The end mark and its line end are the last six bytes.
				end, step = len(file)-6, max(1, end/25)
			}
			for n := 1; n < end; n += step {
				if _, _, err := render(t, file[:n]); !errors.Is(err, pages.ErrCut) {
					t.Errorf("cut at %d of %d: %v, want ErrCut", n, len(file), err)
				}
			}
		})
	}
}

// A picture that unpacks into far more than it is: a few bytes of file say
// 30,000 by 30,000, and one of 64 MB really holds what it says.
func TestRender_TooManyPixels(t *testing.T) {
	small := makePNG(t, corners(8, 8))
	said := bytes.Clone(small)
	copy(said[16:], "\x00\x00\x75\x30\x00\x00\x75\x30")
	fixSum(said)
	bomb := makePNG(t, image.NewPaletted(image.Rect(0, 0, 8000, 8000), color.Palette{color.Black, color.White}))
	for name, file := range map[string][]byte{"said": said, "real": bomb} {
		if _, got, err := render(t, file); !errors.Is(err, pages.ErrTooLarge) || len(got) != 0 {
			t.Errorf("%s: %d pages, %v; want ErrTooLarge", name, len(got), err)
		}
	}
}

// A PDF whose one page asks for more than the child may use is refused in
// bounded time, by either limit.
func TestRender_PDFWithEndlessWork(t *testing.T) {
	for name, lim := range map[string]struct {
		cpu   int
		clock time.Duration
	}{
		"computing": {1, time.Minute},
		"clock":     {60, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			keep := func(int, []byte, int, int) error { n++; return nil }
			_, err := pages.RenderWithin(t.Context(), bytes.NewReader(loopPDF()), lim.cpu, lim.clock, keep)
			if n != 0 || !errors.Is(err, pages.ErrDamaged) {
				t.Errorf("%d pages, %v; want ErrDamaged", n, err)
			}
		})
	}
}

func TestRender_ErrorsOfOthersAreNotTheFile(t *testing.T) {
	boom := errors.New("line dropped")
	file := makePDF(t, 2, nil)
	jpg := makeJPEG(t, corners(300, 300))
	keep := func(int, []byte, int, int) error { return nil }
	for name, f := range map[string][]byte{"PDF": file, "JPEG": jpg, "nothing": nil} {
		r := io.MultiReader(bytes.NewReader(f[:len(f)/2]), iotest.ErrReader(boom))
		_, err := pages.Render(t.Context(), r, keep)
		if !errors.Is(err, boom) || errors.Is(err, pages.ErrCut) || errors.Is(err, pages.ErrDamaged) {
			t.Errorf("%s: %v, want the reader's error", name, err)
		}
	}
	for name, f := range map[string][]byte{"PDF": file, "JPEG": jpg} {
		_, err := pages.Render(t.Context(), bytes.NewReader(f), func(int, []byte, int, int) error { return boom })
		if !errors.Is(err, boom) {
			t.Errorf("%s: %v, want the receiver's error", name, err)
		}
	}
}

func TestRender_ContextEnds(t *testing.T) {
	file := makePDF(t, 20, nil)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := pages.Render(ctx, bytes.NewReader(file), func(int, []byte, int, int) error {
		n++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v after %d pages, want Canceled", err, n)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = pages.Render(ctx, strings.NewReader("x"), func(int, []byte, int, int) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
}

// Uploads arrive in whatever pieces the line makes of them.
func TestRender_OddReaders(t *testing.T) {
	file := makePDF(t, 1, nil)
	jpg := makeJPEG(t, corners(300, 300))
	for name, f := range map[string][]byte{"PDF": file, "JPEG": jpg} {
		for how, r := range map[string]io.Reader{
			"byte by byte": iotest.OneByteReader(bytes.NewReader(f)),
			"end at once":  iotest.DataErrReader(bytes.NewReader(f)),
			"by halves":    iotest.HalfReader(bytes.NewReader(f)),
		} {
			n := 0
			if _, err := pages.Render(t.Context(), r, func(int, []byte, int, int) error { n++; return nil }); err != nil || n != 1 {
				t.Errorf("%s, %s: %d pages, %v", name, how, n, err)
			}
		}
	}
}
