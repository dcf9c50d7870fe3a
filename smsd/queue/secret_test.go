package queue_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/smsd/queue"
)

const (
	secretNumber = "+33639989876"
	secretText   = "Anicet Malvoisin, place des Tilleuls 17h45 https://c.example/l/Zq7Kx2LmPw9TbR4c"
)

// shapes are the ways in which a secret could lie in a file.
func shapes(secret string) map[string][]byte {
	wide := func(order func(uint16) [2]byte) (out []byte) {
		for _, u := range utf16.Encode([]rune(secret)) {
			b := order(u)
			out = append(out, b[:]...)
		}
		return out
	}
	return map[string][]byte{
		"plain":    []byte(secret),
		"hex":      []byte(hex.EncodeToString([]byte(secret))),
		"base64":   []byte(base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)]),
		"UTF-16LE": wide(func(u uint16) [2]byte { return [2]byte{byte(u), byte(u >> 8)} }),
		"UTF-16BE": wide(func(u uint16) [2]byte { return [2]byte{byte(u >> 8), byte(u)} }),
	}
}

// secretsIn names what of the number and the text lies in data.
func secretsIn(data []byte) []string {
	var found []string
	for _, secret := range []string{
		secretNumber, secretNumber[1:], "0639989876", "639989876",
		secretText, "Malvoisin", "Tilleuls", "Zq7Kx2LmPw9TbR4c",
	} {
		for shape, b := range shapes(secret) {
			if bytes.Contains(data, b) {
				found = append(found, fmt.Sprintf("%s of %q", shape, secret))
			}
		}
	}
	return found
}

func TestSecretsIn_FindsPlanted(t *testing.T) {
	for _, secret := range []string{secretNumber, secretText} {
		for shape, b := range shapes(secret) {
			if len(secretsIn(slicesJoin([]byte("before"), b, []byte("after")))) == 0 {
				t.Errorf("%s is not found", shape)
			}
		}
	}
	if got := secretsIn([]byte("nothing here")); got != nil {
		t.Errorf("found %v in nothing", got)
	}
}

func slicesJoin(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// live puts one message into each state, so that all columns have been written.
func live(b *bench) {
	put := func(id string) {
		m := b.message(id)
		m.Text = secretText
		b.enqueueTo(secretNumber, m)
	}
	for _, id := range []string{"claimed", "unknown", "accepted", "delivered", "failed"} {
		put(id)
	}
	for _, d := range b.claim(5) {
		switch d.ID {
		case "unknown":
			b.answer(d, "", errDoubt)
		case "accepted":
			b.answer(d, "SM-a", nil)
		case "delivered":
			b.answer(d, "SM-d", nil)
			b.report(d.ID, 1, "SM-d", queue.Delivered, true)
		case "failed":
			b.answer(d, "", refusal(queue.ClassNumber))
		}
	}
	put("planned")
	b.must(b.queue.OptOut(b.Context(), "+33639980004"))
}

func TestStore_HoldsNoNumberAndNoText(t *testing.T) {
	onBoth(t, func(b *bench) {
		live(b)
		for table, columns := range allColumns(b) {
			for _, column := range columns {
				for _, value := range values(b, table, column) {
					for _, found := range secretsIn(value) {
						b.Errorf("%s.%s holds the %s", table, column, found)
					}
				}
			}
		}
	})
}

func TestStore_FilesHoldNoNumberAndNoText(t *testing.T) {
	url := dbtest.URL(t, database.SQLite)
	db, err := database.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, db)
	live(b)
	search := func() (read int) {
		files, err := filepath.Glob(filepath.Join(filepath.Dir(strings.TrimPrefix(url, "sqlite:")), "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files to search: %v", err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			read += len(data)
			for _, found := range secretsIn(data) {
				t.Errorf("%s holds the %s", filepath.Base(name), found)
			}
		}
		return read
	}
	if search() < 10_000 { // with the log beside it
		t.Fatal("the store's files are too small to be the store")
	}
	b.must(db.Close())
	search()
}

// allColumns reads the schema itself, so that a table that is added later is
// searched too.
func allColumns(b *bench) map[string][]string {
	b.Helper()
	query := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'`
	if b.db.Kind() == database.PostgreSQL {
		query = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'`
	}
	rows, err := b.db.Read().Query(b.Context(), query)
	b.must(err)
	defer rows.Close()
	out := map[string][]string{}
	for rows.Next() {
		var table, column string
		b.must(rows.Scan(&table, &column))
		out[table] = append(out[table], column)
	}
	b.must(rows.Err())
	if len(out["message"]) < 20 || len(out["number"]) < 5 {
		b.Fatal("the schema was not read")
	}
	return out
}

func values(b *bench, table, column string) [][]byte {
	b.Helper()
	rows, err := b.db.Read().Query(b.Context(), fmt.Sprintf(`SELECT %q FROM %q WHERE %q IS NOT NULL`, column, table, column))
	b.must(err)
	defer rows.Close()
	var out [][]byte
	for rows.Next() {
		var v any
		b.must(rows.Scan(&v))
		switch v := v.(type) {
		case []byte:
			out = append(out, v)
		case time.Time:
		default:
			out = append(out, []byte(fmt.Sprint(v)))
		}
	}
	b.must(rows.Err())
	return out
}
