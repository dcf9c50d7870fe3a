// Package dbtest runs store tests on both databases: a SQLite file, and a real PostgreSQL that is started for the test
// binary when its first test asks for one. A machine without PostgreSQL fails these tests; it does not skip them.
package dbtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"consigne/internal/database"
)

// Each runs fn as two subtests named after the databases, each with a fresh, migrated, empty store.
func Each(t *testing.T, fn func(t *testing.T, db *database.DB)) {
	t.Helper()
	for _, kind := range []database.Kind{database.SQLite, database.PostgreSQL} {
		t.Run(kind.String(), func(t *testing.T) {
			db, err := database.Open(t.Context(), URL(t, kind))
			if err != nil {
				t.Fatalf("open the store: %v", err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Errorf("close the store: %v", err)
				}
			})
			fn(t, db)
		})
	}
}

// URL makes a fresh, migrated, empty store of that kind, which lasts as long as the test, and gives its address. It is
// for tests that start whole programs; others take Each.
func URL(t testing.TB, kind database.Kind) string {
	t.Helper()
	if kind == database.PostgreSQL {
		return freshPostgreSQL(t, template)
	}
	return freshSQLite(t)
}

// EmptyURL gives the address of a PostgreSQL database that no program has opened yet.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return freshPostgreSQL(t, "template0")
}

// emptySQLite is a migrated file, made once for the test binary: a copy is ten times quicker than migrating.
var emptySQLite = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "consigne-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "empty.db")
	db, err := database.Open(context.Background(), "sqlite:"+path)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // folds the log into the file
		return nil, err
	}
	return os.ReadFile(path)
})

func freshSQLite(t testing.TB) string {
	t.Helper()
	file, err := emptySQLite()
	if err != nil {
		t.Fatalf("make an empty SQLite store: %v", err)
	}
	path := filepath.Join(t.TempDir(), "consigne.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}
