package database_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
)

// unsummed are the tables without sums, and why nothing worth losing is without a check there.
var unsummed = map[string]string{
	"answer":        "sealed, with a sum; the rest is whom it is for and a time",
	"attempt":       "written several times for each message: hot, and the carrier knows what it says",
	"call":          "gone in minutes; who called presses again",
	"carrier_copy":  "what the carrier is still to forget: lost, it keeps a text for longer",
	"clock_mark":    "one operational time, written at every sweep",
	"device_code":   "gone in minutes; the desk asks for another",
	"done_once":     "gone in a day; a MAC that nobody can make is never found",
	"inbound":       "gone in a week; who answers twice is answered twice",
	"journal":       "every column is in its own chain",
	"journal_head":  "held against the last entry of the journal",
	"message":       "1,500 a second; the text is sealed and ends with a sum, the rest are states and times",
	"number_health": "made again by the next failure",
	"number":        "as hot as messages; the number is sealed and ends with a sum",
	"reply":         "sealed, with a sum; the rest is a time",
	"sender_key":    "sealed, with a sum; the rest is a time",
	"sending":       "written anew whenever smsd starts",
	"session":       "gone in an hour and written at every touch; the body is sealed and ends with a sum",
	"unsummed":      "empty but in the moment of an upgrade",
}

// A table that is new has sums, or a reason for having none.
func TestSums_EveryTable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		tables, err := database.Tables(t.Context(), db.Read())
		if err != nil || len(tables) < 20 {
			t.Fatalf("%d tables, %v", len(tables), err)
		}
		known := map[string]bool{}
		for _, table := range tables {
			known[table.Name] = true
			if table.Summed() == (unsummed[table.Name] != "") {
				t.Errorf("%s: sums %v, reason for none %q", table.Name, table.Summed(), unsummed[table.Name])
			}
			if len(table.Key) == 0 {
				t.Errorf("%s has no key", table.Name)
			}
		}
		for name := range unsummed {
			if !known[name] {
				t.Errorf("there is no table %s", name)
			}
		}
	})
}

// damaged gives the damaged columns of all rows of a table.
func damaged(t *testing.T, db *database.DB, name string) (out []string) {
	t.Helper()
	tables, err := database.Tables(t.Context(), db.Read())
	if err != nil {
		t.Fatal(err)
	}
	table := tables[slices.IndexFunc(tables, func(one database.Table) bool { return one.Name == name })]
	rows, err := db.Read().Query(t.Context(), "SELECT "+strings.Join(table.Columns, ", ")+" FROM "+name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	values, places := make([]any, len(table.Columns)), make([]any, len(table.Columns))
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		out = append(out, table.Damaged(values)...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func checkDamaged(t *testing.T, db *database.DB, what, table string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, damaged(t, db, table)); diff != "" {
		t.Errorf("%s: damaged columns of %s: -want +got:\n%s", what, table, diff)
	}
}

const newRelay = `INSERT INTO relay (id, name, kind, badge, colour, phone, address, zone) VALUES
	('a', 'Les Tilleuls', 'k', 'b', 'c', '1', '', 'z'), ('b', '', 'k', 'b', 'c', '2', '', 'z')`

func TestSums_FollowEveryWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, newRelay)
		checkDamaged(t, db, "inserted", "relay")
		mustWrite(t, db, "UPDATE relay SET public = ?, public_mac = ? WHERE id = 'a'", []byte{1, 2}, []byte{})
		mustWrite(t, db, "UPDATE relay SET phone = '3'")
		checkDamaged(t, db, "updated", "relay")
		mustWrite(t, db, "INSERT INTO opt_out (mark, at) VALUES (?, 1) ON CONFLICT (mark) DO NOTHING", []byte{1})
		mustWrite(t, db, "INSERT INTO opt_out (mark, at) VALUES (?, 2) ON CONFLICT (mark) DO NOTHING", []byte{1})
		mustWrite(t, db, "INSERT INTO opt_out (mark, at) VALUES (?, 3) ON CONFLICT (mark) DO UPDATE SET at = excluded.at", []byte{1})
		checkDamaged(t, db, "upserted", "opt_out")
		if n := count(t, db.Read(), "SELECT at FROM opt_out"); n != 3 {
			t.Errorf("at is %d", n)
		}
	})
}

func TestSums_CountRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for query, want := range map[string]int64{
			"UPDATE relay SET name = 'x'":                  2,
			"UPDATE relay SET name = 'y' WHERE id = 'b'":   1,
			"UPDATE relay SET name = 'z' WHERE id = 'not'": 0,
		} {
			err := db.Write(t.Context(), func(tx database.Handle) error {
				if _, err := tx.Exec(t.Context(), "DELETE FROM relay"); err != nil {
					return err
				}
				if n, err := tx.Exec(t.Context(), newRelay); n != 2 || err != nil {
					t.Errorf("inserted %d, %v", n, err)
				}
				n, err := tx.Exec(t.Context(), query)
				if n != want {
					t.Errorf("%s: %d rows, want %d", query, n, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What is damaged stays found, whatever is written beside it.
func TestSums_DamageStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, newRelay)
		mustWrite(t, db, "UPDATE relay SET kind = 'l', row_sum = row_sum WHERE id = 'b'")
		checkDamaged(t, db, "damaged", "relay", "kind")
		mustWrite(t, db, "UPDATE relay SET phone = '4' WHERE id = 'b'")
		checkDamaged(t, db, "another column written", "relay", "kind")
		mustWrite(t, db, "UPDATE relay SET phone = COALESCE('5', kind), badge = 'a, kind = b' WHERE kind = 'l' AND id = 'b'")
		checkDamaged(t, db, "looked at", "relay", "kind")
		mustWrite(t, db, "update \"relay\"\n\tset \"kind\" = 'k'\n\twhere id = 'b'")
		checkDamaged(t, db, "written anew", "relay")
		mustWrite(t, db, "INSERT INTO opt_out (mark, at) VALUES (?, 1)", []byte{1})
		mustWrite(t, db, "UPDATE opt_out SET at = 5, row_sum = row_sum")
		mustWrite(t, db, "INSERT INTO opt_out (mark, at) VALUES (?, 6) ON CONFLICT (mark) DO UPDATE SET mark = excluded.mark", []byte{1})
		checkDamaged(t, db, "upserted", "opt_out", "at")
		mustWrite(t, db, "UPDATE relay SET row_sum = NULL WHERE id = 'b'")
		if all := damaged(t, db, "relay"); len(all) != 10 {
			t.Errorf("a row without sums: %q", all)
		}
	})
}

// A list of columns that cannot be read is refused: its sums would stay behind.
func TestSums_NotUnderstood(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, newRelay)
		for _, query := range []string{
			"UPDATE relay SET (kind, badge) = ('x', 'y')",
			"UPDATE ONLY relay SET kind = 'x'",
			"UPDATE OR IGNORE relay SET kind = 'x'",
			"UPDATE relay AS r SET kind = 'x'",
			"UPDATE main.relay SET kind = 'x'",
			"INSERT OR REPLACE INTO opt_out (mark, at) VALUES ('', 1)",
			"REPLACE INTO opt_out (mark, at) VALUES ('', 1)",
			"WITH x AS (SELECT 1) UPDATE relay SET kind = 'x'",
			"WITH x AS (UPDATE relay SET kind = 'x' RETURNING id) SELECT * FROM x",
		} {
			err := db.Write(t.Context(), func(tx database.Handle) error {
				_, err := tx.Exec(t.Context(), query)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "is written by") {
				t.Errorf("%s: %v", query, err)
			}
		}
		checkDamaged(t, db, "refused", "relay")
		mustWrite(t, db, "UPDATE relay -- a card's\n/* SET kind = */ SET badge = 'SET', colour = 'it''s, kind = 1'")
		checkDamaged(t, db, "with comments and quotes", "relay")
	})
}

// Nothing may write past the sums.
func TestSums_RefuseReturning(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, newRelay)
		for _, query := range []string{
			"UPDATE relay SET name = 'x' WHERE id = 'a' RETURNING name",
			"\n\tINSERT INTO opt_out (mark, at) VALUES ('', 1) RETURNING at",
		} {
			err := db.Write(t.Context(), func(tx database.Handle) error {
				var out string
				if err := tx.QueryRow(t.Context(), query).Scan(&out); err == nil || !strings.Contains(err.Error(), "Exec alone") {
					t.Errorf("QueryRow %q: %v", query, err)
				}
				rows, err := tx.Query(t.Context(), query)
				if err == nil {
					rows.Close()
					t.Errorf("Query %q was run", query)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A store from before the sums gets them, and the ends of its journals.
func TestSums_Upgrade(t *testing.T) {
	urls := map[string]string{
		"SQLite":     "sqlite:" + filepath.Join(t.TempDir(), "consigne.db"),
		"PostgreSQL": dbtest.EmptyURL(t),
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			old, err := database.OpenAt(t.Context(), url, "00002_queue.sql")
			if err != nil {
				t.Fatal(err)
			}
			mustWrite(t, old, newRelay)
			mustWrite(t, old, "INSERT INTO opt_out (mark, at) VALUES (?, 1)", []byte{7})
			mustWrite(t, old, "INSERT INTO person (id, public, public_mac, relay_id) VALUES ('p', ?, ?, 'a'), ('q', ?, ?, 'a')",
				[]byte{1}, []byte{2}, []byte{3}, []byte{4})
			for n := range 3 {
				mustWrite(t, old, "INSERT INTO journal (person_id, number, day, promise, chain) VALUES ('p', ?, 1, ?, ?)",
					n+1, []byte{1}, []byte{byte(n)})
			}
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
			db := reopen(t, url)
			for _, table := range []string{"relay", "person", "opt_out"} {
				checkDamaged(t, db, "upgraded", table)
			}
			if n := count(t, db.Read(), "SELECT COUNT(*) FROM unsummed"); n != 0 {
				t.Errorf("%d tables are still listed", n)
			}
			if n := count(t, db.Read(), "SELECT number FROM journal_head WHERE person_id = 'p'"); n != 3 {
				t.Errorf("the journal ends at %d", n)
			}
			if n := count(t, db.Read(), "SELECT COUNT(*) FROM journal_head"); n != 1 {
				t.Errorf("%d journals end", n)
			}
		})
	}
}

func reopen(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
