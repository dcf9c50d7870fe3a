package database

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errPlain says that a statement writes into a table with sums in a way that is not read here: its sums would stay
// behind.
var errPlain = errors.New("a table with sums is written by INSERT INTO name, or by UPDATE name SET column = value, …")

// written gives the table with sums into which the query writes. A text that names row_sum itself is left alone.
func (h handle) written(query string) (t Table, is bool, err error) {
	if len(h.summed) == 0 || strings.Contains(query, sumColumn) {
		return Table{}, false, nil
	}
	words := strings.Fields(bare(query))
	if len(words) < 3 || !isAny(words[0], "INSERT", "UPDATE", "REPLACE", "MERGE", "WITH") {
		return Table{}, false, nil
	}
	name := ""
	switch {
	case isAny(words[0], "UPDATE") && isAny(words[2], "SET"):
		name = words[1]
	case isAny(words[0], "INSERT") && isAny(words[1], "INTO"):
		name = words[2]
	case h.namesSummed(query):
		return Table{}, false, errPlain
	}
	if strings.Contains(name, ".") && h.namesSummed(name) {
		return Table{}, false, errPlain
	}
	t, is = h.summed[strings.ToLower(name)]
	return t, is, nil
}

// namesSummed tells whether a table with sums is spoken of at all.
func (h handle) namesSummed(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !inName(r) })
	return slices.ContainsFunc(words, func(w string) bool { return h.summed[w].Name != "" })
}

func isAny(word string, of ...string) bool {
	return slices.ContainsFunc(of, func(one string) bool { return strings.EqualFold(word, one) })
}

func inName(r rune) bool { return r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

// assigned are the table's columns to which the text's SET list gives a value: those of an UPDATE, or of an INSERT's
// DO UPDATE.
func (t Table) assigned(query string) ([]string, error) {
	words := strings.Fields(bare(query))
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
			return nil, fmt.Errorf("%s: cannot tell which column %q is: %w", t.Name, word, errPlain)
		}
	}
	return out, nil
}

// bare leaves out of a query what stands in brackets, in comments and in single quotes, and sets commas and equals
// signs apart.
func bare(query string) string {
	var out strings.Builder
	depth := 0
	for i := 0; i < len(query); {
		skip := max(1, quoted(query[i:]))
		part := query[i : i+skip]
		i += skip
		switch {
		case part == "(":
			depth++
			out.WriteByte(' ')
		case part == ")":
			depth--
		case depth > 0:
		case part == "," || part == "=":
			out.WriteString(" " + part + " ")
		case part[0] == '"':
			out.WriteString(strings.Trim(part, `"`))
		case len(part) > 1: // a string or a comment
			out.WriteByte(' ')
		default:
			out.WriteString(part)
		}
	}
	return out.String()
}
