package backup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
)

// unchecked are the tables whose clear columns are not checked, and why. What is
// sealed in them is checked all the same.
var unchecked = map[string]string{
	"answer":        "whom it is for, and a time",
	"attempt":       "states and times of messages, which the carrier knows too",
	"call":          "gone in minutes",
	"carrier_copy":  "what the carrier is still to forget",
	"clock_mark":    "an operational time",
	"device_code":   "gone in minutes",
	"done_once":     "gone in a day",
	"inbound":       "gone in a week",
	"message":       "states and times, written 1,500 times a second",
	"number":        "a count and a mark that smsd makes again",
	"number_health": "made again by the next failure",
	"reply":         "a time",
	"sender_key":    "an id that its foreign keys hold, and a time",
	"sending":       "written anew whenever smsd starts",
	"session":       "gone in an hour",
	"unsummed":      "empty",
}

// TestVerify_OneByteOfEveryColumn damages each column of each table in turn, in
// one transaction that is never committed.
func TestVerify_OneByteOfEveryColumn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := load(t, db)
		undone := errors.New("undone")
		err := db.Write(t.Context(), func(tx database.Handle) error {
			loosen(t, tx)
			tables, err := database.Tables(t.Context(), tx)
			if err != nil {
				return err
			}
			for _, table := range tables {
				for _, column := range table.Columns {
					if unchecked[table.Name] == "" || slices.Contains(sealedColumns[table.Name], column) {
						damageColumn(t, tx, s, table.Name, column)
					}
				}
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		checkSound(t, s)
	})
}

// loosen lets a transaction break foreign keys, as damage does.
func loosen(t *testing.T, tx database.Handle) {
	t.Helper()
	statement := "PRAGMA defer_foreign_keys = ON"
	if tx.Kind() == database.PostgreSQL {
		statement = "SET LOCAL session_replication_role = replica"
	}
	if _, err := tx.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func damageColumn(t *testing.T, tx database.Handle, s Store, table, column string) {
	t.Helper()
	do := func(statement string, args ...any) {
		t.Helper()
		if _, err := tx.Exec(t.Context(), statement, args...); err != nil {
			t.Fatalf("%s.%s: %v", table, column, err)
		}
	}
	rowid := "rowid"
	if tx.Kind() == database.PostgreSQL {
		rowid = "ctid"
	}
	var before any
	var id string
	err := tx.QueryRow(t.Context(), fmt.Sprintf("SELECT %s, CAST(%s AS TEXT) FROM %s ORDER BY %s IS NULL, 2 LIMIT 1",
		quoted(column), rowid, quoted(table), quoted(column))).Scan(&before, &id)
	if err != nil {
		t.Fatalf("%s.%s: %v", table, column, err)
	}
	do("SAVEPOINT one")
	do(fmt.Sprintf("UPDATE %s SET %s = ?%s WHERE CAST(%s AS TEXT) = ?", quoted(table), quoted(column), untouched(t, tx, table, column), rowid),
		otherValue(column, before), id)
	if len(damagesIn(t, tx, s)) == 0 {
		t.Errorf("%s.%s: a changed byte was not found", table, column)
	}
	do("ROLLBACK TO SAVEPOINT one")
}

// untouched keeps the sums, unless they are what is damaged.
func untouched(t *testing.T, tx database.Handle, table, column string) string {
	t.Helper()
	if column == "row_sum" {
		return ""
	}
	return underhand(t, tx, table)
}

// otherValue changes one bit.
func otherValue(column string, before any) any {
	switch v := before.(type) {
	case int64:
		return v ^ 1
	case string:
		if column == "state" {
			return "stopped" // the schema refuses what is no state
		}
		if column == "purpose" {
			return map[string]string{"paper": "appointment", "appointment": "paper"}[v] // and what is no purpose
		}
		if v == "" {
			return "x"
		}
		b := []byte(v)
		b[len(b)/2] ^= 1
		return string(b)
	case []byte:
		if len(v) > 0 {
			b := slices.Clone(v)
			b[len(b)/2] ^= 1
			return b
		}
	}
	return []byte{1}
}

func damagesIn(t *testing.T, h database.Handle, s Store) (damages []string) {
	t.Helper()
	c := &checker{store: s, damage: func(d string) { damages = append(damages, d) }, note: func(string) {}, progress: quiet}
	if err := c.database(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	return damages
}

// A journal that lost its end is found, however much of it is gone, and what is
// written afterwards does not hide it.
func TestVerify_JournalTail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := load(t, db)
		var person string
		var last int64
		err := db.Read().QueryRow(t.Context(), "SELECT person_id, MAX(number) FROM journal GROUP BY person_id ORDER BY 2 DESC, 1 LIMIT 1").Scan(&person, &last)
		if err != nil || last < 3 {
			t.Fatalf("%d entries, %v", last, err)
		}
		for name, statement := range map[string]string{
			"the last entry":     fmt.Sprintf("DELETE FROM journal WHERE person_id = '%s' AND number = %d", person, last),
			"all but the first":  fmt.Sprintf("DELETE FROM journal WHERE person_id = '%s' AND number > 1", person),
			"the whole journal":  fmt.Sprintf("DELETE FROM journal WHERE person_id = '%s'", person),
			"the journal's head": fmt.Sprintf("DELETE FROM journal_head WHERE person_id = '%s'", person),
		} {
			undone := errors.New("undone")
			err := db.Write(t.Context(), func(tx database.Handle) error {
				if _, err := tx.Exec(t.Context(), statement); err != nil {
					return err
				}
				damages := damagesIn(t, tx, s)
				if len(damages) != 1 || !strings.HasPrefix(damages[0], "journal of "+person) {
					t.Errorf("%s is gone: %q", name, damages)
				}
				return undone
			})
			if !errors.Is(err, undone) {
				t.Fatal(err)
			}
		}
		checkSound(t, s)
	})
}
