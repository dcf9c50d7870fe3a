package database

import (
	"fmt"
	"slices"
	"strings"
)

// written gives the table with sums into which the query writes.
func (h handle) written(query string) (Table, bool) {
	if len(h.summed) == 0 {
		return Table{}, false
	}
	words := strings.Fields(query)
	at := slices.IndexFunc(words, func(w string) bool { return isAny(w, "INTO", "UPDATE") })
	if at < 0 || at+1 == len(words) || !isAny(words[0], "INSERT", "REPLACE", "UPDATE", "WITH") || strings.Contains(query, sumColumn) {
		return Table{}, false
	}
	name := strings.ToLower(strings.Trim(words[at+1], `"`))
	if end := strings.IndexFunc(name, func(r rune) bool { return !inName(r) }); end >= 0 {
		name = name[:end]
	}
	t, ok := h.summed[name]
	return t, ok
}

func isAny(word string, of ...string) bool {
	return slices.ContainsFunc(of, func(one string) bool { return strings.EqualFold(word, one) })
}

func inName(r rune) bool { return r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

// assigned are the table's columns to which the text's SET list gives a value: those of an UPDATE, or of an INSERT's
// DO UPDATE. A list that is not understood is an error, so that no sum is silently left behind.
func (t Table) assigned(query string) ([]string, error) {
	words := strings.Fields(spaced(query))
	from := slices.IndexFunc(words, func(w string) bool { return isAny(w, "SET") })
	if from < 0 {
		return nil, nil
	}
	var out []string
	begins := true // an assignment
	for _, word := range words[from+1:] {
		switch {
		case isAny(word, "WHERE", "FROM", "RETURNING"):
			return out, nil
		case word == ",":
			begins = true
		case begins && slices.Contains(t.Columns, word):
			out = append(out, word)
			begins = false
		case begins:
			return nil, fmt.Errorf("%s: cannot tell which column %q is", t.Name, word)
		}
	}
	return out, nil
}

// spaced leaves out of a query what stands in brackets and in quotes, and sets commas and equals signs apart.
func spaced(query string) string {
	var out strings.Builder
	depth, quoted := 0, false
	for _, r := range query {
		switch {
		case r == '\'':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth > 0, r == '"':
		case r == ',' || r == '=':
			out.WriteString(" " + string(r) + " ")
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
