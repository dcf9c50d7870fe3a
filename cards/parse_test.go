package cards_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"consigne/cards"
)

func TestParse_Forgives(t *testing.T) {
	text := printed[0].text
	card, err := cards.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, typed := range map[string]string{
		"lower case":      strings.ToLower(text),
		"mixed case":      strings.ToLower(text[:10]) + text[10:],
		"threes":          strings.Join(card.Grouped(), " "),
		"threes, dashed":  strings.Join(card.Grouped(), "-"),
		"two lines":       text[:18] + "\r\n" + text[18:] + "\n",
		"tabs and edges":  "\t " + text + " \t",
		"no-break spaces": strings.Join(card.Grouped(), "\u00a0"),
		"narrow spaces":   strings.Join(card.Grouped(), "\u202f"),
		"en dashes":       strings.Join(card.Grouped(), "–"),
		"every letter":    strings.Join(strings.Split(text, ""), " — "),
	} {
		got, err := cards.Parse(typed)
		if err != nil || !got.Equal(card) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParse_Refuses(t *testing.T) {
	good := printed[0].text
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", cards.ErrNotCard},
		{"blanks", " \n\t-", cards.ErrNotCard},
		{"web address", "https://example.org/l/BKXNDTREGUHLSOPV", cards.ErrNotCard},
		{"web address of a card's length", "HTTPS://EXAMPLE.ORG/AAAAAAAAAAAAA", cards.ErrNotCard},
		{"Wi-Fi code", "WIFI:S:Cafe;T:WPA;P:bonjour1234;;", cards.ErrNotCard},
		{"contact", "BEGIN:VCARD\nN:Martin\nEND:VCARD", cards.ErrNotCard},
		{"bar code", "3017620422003", cards.ErrNotCard},
		{"33 digits", strings.Repeat("1", 33), cards.ErrNotCard},
		{"33 letters of a sentence", "LAMAISONESTAUBORDDELAMERETDUCIELQ", cards.ErrNotCard},
		{"first half", good[:16], cards.ErrShort},
		{"second half", good[16:], cards.ErrShort},
		{"one letter", "B", cards.ErrShort},
		{"one letter lost", good[:20] + good[21:], cards.ErrShort},
		{"half with a slip", "1" + good[:16], cards.ErrNotCard},
		{"one letter too many", good + "B", cards.ErrNotCard},
		{"twice", good + good, cards.ErrNotCard},
		{"endless", strings.Repeat(good+" ", 1000), cards.ErrNotCard},
		{"accent", "É" + good[1:], cards.ErrNotCard},
		{"Cyrillic В for B", "В" + good[1:], cards.ErrNotCard},
		{"full-width letters", "ＢＫＸ" + good[3:], cards.ErrNotCard},
		{"dotless i", strings.Replace(strings.ToLower(good), "i", "ı", 1), cards.ErrNotCard},
		{"broken UTF-8", "\xff" + good[1:], cards.ErrNotCard},
		{"zero byte", good[:32] + "\x00", cards.ErrNotCard},
		{"digit 0 for O", strings.Replace(good, "O", "0", 1), cards.ErrLetter},
		{"A for K", strings.Replace(good, "K", "A", 1), cards.ErrLetter},
		{"another keyboard's three", "QWZ" + good[3:], cards.ErrLetter},
		{"first letter wrong", "C" + good[1:], cards.ErrLetter},
		{"check wrong", good[:32] + "B", cards.ErrLetter},
		{"check beyond 396", good[:31] + "XX", cards.ErrLetter},
		{"later version", later, cards.ErrVersion},
	} {
		card, err := cards.Parse(c.text)
		if !errors.Is(err, c.want) || !card.IsZero() {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Each answer leads to another sentence on the screen, so no error may pass
// for two, except that half a card is no card either.
func TestParse_ErrorsAreApart(t *testing.T) {
	all := []error{cards.ErrNotCard, cards.ErrLetter, cards.ErrVersion}
	for i, a := range all {
		for j, b := range all {
			if (i == j) != errors.Is(a, b) {
				t.Errorf("%v is %v", a, b)
			}
		}
	}
	if !errors.Is(cards.ErrShort, cards.ErrNotCard) || errors.Is(cards.ErrNotCard, cards.ErrShort) {
		t.Error("a short text must be a kind of not-a-card, and not the other way round")
	}
}

// samples are the printed cards, a later one and fresh ones.
func samples() []string {
	all := []string{later}
	for _, p := range printed {
		all = append(all, p.text)
	}
	for range 16 {
		all = append(all, cards.New().Text())
	}
	return all
}

func TestParse_CatchesEveryWrongLetter(t *testing.T) {
	for _, text := range samples() {
		for i := range text {
			for _, letter := range []byte(cards.Alphabet) {
				wrong := []byte(text)
				wrong[i] = letter
				if _, err := cards.Parse(string(wrong)); letter != text[i] && !errors.Is(err, cards.ErrLetter) {
					t.Fatalf("letter %d became %c: %v", i+1, letter, err)
				}
			}
		}
	}
}

func TestParse_CatchesEverySwap(t *testing.T) {
	for _, text := range samples() {
		for i := range text {
			for j := range i {
				swapped := []byte(text)
				swapped[i], swapped[j] = text[j], text[i]
				if _, err := cards.Parse(string(swapped)); text[i] != text[j] && !errors.Is(err, cards.ErrLetter) {
					t.Fatalf("letters %d and %d swapped: %v", j+1, i+1, err)
				}
			}
		}
	}
}

// The samples above show it for some cards; this is the arithmetic that holds
// for all: no two places of the body weigh the same, and none weighs the
// opposite of a check letter's place.
func TestCheck_Arithmetic(t *testing.T) {
	const modulus, checkHigh, checkLow = 397, 20, 1
	weight, seen := 1, map[int]int{}
	for place := range cards.Len - 2 {
		if other, twice := seen[weight]; twice {
			t.Errorf("places %d and %d both weigh %d", other, place, weight)
		}
		if (weight+checkHigh)%modulus == 0 || (weight+checkLow)%modulus == 0 {
			t.Errorf("place %d weighs the opposite of a check letter", place)
		}
		seen[weight] = place
		weight = weight * 20 % modulus
	}
	for d := 2; d*d <= modulus; d++ {
		if modulus%d == 0 {
			t.Errorf("%d is no prime: %d divides it", modulus, d)
		}
	}
}

// Two wrong letters are not promised to be caught, but must be nearly always.
func TestParse_CatchesMostOfTwoWrongLetters(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	passed, tries := 0, 0
	for range 20000 {
		text := []byte(printed[rng.IntN(len(printed))].text)
		was := string(text)
		text[1+rng.IntN(30)] = cards.Alphabet[rng.IntN(20)]
		text[1+rng.IntN(30)] = cards.Alphabet[rng.IntN(20)]
		if string(text) == was {
			continue
		}
		tries++
		if _, err := cards.Parse(string(text)); err == nil {
			passed++
		}
	}
	if passed*397 > tries*2 {
		t.Errorf("%d of %d passed, more than twice the one in 397 that chance allows", passed, tries)
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range printed {
		f.Add(p.text)
		f.Add(strings.ToLower(p.text))
		f.Add(p.text[:20])
	}
	f.Add(later)
	f.Add("https://example.org/")
	f.Add("WIFI:S:x;;")
	f.Add("\xff\x00 ﬁ –")
	f.Fuzz(func(t *testing.T, text string) {
		card, err := cards.Parse(text)
		if err != nil {
			known := errors.Is(err, cards.ErrNotCard) || errors.Is(err, cards.ErrLetter) || errors.Is(err, cards.ErrVersion)
			if !known || !card.IsZero() {
				t.Fatalf("error %v", err)
			}
			if len(text) > 4 && strings.Contains(err.Error(), text) && !strings.Contains(cards.ErrShort.Error(), text) {
				t.Fatal("the error repeats the text")
			}
			return
		}
		again, err := cards.Parse(card.Text())
		if err != nil || !again.Equal(card) || len(card.Text()) != cards.Len || !card.Mark().Valid() {
			t.Fatalf("a card that was read does not read again: %v", err)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		cards.New()
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := cards.Parse(printed[0].text); err != nil {
			b.Fatal(err)
		}
	}
}
