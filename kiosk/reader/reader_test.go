package reader

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"consigne/cards"
)

// typed returns the events of a text typed with Enter.
func typed(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Type(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func feedAll(b []byte) []Code {
	var d decoder
	var codes []Code
	take(&d, bytes.Clone(b), func(c Code) { codes = append(codes, c) })
	return codes
}

func TestDecoder(t *testing.T) {
	card := cards.New()
	text := card.Text()
	for _, test := range []struct {
		name, text string
		want       Kind
	}{
		{"card", text, Card},
		{"small letters", strings.ToLower(text), Card},
		{"in threes", text[:3] + " " + text[3:6] + "-" + text[6:], Card},
		{"half", text[:17], Unread},
		{"one letter", text[:1], Unread},
		{"all but one", text[:32], Unread},
		{"one letter wrong", swapped(text), NotCard},
		{"one letter too many", text + "B", NotCard},
		{"two cards", text + text, NotCard},
		{"web address", "https://example.org/?q=1", NotCard},
		{"wireless network", `WIFI:T:WPA;S:cafe;P:"x\y";;`, NotCard},
		{"bar code", "3017620422003", NotCard},
		{"very long", strings.Repeat("BCD", 500), NotCard},
	} {
		t.Run(test.name, func(t *testing.T) {
			codes := feedAll(typed(t, test.text))
			if len(codes) != 1 || codes[0].Kind != test.want {
				t.Fatalf("got %d codes %v, want one of kind %d", len(codes), codes, test.want)
			}
			if test.want == Card && !codes[0].Card.Equal(card) {
				t.Error("the card is another one")
			}
			if test.want != Card && !codes[0].Card.IsZero() {
				t.Error("a refused code carries a card")
			}
		})
	}
}

// swapped exchanges the first two letters of a card that differ.
func swapped(text string) string {
	b := []byte(text)
	for i := 1; i < len(b)-1; i++ {
		if b[i] != b[i+1] {
			b[i], b[i+1] = b[i+1], b[i]
			return string(b)
		}
	}
	return text
}

func TestDecoder_LettersUnderEveryShiftState(t *testing.T) {
	for _, letter := range cards.Alphabet {
		plain, shift, ok := keyOf(byte(letter) + 'a' - 'A')
		if !ok || shift {
			t.Errorf("%c: small letter needs shift %v, known %v", letter, shift, ok)
		}
		capital, shift, ok := keyOf(byte(letter))
		if !ok || !shift || capital != plain {
			t.Errorf("%c: capital on key %d, small on key %d", letter, capital, plain)
		}
	}
}

func TestDecoder_Ends(t *testing.T) {
	text := cards.New().Text()
	body := typed(t, text)
	body = body[:len(body)-4*eventSize]
	for name, key := range map[string]uint16{"Enter": keyEnter, "Tab": keyTab, "keypad": keyKeypad} {
		codes := feedAll(stroke(bytes.Clone(body), key, pressed))
		if len(codes) != 1 || codes[0].Kind != Card {
			t.Errorf("%s: got %v", name, codes)
		}
	}
	if codes := feedAll(body); len(codes) != 0 {
		t.Errorf("without an end: got %v", codes)
	}
	if codes := feedAll(typed(t, "")); len(codes) != 0 {
		t.Errorf("Enter alone: got %v", codes)
	}
}

func TestDecoder_IgnoresRepeatsAndReleases(t *testing.T) {
	text := cards.New().Text()
	var b []byte
	for i := range len(text) {
		code, _, _ := keyOf(text[i])
		for _, value := range []int32{pressed, repeated, repeated, released} {
			b = stroke(b, code, value)
		}
		b = event{4, 4, 458756}.append(b) // EV_MSC, as real keyboards send
	}
	codes := feedAll(stroke(b, keyEnter, pressed))
	if len(codes) != 1 || codes[0].Kind != Card {
		t.Errorf("got %v, want a card", codes)
	}
}

func TestDecoder_DroppedEventsAreNoCard(t *testing.T) {
	b := typed(t, cards.New().Text())
	half := len(b) / 2 / eventSize * eventSize
	with := append(event{evSyn, synDropped, 0}.append(bytes.Clone(b[:half])), b[half:]...)
	codes := feedAll(with)
	if len(codes) != 1 || codes[0].Kind != Unread {
		t.Errorf("got %v, want unread", codes)
	}
}

func TestType_RefusesWhatNoKeyTypes(t *testing.T) {
	for _, text := range []string{"é", "a\nb", "\x00"} {
		var b bytes.Buffer
		if err := Type(&b, text); !errors.Is(err, ErrSign) || b.Len() > 0 {
			t.Errorf("%q: error %v after %d bytes", text, err, b.Len())
		}
	}
}

func TestType_FitsOneAtomicWrite(t *testing.T) {
	const pipeBuf = 4096
	if n := len(typed(t, strings.ToLower(cards.New().Text()))); n > pipeBuf {
		t.Errorf("a card is %d bytes of events, more than a pipe takes in one piece", n)
	}
}

// fifo makes a pipe and opens it as the supervisor does.
func fifo(t *testing.T) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scanner")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func scan(f *os.File, silence time.Duration) <-chan Code {
	codes := make(chan Code, 16)
	go func() {
		defer close(codes)
		Scan(f, silence, func(c Code) { codes <- c })
	}()
	return codes
}

func TestScan_PipeOutlivesItsWriters(t *testing.T) {
	f := fifo(t)
	codes := scan(f, time.Minute)
	for range 3 {
		w, err := os.OpenFile(f.Name(), os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := Type(w, cards.New().Text()); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if c := <-codes; c.Kind != Card {
			t.Fatalf("got kind %d", c.Kind)
		}
	}
	f.Close()
	if c, open := <-codes; open {
		t.Errorf("a closed scanner gave %v", c)
	}
}

func TestScan_SilenceEnds(t *testing.T) {
	f := fifo(t)
	codes := scan(f, 20*time.Millisecond)
	text := cards.New().Text()
	for _, test := range []struct {
		text string
		want Kind
	}{{text, Card}, {text[:20], Unread}} {
		b := typed(t, test.text)
		f.Write(b[:len(b)-4*eventSize])
		if c := <-codes; c.Kind != test.want {
			t.Errorf("%d letters and silence: kind %d, want %d", len(test.text), c.Kind, test.want)
		}
	}
}

func TestScan_NoiseDoesNotPutTheNextOutOfStep(t *testing.T) {
	f := fifo(t)
	codes := scan(f, 20*time.Millisecond)
	b := typed(t, cards.New().Text()[:5])
	f.Write(b[:len(b)-4*eventSize-7]) // ends amid an event
	if c := <-codes; c.Kind != Unread {
		t.Fatalf("cut events: kind %d", c.Kind)
	}
	f.Write(typed(t, cards.New().Text()))
	if c := <-codes; c.Kind != Card {
		t.Errorf("after noise: kind %d", c.Kind)
	}
}

func TestOpen_Refuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	for path, want := range map[string]error{
		file:           ErrDevice,
		t.TempDir():    ErrDevice,
		"/dev/null":    ErrDevice,
		file + "/none": syscall.ENOTDIR,
		file + "-none": os.ErrNotExist,
	} {
		f, err := Open(path)
		if f != nil || !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", path, err, want)
		}
	}
}

// cutSource gives the bytes in pieces of any size, then times out, then ends.
type cutSource struct {
	pieces [][]byte
	quiet  bool
}

func (c *cutSource) SetReadDeadline(time.Time) error { return nil }

func (c *cutSource) Read(b []byte) (int, error) {
	if len(c.pieces) == 0 {
		if c.quiet {
			return 0, io.EOF
		}
		c.quiet = true
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(b, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}

// FuzzScan feeds any bytes, cut anywhere: never a panic, and the same codes
// whichever way the bytes were cut.
func FuzzScan(f *testing.F) {
	card := cards.New().Text()
	for _, text := range []string{card, card[:9], "https://example.org", strings.Repeat("X", 100)} {
		f.Add(typed(f, text), uint16(7))
		f.Add(append(typed(f, text), typed(f, card)...), uint16(eventSize))
	}
	f.Add([]byte{}, uint16(0))
	f.Add(bytes.Repeat([]byte{0xff}, 1000), uint16(13))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		whole := kinds(&cutSource{pieces: [][]byte{b}})
		at := int(cut) % (len(b) + 1)
		parts := kinds(&cutSource{pieces: [][]byte{b[:at:at], b[at:]}})
		if !bytes.Equal(whole, parts) {
			t.Errorf("cut at %d of %d: %v, whole: %v", at, len(b), parts, whole)
		}
	})
}

func kinds(s *cutSource) []byte {
	var got []byte
	Scan(s, time.Second, func(c Code) { got = append(got, byte(c.Kind)) })
	return got
}
