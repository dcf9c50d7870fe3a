package decode_test

import (
	"image"
	"image/color"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skip2/go-qrcode"

	"consigne/cards"
	"consigne/kiosk/decode"
)

// texts names cards in a failing test without repeating a secret one: those of
// the tests are nobody's.
func texts(found []cards.Card) string {
	var all []string
	for _, card := range found {
		all = append(all, card.Text())
	}
	return strings.Join(all, " ")
}

// Photographs of each tier are read at least as often as the floor says, and
// never wrongly. They follow from their seeds, so a floor stands close below
// what was measured.
func TestImage_Photographs(t *testing.T) {
	const photos = 15
	for _, tier := range tiers {
		t.Run(tier.name, func(t *testing.T) {
			t.Parallel()
			read := 0
			for seed := range uint64(photos) {
				img, card := tier.take(t, seed)
				found := decode.Image(img)
				for _, f := range found {
					if !f.Equal(card) {
						t.Errorf("photograph %d was misread", seed)
					}
				}
				if len(found) == 1 {
					read++
				}
			}
			t.Logf("%d of %d", read, photos)
			if read*100 < tier.floor*photos {
				t.Errorf("%d of %d read, the floor is %d %%", read, photos, tier.floor)
			}
		})
	}
}

// code draws a QR code as a clean picture.
func code(t testing.TB, text string) image.Image {
	t.Helper()
	q, err := qrcode.New(text, qrcode.Highest)
	if err != nil {
		t.Fatal(err)
	}
	return q.Image(300)
}

const someCard = "BKXNDTREGUHLSOPVCIFJBXTLKENDRGHCJ"

func TestImage_OnlyCardsCount(t *testing.T) {
	if got := texts(decode.Image(code(t, someCard))); got != someCard {
		t.Fatalf("a clean card reads %q", got)
	}
	for name, text := range map[string]string{
		"web address":           "https://example.org/",
		"Wi-Fi code":            "WIFI:S:Accueil;T:WPA;P:bonjour;;",
		"one letter wrong":      "BKXNDTREGUHLSOPVCIFJBXTLKENDRGHCK",
		"two letters swapped":   "BKXNDTREGUHLSOPVCIFJBXTLKENDRHGCJ",
		"half a card":           someCard[:16],
		"lower case":            strings.ToLower(someCard),
		"spaces":                "BKX NDT REG UHL SOP VCI FJB XTL KEN DRG HCJ",
		"a line end behind it":  someCard + "\n",
		"a card in a sentence":  "carte " + someCard,
		"a later version":       "CKXNDTREGUHLSOPVCIFJBXTLKENDRGHJF",
		"a zero byte behind it": someCard + "\x00",
	} {
		if found := decode.Image(code(t, text)); len(found) != 0 {
			t.Errorf("%s counts as a card", name)
		}
	}
}

func TestImage_OfNothing(t *testing.T) {
	for name, img := range map[string]image.Image{
		"no pixels": image.NewGray(image.Rect(0, 0, 0, 0)),
		"a pixel":   image.NewGray(image.Rect(0, 0, 1, 1)),
		"a line":    image.NewGray(image.Rect(0, 0, 500, 1)),
		"a column":  image.NewGray(image.Rect(0, 0, 1, 500)),
		"black":     image.NewGray(image.Rect(0, 0, 200, 200)),
		"white":     image.NewUniform(color.White),
	} {
		if u, ok := img.(*image.Uniform); ok {
			blank := image.NewGray(image.Rect(0, 0, 200, 200))
			for i := range blank.Pix {
				blank.Pix[i] = color.GrayModel.Convert(u.C).(color.Gray).Y
			}
			img = blank
		}
		if found := decode.Image(img); len(found) != 0 {
			t.Errorf("%s: %d cards", name, len(found))
		}
	}
}

// A picture may be a part of a larger one, in any colour model, and transparent
// where it is white.
func TestImage_AnyKindOfPicture(t *testing.T) {
	clean := code(t, someCard)
	bounds := image.Rect(40, 60, 400, 420)
	inner := image.Rect(70, 90, 370, 390)
	type settable interface {
		image.Image
		Set(x, y int, c color.Color)
		SubImage(image.Rectangle) image.Image
	}
	for name, img := range map[string]settable{
		"grey": image.NewGray(bounds), "deep grey": image.NewGray16(bounds), "colours": image.NewRGBA(bounds),
		"deep colours": image.NewNRGBA64(bounds), "palette": image.NewPaletted(bounds, []color.Color{color.White, color.Black}),
		"transparent": image.NewNRGBA(bounds),
	} {
		for y := range 300 {
			for x := range 300 {
				c := clean.At(x, y)
				if r, _, _, _ := c.RGBA(); name == "transparent" && r > 0 {
					c = color.Transparent
				}
				img.Set(inner.Min.X+x, inner.Min.Y+y, c)
			}
		}
		if got := texts(decode.Image(img.SubImage(inner))); got != someCard {
			t.Errorf("%s: read %q", name, got)
		}
	}
	jpeg := image.NewYCbCr(bounds, image.YCbCrSubsampleRatio420)
	for y := range 300 {
		for x := range 300 {
			jpeg.Y[jpeg.YOffset(inner.Min.X+x, inner.Min.Y+y)] = color.GrayModel.Convert(clean.At(x, y)).(color.Gray).Y
		}
	}
	if got := texts(decode.Image(jpeg.SubImage(inner))); got != someCard {
		t.Errorf("luminance and colour differences: read %q", got)
	}
}

// Debian's zbar tells what it reads to everybody on the system bus. Here the
// bus is a socket of the test's own, and the first to knock must be the test.
func TestImage_TellsNoBus(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bus")
	bus, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+socket)
	knocks := make(chan string, 16)
	go func() {
		for {
			knock, err := bus.Accept()
			if err != nil {
				return
			}
			greeting := make([]byte, 4)
			n, _ := knock.Read(greeting)
			knocks <- string(greeting[:n])
			knock.Close() // whoever it was does not wait for an answer
		}
	}()
	if got := texts(decode.Image(code(t, someCard))); got != someCard {
		t.Fatalf("read %q", got)
	}
	own, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if _, err := own.Write([]byte("test")); err != nil {
		t.Fatal(err)
	}
	if greeting := <-knocks; greeting != "test" {
		t.Errorf("somebody else knocked at the bus first, with %q", greeting)
	}
}

func BenchmarkImage(b *testing.B) {
	for _, tier := range tiers {
		img, _ := tier.take(b, 1)
		b.Run(tier.name, func(b *testing.B) {
			for b.Loop() {
				decode.Image(img)
			}
		})
	}
}
