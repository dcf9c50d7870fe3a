package desk

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// plainLetters folds a name for searching: no accents, no capitals, anything that
// is neither letter nor digit becomes a space.
func plainLetters(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// matches tells whether each word of a query begins a word of a name.
func matches(name, query string) bool {
	words := strings.Fields(plainLetters(name))
	for _, q := range strings.Fields(plainLetters(query)) {
		found := false
		for _, w := range words {
			found = found || strings.HasPrefix(w, q)
		}
		if !found {
			return false
		}
	}
	return true
}
