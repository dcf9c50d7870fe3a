package cards_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"consigne/cards"
)

// The cards of this table lie in somebody's pocket: they must read, and look,
// the same for ever.
var printed = []struct{ text, mark string }{
	{"BKXNDTREGUHLSOPVCIFJBXTLKENDRGHCJ", "mushroom/CDEBDD"},
	{"BXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXHS", "balloon/E6E2D2"},
	{"BCDEFGHIJKLNOPRSTUVXBCDEFGHIJKLSF", "kite/F3C4D8"},
}

// later is a card whose letters are right, under a version letter to come.
const later = "CKXNDTREGUHLSOPVCIFJBXTLKENDRGHJF"

func TestParse_PrintedCards(t *testing.T) {
	for _, p := range printed {
		card, err := cards.Parse(p.text)
		if err != nil {
			t.Fatalf("%s: %v", p.mark, err)
		}
		if card.Text() != p.text {
			t.Errorf("%s: the text changed", p.mark)
		}
		if string(card.Secret()) != p.text[1:31] {
			t.Errorf("%s: the secret is not letters 2 to 31", p.mark)
		}
		if got := card.Mark().String(); got != p.mark {
			t.Errorf("mark %s, printed as %s", got, p.mark)
		}
	}
}

func TestNew_IsWellFormedAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		card := cards.New()
		text := card.Text()
		if len(text) != cards.Len || strings.Trim(text, cards.Alphabet) != "" || text[0] != 'B' {
			t.Fatal("a fresh card is not 33 letters of the alphabet beginning with B")
		}
		again, err := cards.Parse(text)
		if err != nil || !again.Equal(card) {
			t.Fatalf("a fresh card does not parse to itself: %v", err)
		}
		if seen[text] {
			t.Fatal("a card was drawn twice")
		}
		seen[text] = true
	}
}

// Six standard deviations: one run in some ten million fails by chance.
func TestNew_LettersAreUniform(t *testing.T) {
	const draws = 2000
	counts := map[byte]int{}
	for range draws {
		for _, letter := range cards.New().Secret() {
			counts[letter]++
		}
	}
	const n, p = draws * 30.0, 1 / 20.0
	allowed := 6 * math.Sqrt(n*p*(1-p))
	for _, letter := range []byte(cards.Alphabet) {
		if off := math.Abs(float64(counts[letter]) - n*p); off > allowed {
			t.Errorf("letter %c is off by %.0f, allowed are %.0f", letter, off, allowed)
		}
	}
}

func TestSecret_IsACopy(t *testing.T) {
	card := cards.New()
	text := card.Text()
	clear(card.Secret())
	if card.Text() != text {
		t.Error("clearing the returned secret changed the card")
	}
}

func TestEqual(t *testing.T) {
	a, b := cards.New(), cards.New()
	same, err := cards.Parse(a.Text())
	if err != nil {
		t.Fatal(err)
	}
	var zero, none cards.Card
	for _, c := range []struct {
		name string
		x, y cards.Card
		want bool
	}{
		{"same letters", a, same, true},
		{"other letters", a, b, false},
		{"a card and none", a, zero, false},
		{"none and a card", zero, a, false},
		{"none and none", zero, none, true},
	} {
		if c.x.Equal(c.y) != c.want {
			t.Errorf("%s: Equal is %v", c.name, !c.want)
		}
	}
}

func TestGrouped(t *testing.T) {
	card, err := cards.Parse(printed[0].text)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("BKX NDT REG UHL SOP VCI FJB XTL KEN DRG HCJ")
	if diff := cmp.Diff(want, card.Grouped()); diff != "" {
		t.Error(diff)
	}
}

func TestZeroCard_IsNone(t *testing.T) {
	var zero cards.Card
	if !zero.IsZero() || zero.Text() != "" || zero.Secret() != nil || len(zero.Grouped()) != 0 || zero.Mark() != (cards.Mark{}) {
		t.Error("the zero card is not empty")
	}
	if cards.New().IsZero() {
		t.Error("a fresh card counts as none")
	}
}

// A card is put wherever a careless line could put it, and none of its letters
// may come out: not even six in a row, nor as numbers.
func TestCard_NeverPrintsItself(t *testing.T) {
	card := cards.New()
	inside := struct {
		Shown  cards.Card
		hidden cards.Card
		slice  []cards.Card
		ptr    *cards.Card
		byName map[string]cards.Card
	}{card, card, []cards.Card{card}, &card, map[string]cards.Card{"a": card}}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%t", "%p", "%10s", "%w"} {
		fmt.Fprintf(&out, verb+"\n", card)
		fmt.Fprintf(&out, verb+"\n", &card)
		fmt.Fprintf(&out, verb+"\n", inside)
		fmt.Fprintf(&out, verb+"\n", &inside)
	}
	fmt.Fprintln(&out, card, inside, fmt.Errorf("x: %v", card), card.String(), card.GoString())
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "card", card, "inside", inside, slog.Group("g", "card", &card))
	}
	for _, value := range []any{card, &card, inside, map[string]any{"c": card}} {
		if b, err := json.Marshal(value); err == nil {
			out.Write(b)
		}
		if b, err := xml.Marshal(value); err == nil {
			out.Write(b)
		}
		_ = gob.NewEncoder(&out).Encode(value)
	}
	page := template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}</p><script>var x = {{.}}</script>`))
	if err := page.Execute(&out, card); err != nil {
		t.Fatal(err)
	}
	reveals(t, out.String(), card)
}

func reveals(t *testing.T, printed string, card cards.Card) {
	t.Helper()
	if !strings.Contains(printed, "[card]") {
		t.Error("nothing was printed for a card")
	}
	text := card.Text()
	for i := 0; i+6 <= len(text); i++ {
		part := text[i : i+6]
		for _, form := range []string{
			part, fmt.Sprintf("%x", part), fmt.Sprintf("%X", part),
			strings.Trim(fmt.Sprintf("%d", []byte(part)), "[]"),
			strings.ReplaceAll(strings.Trim(fmt.Sprintf("%#v", []byte(part)), "[]byte{}"), " ", ""),
		} {
			if strings.Contains(printed, form) {
				t.Fatalf("letters %d to %d came out in some form", i+1, i+6)
			}
		}
	}
}
