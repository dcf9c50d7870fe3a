package backup

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
)

// found runs Verify and gives its damages and notes.
func found(t *testing.T, s Store) (damages, notes []string) {
	t.Helper()
	err := Verify(t.Context(), s, func(d string) { damages = append(damages, d) }, func(n string) { notes = append(notes, n) }, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return damages, notes
}

// plainColumns are the bytes that are not sealed: public keys and what proves
// them under portal.key, marks, salts and sums, and the spoken names of relays.
var plainColumns = map[string][]string{
	"access_mark": {"mark"}, "card": {"lookup", "salt", "mac"}, "device": {"public", "public_mac", "token_mac"},
	"device_code": {"mark"}, "done_once": {"mark"}, "invitation": {"lookup", "email_mac"}, "item_blob": {"sum"},
	"journal": {"promise", "chain"}, "journal_head": {"chain"}, "link": {"lookup", "browser"}, "member": {"email_mac", "public", "public_mac", "salt"},
	"message": {"mark"}, "inbound": {"mark"}, "number": {"mark"}, "number_health": {"mark"}, "opt_out": {"mark"}, "person": {"public", "public_mac"},
	"relay": {"public", "public_mac"}, "relay_voice": {"clip"},
}

// A column that is new must be told to be sealed or not, else nobody checks it.
func TestVerify_KnowsEveryColumnOfBytes(t *testing.T) {
	db := freshSQLite(t)
	rows, err := db.Read().Query(t.Context(), `SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND lower(c.type) = 'blob' ORDER BY 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if column == "row_sum" {
			continue
		}
		sealed, plain := slices.Contains(sealedColumns[table], column), slices.Contains(plainColumns[table], column)
		if sealed == plain {
			t.Errorf("%s.%s: sealed %v, plain %v", table, column, sealed, plain)
		}
		n++
	}
	if err := rows.Err(); err != nil || n < 20 {
		t.Errorf("%d columns of bytes, %v", n, err)
	}
}

// underhand ends the SET of a statement that damages a row, so that its sums stay
// what they were.
func underhand(t *testing.T, h database.Handle, table string) string {
	t.Helper()
	tables, err := database.Tables(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(tables, func(one database.Table) bool { return one.Name == table }); tables[i].Summed() {
		return ", row_sum = row_sum"
	}
	return ""
}

// anyRow gives a value of a column, and a condition that finds its row again.
func anyRow(t *testing.T, db *database.DB, table, column string) (value []byte, where string) {
	t.Helper()
	rowid := "rowid"
	if db.Kind() == database.PostgreSQL {
		rowid = "ctid::text"
	}
	var id string
	err := db.Read().QueryRow(t.Context(), fmt.Sprintf("SELECT CAST(%s AS TEXT), %s FROM %s WHERE %s IS NOT NULL LIMIT 1",
		rowid, quoted(column), quoted(table), quoted(column))).Scan(&id, &value)
	if err != nil {
		t.Fatalf("%s.%s: %v", table, column, err)
	}
	return value, fmt.Sprintf("CAST(%s AS TEXT) = '%s'", rowid, id)
}

func set(t *testing.T, db *database.DB, table, column, where string, value any) {
	t.Helper()
	err := db.Write(t.Context(), func(tx database.Handle) error {
		n, err := tx.Exec(t.Context(), fmt.Sprintf("UPDATE %s SET %s = ?%s WHERE %s",
			quoted(table), quoted(column), underhand(t, tx, table), where), value)
		if err == nil && n != 1 {
			return fmt.Errorf("%d rows changed", n)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s.%s: %v", table, column, err)
	}
}

// One changed byte, at whatever place of whatever sealed value, is found and
// named.
func TestVerify_OneByteOfSealedValues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := load(t, db)
		checkSound(t, s)
		chance := rand.New(rand.NewPCG(5, 6))
		for table, columns := range sealedColumns {
			for _, column := range columns {
				value, _ := anyRow(t, db, table, column)
				for _, at := range []int{0, 1, len(value) / 2, len(value) - 1, chance.IntN(len(value))} {
					before, where := anyRow(t, db, table, column)
					changed := slices.Clone(before)
					changed[at%len(changed)] ^= byte(1 << chance.IntN(8))
					set(t, db, table, column, where, changed)
					damages, _ := found(t, s)
					if !slices.ContainsFunc(damages, func(d string) bool { return strings.HasPrefix(d, table+"."+column) || table == "journal" }) {
						t.Errorf("%s.%s, byte %d: not found in %q", table, column, at, damages)
					}
					restoreValue(t, db, table, column, changed, before)
				}
			}
		}
		checkSound(t, s)
	})
}

// restoreValue finds the row by its damaged value: an update moves a row of
// PostgreSQL to another place.
func restoreValue(t *testing.T, db *database.DB, table, column string, changed, before []byte) {
	t.Helper()
	err := db.Write(t.Context(), func(tx database.Handle) error {
		n, err := tx.Exec(t.Context(), fmt.Sprintf("UPDATE %s SET %s = ?%s WHERE %s = ?",
			quoted(table), quoted(column), underhand(t, tx, table), quoted(column)), before, changed)
		if err == nil && n != 1 {
			return fmt.Errorf("%d rows restored", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerify_Journal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := load(t, db)
		var person string
		if err := db.Read().QueryRow(t.Context(), "SELECT MIN(person_id) FROM journal").Scan(&person); err != nil {
			t.Fatal(err)
		}
		entry := "person_id = '" + person + "' AND number = 2"
		for column, change := range map[string]func(any) any{
			"day":     func(v any) any { return v.(int64) + 1 },
			"promise": func(v any) any { b := slices.Clone(v.([]byte)); b[7] ^= 1; return b },
			"chain":   func(v any) any { b := slices.Clone(v.([]byte)); b[31] ^= 1; return b },
			"body":    func(v any) any { b := slices.Clone(v.([]byte)); b[100] ^= 1; return b },
			"number":  func(any) any { return int64(1000) },
		} {
			var before any
			if err := db.Read().QueryRow(t.Context(), "SELECT "+quoted(column)+" FROM journal WHERE "+entry).Scan(&before); err != nil {
				t.Fatal(err)
			}
			set(t, db, "journal", column, entry, change(before))
			if damages, _ := found(t, s); len(damages) == 0 || !strings.Contains(strings.Join(damages, "\n"), person) {
				t.Errorf("journal.%s changed: %q", column, damages)
			}
			where := entry
			if column == "number" {
				where = "person_id = '" + person + "' AND number = 1000"
			}
			set(t, db, "journal", column, where, before)
			checkSound(t, s)
		}
		err := db.Write(t.Context(), func(tx database.Handle) error {
			_, err := tx.Exec(t.Context(), "DELETE FROM journal WHERE "+entry)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if damages, _ := found(t, s); len(damages) == 0 {
			t.Error("a missing entry was not found")
		}
	})
}

// A closed vault's bodies may go while the chain stays.
func TestVerify_JournalWithoutBodies(t *testing.T) {
	s := load(t, freshSQLite(t))
	err := s.DB.Write(t.Context(), func(tx database.Handle) error {
		_, err := tx.Exec(t.Context(), "UPDATE journal SET body = NULL")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checkSound(t, s)
}

func TestVerify_Blobs(t *testing.T) {
	s := load(t, freshSQLite(t))
	path := blobFiles(t, s)[4]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	chance := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		flip(t, path, chance.IntN(len(whole)))
		if damages, _ := found(t, s); len(damages) != 1 || !strings.Contains(damages[0], filepath.Base(path)) {
			t.Errorf("one byte of a blob changed: %q", damages)
		}
		write(t, path, string(whole))
	}
	for name, harm := range map[string]func(){
		"cut":     func() { cut(t, path, 1) },
		"longer":  func() { write(t, path, string(whole)+"x") },
		"empty":   func() { write(t, path, "") },
		"missing": func() { remove(t, path) },
	} {
		harm()
		if damages, _ := found(t, s); len(damages) != 1 || !strings.Contains(damages[0], filepath.Base(path)) {
			t.Errorf("%s: %q", name, damages)
		}
		write(t, path, string(whole))
	}
	checkSound(t, s)
}

// A blob without a row is what a broken deposit leaves: told, and no damage.
func TestVerify_Orphans(t *testing.T) {
	s := load(t, freshSQLite(t))
	w, err := s.Blobs.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	damages, notes := found(t, s)
	if len(damages) != 0 || len(notes) != 1 {
		t.Errorf("damages %q, notes %q; want one note", damages, notes)
	}
}

// A paper that goes while the check runs, with its row, is no damage.
func TestVerify_PaperGoesMeanwhile(t *testing.T) {
	s := load(t, freshSQLite(t))
	path := blobFiles(t, s)[0]
	id := filepath.Base(path)
	once := false
	err := Verify(t.Context(), s, func(d string) { t.Errorf("damage: %s", d) }, func(string) {}, func(what string, done, total int) {
		if once || what == "blobs" || done < total {
			return
		}
		once = true // the database was read; now a paper goes
		err := s.DB.Write(t.Context(), func(tx database.Handle) error {
			_, err := tx.Exec(t.Context(), "DELETE FROM item_blob WHERE blob_id = ?", id)
			return err
		})
		if err == nil {
			err = s.Blobs.Delete(t.Context(), id)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil || !once {
		t.Errorf("%v; the paper went: %v", err, once)
	}
}

// Rows that point nowhere can only come from outside the program, or from a
// damaged file.
func TestVerify_ForeignKeys(t *testing.T) {
	s := load(t, freshSQLite(t))
	err := s.DB.Write(t.Context(), func(tx database.Handle) error {
		if _, err := tx.Exec(t.Context(), "PRAGMA defer_foreign_keys = ON"); err != nil {
			return err
		}
		refs, err := references(t.Context(), tx)
		if err != nil {
			return err
		}
		c := &checker{damage: func(d string) { t.Errorf("before: %s", d) }}
		if err := c.references(t.Context(), tx); err != nil {
			return err
		}
		for _, r := range refs {
			var n int
			if err := tx.QueryRow(t.Context(), "SELECT COUNT(*) FROM "+quoted(r.child)+" WHERE "+quoted(r.column)+" IS NOT NULL").Scan(&n); err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			if _, err := tx.Exec(t.Context(), "SAVEPOINT one"); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), "UPDATE "+quoted(r.child)+" SET "+quoted(r.column)+" = 'nobody' WHERE rowid = (SELECT MIN(rowid) FROM "+quoted(r.child)+")"); err != nil {
				return err
			}
			var damages []string
			c.damage = func(d string) { damages = append(damages, d) }
			if err := c.references(t.Context(), tx); err != nil {
				return err
			}
			if want := fmt.Sprintf("%s.%s: 1 rows point to no %s", r.child, r.column, r.parent); !slices.Contains(damages, want) {
				t.Errorf("%q, want %q", damages, want)
			}
			if _, err := tx.Exec(t.Context(), "ROLLBACK TO one"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A SQLite file with a broken page is damage, not an error that hides the rest.
func TestVerify_BrokenPage(t *testing.T) {
	url := dbtest.URL(t, database.SQLite)
	db, err := database.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, db)
	var root int
	if err := db.Read().QueryRow(t.Context(), "SELECT rootpage FROM sqlite_schema WHERE name = 'journal'").Scan(&root); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(url, "sqlite:")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for at := (root - 1) * page; at < root*page; at++ {
		b[at] = 0x5a
	}
	write(t, path, string(b))
	if s.DB, err = database.Open(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	defer s.DB.Close()
	damages, _ := found(t, s)
	if len(damages) < 2 || !slices.ContainsFunc(damages, func(d string) bool { return strings.HasPrefix(d, "journals:") }) {
		t.Errorf("a broken page of the journal: %q", damages)
	}
}
