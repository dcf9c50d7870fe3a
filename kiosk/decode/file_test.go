package decode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"
	"github.com/google/go-cmp/cmp"

	"consigne/cards"
	"consigne/cards/sheet"
	"consigne/kiosk/decode"
)

// printedSheet writes a PDF of n cards and returns its name and their texts.
func printedSheet(t testing.TB, n int) (name string, want []string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	var stock []cards.Card
	for range n {
		card := testCard(t, rng)
		stock = append(stock, card)
		want = append(want, card.Text())
	}
	var pdf bytes.Buffer
	if err := sheet.Write(&pdf, stock, "+33465712042"); err != nil {
		t.Fatal(err)
	}
	return save(t, "sheet.pdf", pdf.Bytes()), want
}

func save(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A sheet just printed, two pages of fronts and two of backs, gives its cards
// in the order in which they stand on it.
func TestFile_ReadsAPrintedSheet(t *testing.T) {
	name, want := printedSheet(t, 12)
	found, err := decode.File(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Join(want, " "), texts(found)); diff != "" {
		t.Error(diff)
	}
}

// The same card in every kind of file, whatever the file's name says.
func TestFile_ReadsEveryKind(t *testing.T) {
	grey, _ := mild(t, 3)
	img, card := mild(t, 3)
	var asPNG, asJPEG bytes.Buffer
	if err := errors.Join(png.Encode(&asPNG, img), jpeg.Encode(&asJPEG, img, &jpeg.Options{Quality: 60})); err != nil {
		t.Fatal(err)
	}
	header := func(magic string, depth string) []byte {
		return fmt.Appendf(nil, "%s\n# a comment\n%d %d%s\n", magic, grey.Rect.Dx(), grey.Rect.Dy(), depth)
	}
	pgm := append(header("P5", " 255"), grey.Pix...)
	ppm, pbm := header("P6", "\n255"), header("P4", "")
	for i, value := range grey.Pix {
		ppm = append(ppm, value, value, value)
		if i%8 == 0 {
			pbm = append(pbm, 0)
		}
		if value < 110 {
			pbm[len(pbm)-1] |= 0x80 >> (i % 8)
		}
	}
	for name, content := range map[string][]byte{
		"a.png": asPNG.Bytes(), "a.jpg": asJPEG.Bytes(), "a.pgm": pgm, "a.ppm": ppm, "a.pbm": pbm, "wrong.pdf": asPNG.Bytes(),
	} {
		found, err := decode.File(t.Context(), save(t, name, content))
		if err != nil || texts(found) != card.Text() {
			t.Errorf("%s: %d cards, %v", name, len(found), err)
		}
	}
}

// locked is a PDF that opens with a password only.
func locked(t *testing.T) []byte {
	t.Helper()
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetProtection(0, "ouvre", "maitre")
	pdf.AddPage()
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// poster is a PDF of one page that has more than MaxPixels at 300 dpi.
func poster(t *testing.T) []byte {
	t.Helper()
	pdf := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: fpdf.SizeType{Wd: 710, Ht: 710}})
	pdf.AddPage()
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFile_Refuses(t *testing.T) {
	var whole bytes.Buffer
	if err := png.Encode(&whole, code(t, someCard)); err != nil {
		t.Fatal(err)
	}
	// A PNG header that claims 60,000 by 60,000 pixels.
	huge := bytes.Clone(whole.Bytes())
	copy(huge[16:24], []byte{0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60})
	var valid bytes.Buffer
	if err := png.Encode(&valid, image.NewGray(image.Rect(0, 0, 9, 9))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		content []byte
		want    error
	}{
		{"empty", nil, decode.ErrDamaged},
		{"text", []byte("bonjour\n"), decode.ErrType},
		{"text named as a picture", []byte("<svg/>"), decode.ErrType},
		{"PNG cut short", whole.Bytes()[:len(whole.Bytes())/2], decode.ErrDamaged},
		{"PNG of a header only", whole.Bytes()[:20], decode.ErrDamaged},
		{"PGM cut short", []byte("P5 10 10 255\n12345"), decode.ErrDamaged},
		{"PGM without pixels", []byte("P5 0 10 255\n"), decode.ErrDamaged},
		{"PGM of 16 bits", []byte("P5 1 1 65535\n\x00\x00"), decode.ErrDamaged},
		{"PGM with words", []byte("P5 ten 10 255\n"), decode.ErrDamaged},
		{"PGM too large", []byte("P5 99999 99999 255\n"), decode.ErrTooLarge},
		{"PGM of a number too long", []byte("P5 1111111111111111111111 1 255\n"), decode.ErrDamaged},
		{"PDF of a header only", []byte("%PDF-1.4\n"), decode.ErrDamaged},
		{"PDF with a password", locked(t), decode.ErrDamaged},
		{"PDF page too large", poster(t), decode.ErrTooLarge},
		{"huge PNG", withCRC(huge), decode.ErrTooLarge},
	} {
		found, err := decode.File(t.Context(), save(t, "file.png", c.content))
		if !errors.Is(err, c.want) || len(found) != 0 {
			t.Errorf("%s: %d cards, %v, want %v", c.name, len(found), err, c.want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), `look into "`) {
			t.Errorf("%s: %v does not name the file", c.name, err)
		}
	}
	if found, err := decode.File(t.Context(), save(t, "blank.png", valid.Bytes())); err != nil || len(found) != 0 {
		t.Errorf("a picture without a card: %d cards, %v", len(found), err)
	}
	if _, err := decode.File(t.Context(), filepath.Join(t.TempDir(), "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := decode.File(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
}

func TestFile_EndsWithItsContext(t *testing.T) {
	name, _ := printedSheet(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := decode.File(ctx, name); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPrint(t *testing.T) {
	var clean, blank bytes.Buffer
	if err := errors.Join(png.Encode(&clean, code(t, someCard)), png.Encode(&blank, image.NewGray(image.Rect(0, 0, 9, 9)))); err != nil {
		t.Fatal(err)
	}
	card, none := save(t, "card.png", clean.Bytes()), save(t, "none.png", blank.Bytes())
	broken, absent := save(t, "text.png", []byte("x")), filepath.Join(t.TempDir(), "absent.png")

	var out bytes.Buffer
	if err := decode.Print(t.Context(), &out, card, none); err != nil {
		t.Error(err)
	}
	want := card + "\t" + someCard + "\n" + none + "\t-\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}

	out.Reset()
	err := decode.Print(t.Context(), &out, broken, absent, card)
	if !errors.Is(err, decode.ErrType) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if strings.Contains(err.Error(), someCard) {
		t.Error("the error repeats a card's letters")
	}
	want = broken + "\t-\n" + absent + "\t-\n" + card + "\t" + someCard + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}

	if err := decode.Print(t.Context(), closedPipe{}, card); !errors.Is(err, errClosed) {
		t.Errorf("closed output: %v", err)
	}
}

type closedPipe struct{}

var errClosed = errors.New("closed")

func (closedPipe) Write([]byte) (int, error) { return 0, errClosed }

// BenchmarkFile reads a page of ten cards and the page of their backs.
func BenchmarkFile(b *testing.B) {
	name, _ := printedSheet(b, 10)
	for b.Loop() {
		found, err := decode.File(b.Context(), name)
		if err != nil || len(found) != 10 {
			b.Fatalf("%d cards: %v", len(found), err)
		}
	}
}
