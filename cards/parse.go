package cards

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// What Parse refuses, for errors.Is.
var (
	// ErrNotCard says that this was never a card: a web address, a Wi-Fi code,
	// a bar code, too many letters or too few.
	ErrNotCard = errors.New("not a card")
	// ErrShort says that this is the beginning, or another piece, of a card's
	// letters: the scanner lost some. It is an ErrNotCard too.
	ErrShort = fmt.Errorf("%w: too few letters", ErrNotCard)
	// ErrLetter says that this is a card with a letter wrong, or two swapped.
	ErrLetter = errors.New("a letter of the card is wrong")
	// ErrVersion says that the letters are right, but of a card later than
	// this program.
	ErrVersion = errors.New("the card is of a later version")
)

// maxInput bounds what Parse looks at: a card with a dash or a space after
// every letter, in UTF-8, has room.
const maxInput = 256

// Strangers are signs that no card has. This many are a slip of the finger;
// more of them, even at a card's length, are something else.
const maxStrangers = 3

// Parse reads a card text. It forgives what fingers and keyboards add: spaces,
// dashes and lower case. The errors never repeat the text.
//
// Errors: ErrNotCard (of which ErrShort), ErrLetter, ErrVersion.
func Parse(text string) (Card, error) {
	if len(text) > maxInput {
		return Card{}, ErrNotCard
	}
	var letters [Len]byte
	n, strangers := 0, 0
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			continue
		}
		letter, ok := fold(r)
		if !ok {
			return Card{}, ErrNotCard
		}
		if n == Len {
			return Card{}, ErrNotCard
		}
		if strings.IndexByte(Alphabet, letter) < 0 {
			strangers++
		}
		letters[n] = letter
		n++
	}
	return judge(letters, n, strangers)
}

// fold raises a lower-case letter and keeps capitals and digits: a digit is
// what a hand types for a letter. Nothing else can be meant for a card.
func fold(r rune) (byte, bool) {
	switch {
	case r >= 'a' && r <= 'z':
		return byte(r - 'a' + 'A'), true
	case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return byte(r), true
	}
	return 0, false
}

// judge decides over n letters, strangers of which are outside the alphabet.
func judge(letters [Len]byte, n, strangers int) (Card, error) {
	switch {
	case n > 0 && n < Len && strangers == 0:
		return Card{}, ErrShort
	case n < Len || strangers > maxStrangers:
		return Card{}, ErrNotCard
	case strangers > 0:
		return Card{}, ErrLetter
	}
	high, low := checkLetters(letters[:bodyLen])
	if letters[bodyLen] != high || letters[bodyLen+1] != low {
		return Card{}, ErrLetter
	}
	if letters[0] != version {
		return Card{}, ErrVersion
	}
	return hide(letters), nil
}
