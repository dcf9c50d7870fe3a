package sheet_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skip2/go-qrcode"

	"consigne/cards"
	"consigne/cards/sheet"
)

const phone = "+33465712042"

// texts are the cards of a sheet and three more; fixed, so that what fails can
// be drawn again.
var texts = []string{
	"BHEOUSCVHGJVVRCTOBBHEGNVPGCFIDGUS", "BPSNNLHDRGENOFIBNDDDGHGINEJSFBBTS",
	"BXFXICNCTNCHIXDPNFVCXJJPGKOCOBJOF", "BVJEKTRPPVSOCPGXTUKFPVETPJJLPBOOK",
	"BHGXVONBUESSCEJVFRECPNBFVFCKGFNBI", "BREKVDUGNGDJGTVJILBGSHSBTGVSJKUKC",
	"BPKXLGEFFRNIFTXHGKTVKLBUDXIKUXLBX", "BJVOGEJDNGDPKHIPNTUUCPCKTSRSGUUBH",
	"BKIXTOSXTOUKUOILESFLKLCGRBFXPGUCJ", "BHEBOFVGJJKUOCDNSNCUOVBFSJGVCVDOF",
	"BTTGFFVPHFOENTKPJCTDDUPHIPLCHKRLU", "BLESTDREFJFFEXHBFSKVEHECOJKROHUJR",
	"BHUGGRIGDRNJNGVRDXHSBTUPNDESCHVDX",
}

func stock(t testing.TB, n int) []cards.Card {
	t.Helper()
	var all []cards.Card
	for _, text := range texts[:n] {
		card, err := cards.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, card)
	}
	return all
}

func write(t testing.TB, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := sheet.Write(&out, stock(t, n), phone); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// file puts a PDF where a command can read it.
func file(t testing.TB, pdf []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sheet.pdf")
	if err := os.WriteFile(name, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// run runs a command and fails the test if it fails or complains.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	// zbarimg would tell the codes to the system bus.
	command.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=disabled:")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, complaints.Bytes())
	}
	if name != "zbarimg" && complaints.Len() > 0 {
		t.Errorf("%s complains: %s", name, complaints.Bytes())
	}
	return string(out)
}

func TestWrite_Refuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		stock []cards.Card
		phone string
		want  error
	}{
		{"no cards", nil, phone, sheet.ErrEmpty},
		{"a zero card among them", append(stock(t, 3), cards.Card{}), phone, sheet.ErrEmpty},
		{"no number", stock(t, 1), "", sheet.ErrPhone},
		{"a name for a number", stock(t, 1), "Consigne", sheet.ErrPhone},
		{"an address", stock(t, 1), "https://example.org", sheet.ErrPhone},
		{"too short", stock(t, 1), "12", sheet.ErrPhone},
		{"too long", stock(t, 1), "+3346571204212345", sheet.ErrPhone},
		{"plus in the middle", stock(t, 1), "04+65712042", sheet.ErrPhone},
		{"other digits", stock(t, 1), "٠٤٦٥٧١٢٠٤٢", sheet.ErrPhone},
	} {
		var out bytes.Buffer
		if err := sheet.Write(&out, c.stock, c.phone); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if out.Len() > 0 {
			t.Errorf("%s: %d bytes were written", c.name, out.Len())
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWrite_HandsOnAWriteError(t *testing.T) {
	if err := sheet.Write(fullDisk{}, stock(t, 1), phone); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

func TestWrite_SameCardsSameBytes(t *testing.T) {
	if !bytes.Equal(write(t, 13), write(t, 13)) {
		t.Error("two runs differ")
	}
	if bytes.Equal(write(t, 3), write(t, 2)) {
		t.Error("three cards give the bytes of two")
	}
}

// Cards are printed on two faces, at true size: the file says so itself.
func TestWrite_IsASoundPDF(t *testing.T) {
	name := file(t, write(t, 13))
	info := run(t, "pdfinfo", name)
	for _, want := range []string{"Pages:           4", "A4"} {
		if !strings.Contains(info, want) {
			t.Errorf("pdfinfo does not say %q:\n%s", want, info)
		}
	}
	fonts := run(t, "pdffonts", name)
	if lines := strings.Split(strings.TrimSpace(fonts), "\n"); len(lines) != 3 || !strings.Contains(lines[2], "yes no  yes") {
		t.Errorf("not exactly one font, embedded and with its letters known:\n%s", fonts)
	}
	pdf := write(t, 1)
	if !bytes.Contains(pdf, []byte("/ViewerPreferences <</PrintScaling /None /Duplex /DuplexFlipLongEdge>>")) {
		t.Error("the file does not ask for true size and two faces")
	}
	// The cross-reference table stands where the file says.
	at := bytes.LastIndex(pdf, []byte("\nxref\n"))
	if !bytes.HasSuffix(pdf, []byte("startxref\n"+strconv.Itoa(at+1)+"\n%%EOF\n")) {
		t.Error("startxref does not point to the table")
	}
}

func TestWrite_NamesNothing(t *testing.T) {
	pdf := write(t, 13)
	for _, text := range append(streams(t, pdf), string(pdf)) {
		if m := regexp.MustCompile(`(?i)consigne|https?:|www\.|fpdf`).FindString(text); m != "" {
			t.Errorf("the file says %q", m)
		}
	}
	for _, word := range strings.Fields(run(t, "pdftotext", file(t, pdf), "-")) {
		if strings.Trim(word, "0123456789"+cards.Alphabet) != "" {
			t.Errorf("a page says %q", word)
		}
	}
}

// streams returns what lies packed in a PDF.
func streams(t testing.TB, pdf []byte) []string {
	t.Helper()
	var all []string
	for _, part := range bytes.Split(pdf, []byte("stream\n"))[1:] {
		reader, err := zlib.NewReader(bytes.NewReader(part))
		if err != nil {
			continue // the end of one, or one that is not packed
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(content))
	}
	if len(all) == 0 {
		t.Fatal("no packed stream found")
	}
	return all
}

// go-qrcode must keep to the alphanumeric mode: in bytes, 33 letters would need
// a larger code with smaller modules.
func TestCode_Is29Modules(t *testing.T) {
	all := slices.Clone(texts)
	for range 200 {
		all = append(all, cards.New().Text())
	}
	for _, text := range all {
		code, err := qrcode.New(text, qrcode.Highest)
		if err != nil {
			t.Fatal(err)
		}
		code.DisableBorder = true
		if n := len(code.Bitmap()); n != 29 || code.VersionNumber != 3 {
			t.Fatalf("%d modules, version %d", n, code.VersionNumber)
		}
	}
}

// Each front is cut out of its page and shown by itself: of several codes in
// one picture, zbarimg loses one in fifty at random.
func TestWrite_ZbarimgReadsEveryFront(t *testing.T) {
	pages := render(t, write(t, 13), 300)
	folder := t.TempDir()
	args := []string{"--quiet", "--raw"}
	for i := range texts {
		x, y := 19.4+float64(i%2)*85.6, 13.5+float64(i%10/2)*54
		card := image.Rect(pixels(x), pixels(y), pixels(x+85.6), pixels(y+54))
		name := filepath.Join(folder, fmt.Sprintf("card%02d.png", i))
		save(t, name, pages[i/10*2].SubImage(card))
		args = append(args, name)
	}
	read := strings.Fields(run(t, "zbarimg", args...))
	if diff := cmp.Diff(texts, read); diff != "" {
		t.Error(diff)
	}
}

func save(t *testing.T, name string, img image.Image) {
	t.Helper()
	var content bytes.Buffer
	if err := png.Encode(&content, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Behind each front, seen through the paper turned over its long edge, lies its
// own back.
func TestWrite_BacksLieBehindTheirFronts(t *testing.T) {
	name := file(t, write(t, 13))
	for i, card := range stock(t, 13) {
		page, place := i/10, i%10
		column, row := place%2, place/2
		x, y := 19.4+float64(1-column)*85.6, 13.5+float64(row)*54
		// At 72 dpi a pixel is a point; the letters stand in the lower half.
		crop := func(mm float64) string { return strconv.Itoa(int(mm / 25.4 * 72)) }
		got := run(t, "pdftotext", "-raw", "-r", "72", "-f", strconv.Itoa(2*page+2), "-l", strconv.Itoa(2*page+2),
			"-x", crop(x), "-y", crop(y+27), "-W", crop(85.6), "-H", crop(27), name, "-")
		if letters := strings.Join(strings.Fields(got), ""); letters != card.Text() {
			t.Errorf("behind card %d: other letters (%d of them)", i+1, len(letters))
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	all := stock(b, 10)
	for b.Loop() {
		if err := sheet.Write(io.Discard, all, phone); err != nil {
			b.Fatal(err)
		}
	}
}
