package database

import (
	"strings"
	"testing"
)

func TestRebind(t *testing.T) {
	for _, c := range []struct{ name, query, want string }{
		{"none", "SELECT 1", "SELECT 1"},
		{"in order", "SELECT a FROM t WHERE b = ? AND c = ?", "SELECT a FROM t WHERE b = $1 AND c = $2"},
		{"ten", "VALUES (?,?,?,?,?,?,?,?,?,?)", "VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"},
		{"string", "SELECT '?' , ?", "SELECT '?' , $1"},
		{"doubled quote", "SELECT 'it''s ?', ?", "SELECT 'it''s ?', $1"},
		{"quoted name", `SELECT "what?" FROM t WHERE a = ?`, `SELECT "what?" FROM t WHERE a = $1`},
		{"line comment", "SELECT ? -- why?\n, ?", "SELECT $1 -- why?\n, $2"},
		{"block comment", "SELECT /* ? ' */ ?", "SELECT /* ? ' */ $1"},
		{"comment within a string", "SELECT '--', ?", "SELECT '--', $1"},
		{"open comment", "SELECT ? /* ?", "SELECT $1 /* ?"},
		{"slash star slash", "SELECT /*/ ? */ ?", "SELECT /*/ ? */ $1"},
		{"minus", "SELECT ?-?", "SELECT $1-$2"},
		{"letters beyond ASCII", "SELECT 'é?' , ?", "SELECT 'é?' , $1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := rebind(c.query); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// FuzzRebind holds rebind to what can be said of any text: quoted parts stay, and as many marks are numbered as were
// outside them.
func FuzzRebind(f *testing.F) {
	f.Add("SELECT a FROM t WHERE b = ? AND c = '?' -- ?")
	f.Add("/* ' ? */ \"? '' ? --\n?")
	f.Add("?'")
	f.Fuzz(func(t *testing.T, query string) {
		query = strings.ReplaceAll(query, "$", "")
		got := rebind(query)
		if strings.Count(got, "$")+strings.Count(got, "?") != strings.Count(query, "?") {
			t.Fatalf("marks were lost or made: %q became %q", query, got)
		}
		if rebind(got) != got {
			t.Fatalf("a mark outside quotes was left: %q became %q", query, got)
		}
	})
}
