package carrier

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// stopWords end all messages to the number that sends one, startWords let them
// go on. They stand as [keyword] gives them.
var (
	stopWords  = words("STOP", "STOPALL", "STOP ALL", "STOP SMS", "UNSUBSCRIBE", "ARRET", "ARRETER", "ARRETEZ", "قف", "توقف", "ايقاف")
	startWords = words("START", "UNSTOP", "REPRENDRE", "REPRISE", "ابدا")
)

func words(list ...string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, w := range list {
		out[keyword(w)] = true
	}
	return out
}

// longestKeyword is in bytes; what is longer is no keyword.
const longestKeyword = 64

// keyword brings an answer to one form: capitals, no accents, no dots, single
// spaces.
func keyword(body string) string {
	if len(body) > longestKeyword {
		return ""
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToUpper(body)) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
