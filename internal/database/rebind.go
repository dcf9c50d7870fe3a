package database

import (
	"strconv"
	"strings"
)

// rebind turns the ? marks of a query into $1, $2, … for PostgreSQL and leaves those in quotes and comments alone.
// The texts stay with ? because mattn binds $2, $1 by order of appearance and not by number.
func rebind(query string) string {
	var out strings.Builder
	out.Grow(len(query) + 16)
	n := 0
	for i := 0; i < len(query); {
		if skip := quoted(query[i:]); skip > 0 {
			out.WriteString(query[i : i+skip])
			i += skip
			continue
		}
		if query[i] == '?' {
			n++
			out.WriteByte('$')
			out.WriteString(strconv.Itoa(n))
		} else {
			out.WriteByte(query[i])
		}
		i++
	}
	return out.String()
}

// quoted gives the length of the string, quoted name or comment at the start of s, and 0 where none starts. One that
// never ends reaches to the end of s. A doubled quote needs no care: it ends one string and starts the next.
func quoted(s string) int {
	var closing string
	switch {
	case s[0] == '\'' || s[0] == '"':
		closing = s[:1]
	case strings.HasPrefix(s, "--"):
		closing = "\n"
	case strings.HasPrefix(s, "/*"):
		closing = "*/"
	default:
		return 0
	}
	start := 1
	if closing == "*/" || closing == "\n" {
		start = 2
	}
	end := strings.Index(s[start:], closing)
	if end < 0 {
		return len(s)
	}
	return start + end + len(closing)
}
