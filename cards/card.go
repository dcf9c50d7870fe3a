package cards

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"strings"
)

// Alphabet holds the letters of a card, in the order of their values 0 to 19.
// They are those that sit on the same key on US, French and German keyboards,
// so that a scanner which types gives the same text whatever the layout.
const Alphabet = "BCDEFGHIJKLNOPRSTUVX"

// Len is the number of letters on a card: a version letter, 30 letters of
// secret and two check letters.
const Len = 33

const (
	version    = 'B'
	bodyLen    = Len - 2
	base       = len(Alphabet)
	hiddenText = "[card]"
)

// Card is the text of one card, known to be right letter by letter. The zero
// Card is none. Compare cards with Equal.
type Card struct {
	// The letters stand inside a function because fmt calls no method on a
	// card that lies in somebody's unexported field, and follows a pointer
	// when the verb does not fit: of a function it prints the address. It
	// also makes == between cards an error of the compiler.
	letters func() [Len]byte
}

func hide(letters [Len]byte) Card {
	return Card{letters: func() [Len]byte { return letters }}
}

// New draws a card: 30 letters, each uniform over the alphabet, which is 129
// bits from the system's random source.
func New() Card {
	var letters [Len]byte
	letters[0] = version
	for i := 1; i < bodyLen; i++ {
		letters[i] = randomLetter()
	}
	letters[bodyLen], letters[bodyLen+1] = checkLetters(letters[:bodyLen])
	return hide(letters)
}

// randomLetter throws away the 16 byte values that would make some letters
// likelier than others.
func randomLetter() byte {
	var b [1]byte
	for {
		rand.Read(b[:]) // never fails: crypto/rand ends the program instead
		if int(b[0]) < 256/base*base {
			return Alphabet[int(b[0])%base]
		}
	}
}

// Text returns the 33 letters as they stand in the QR code, without spaces.
// This is the secret: it goes into a QR code, onto paper, or under a seal.
// The zero Card has no text.
func (c Card) Text() string {
	if c.IsZero() {
		return ""
	}
	letters := c.letters()
	return string(letters[:])
}

// Secret returns a fresh copy of the 30 secret letters, as bytes for a key
// derivation: 129 bits, but not uniform bytes. The zero Card has none.
func (c Card) Secret() []byte {
	if c.IsZero() {
		return nil
	}
	letters := c.letters()
	return letters[1:bodyLen:bodyLen]
}

// IsZero reports whether c is no card.
func (c Card) IsZero() bool { return c.letters == nil }

// Equal reports whether both are the same card, in a time that does not
// depend on the letters.
func (c Card) Equal(other Card) bool {
	if c.IsZero() || other.IsZero() {
		return c.IsZero() && other.IsZero()
	}
	a, b := c.letters(), other.letters()
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Grouped cuts a card text into threes, as it stands on the back of a card and
// is best read aloud or typed.
func (c Card) Grouped() []string {
	groups := make([]string, 0, Len/3)
	for text := c.Text(); text != ""; text = text[3:] {
		groups = append(groups, text[:3])
	}
	return groups
}

// Format prints "[card]" for every verb.
func (c Card) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hiddenText)) }

// String prints "[card]".
func (c Card) String() string { return hiddenText }

// GoString prints "[card]".
func (c Card) GoString() string { return hiddenText }

// LogValue logs "[card]".
func (c Card) LogValue() slog.Value { return slog.StringValue(hiddenText) }

// MarshalText writes "[card]", so that no encoder writes the letters by
// accident. There is no UnmarshalText: who stores a card stores its Text.
func (c Card) MarshalText() ([]byte, error) { return []byte(hiddenText), nil }

// checkLetters spells the two letters that follow a body of 31.
//
// The body is a number in base 20, and the check its remainder by 397, a prime
// just under 20*20, spelled with two letters. What it catches, always:
//
//   - One wrong letter in the body changes the number by d*20^i with
//     0 < |d| < 20. Neither factor is divisible by 397, so the remainder changes.
//   - One wrong check letter spells another remainder, or one of 397 to 399,
//     which no body has.
//   - Two body letters swapped change it by (a-b)(20^i - 20^j), and two check
//     letters swapped spell another remainder. A body letter swapped with a
//     check letter (weight 20^k, k = 0 or 1) shifts the two sides apart by
//     (a-b)(20^i + 20^k). Since 20 generates all 396 classes modulo 397 and
//     20^198 is the first power to equal -1, neither factor vanishes for
//     places nearer than 198 to each other; there are 31.
//
// Any other garbling passes once in 397 at best, and QR error correction
// stands before it.
func checkLetters(body []byte) (high, low byte) {
	sum := 0
	for _, letter := range body {
		sum = (sum*base + strings.IndexByte(Alphabet, letter)) % 397
	}
	return Alphabet[sum/base], Alphabet[sum%base]
}
