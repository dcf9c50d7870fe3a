package database_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
)

// withTable runs fn on both databases with a table of its own: "thing" with an id, a count, a body and a parent.
func withTable(t *testing.T, fn func(t *testing.T, db *database.DB)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, `CREATE TABLE thing (id TEXT PRIMARY KEY, n BIGINT NOT NULL, body blob,
			parent TEXT REFERENCES thing (id))`)
		fn(t, db)
	})
}

func mustWrite(t *testing.T, db *database.DB, query string, args ...any) {
	t.Helper()
	if err := write(t.Context(), db, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func write(ctx context.Context, db *database.DB, query string, args ...any) error {
	return db.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
}

func count(t *testing.T, h database.Handle, query string, args ...any) (n int) {
	t.Helper()
	if err := h.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestOpen_Refuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("this is no database, and long enough to be taken for one if the header were not read"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"", "consigne.db", "sqlite", "sqlite:", "sqlite::memory:", "sqlite://host/x.db", "mysql://a@b/c",
		"sqlite:" + file, "sqlite:" + file + "/below/a/file.db",
		"postgres://%zz", "postgres://nobody@127.0.0.1:1/none?connect_timeout=2",
	} {
		if db, err := database.Open(t.Context(), url); err == nil {
			t.Errorf("Open(%q) succeeded", url)
			db.Close()
		}
	}
}

// Who only looks makes no store, and finds one that is there.
func TestOpenExisting(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bare := dbtest.EmptyURL(t)
	for _, url := range []string{"sqlite:" + filepath.Join(folder, "consigne.db"), "sqlite:" + empty, bare, bare} {
		if db, err := database.OpenExisting(t.Context(), url); !errors.Is(err, database.ErrNoStore) {
			t.Errorf("%s: got %v, want ErrNoStore", url, err)
			if err == nil {
				db.Close()
			}
		}
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("a folder was made")
	}
	for _, kind := range []database.Kind{database.SQLite, database.PostgreSQL} {
		db, err := database.OpenExisting(t.Context(), dbtest.URL(t, kind))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		db.Close()
	}
	for _, url := range []string{"mysql://a@b/c", "postgres://%zz", "postgres://nobody@127.0.0.1:1/none?connect_timeout=2"} {
		if _, err := database.OpenExisting(t.Context(), url); err == nil || errors.Is(err, database.ErrNoStore) {
			t.Errorf("%s: got %v, want another error", url, err)
		}
	}
}

func TestOpen_OddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "a b?c=1#d%25é.db")
	db, err := database.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := os.Stat(path + "-wal"); err != nil {
		t.Errorf("the log does not lie beside the file: %v", err)
	}
}

func TestOpen_OwnerOnly(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(folder, "consigne.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 3 {
		t.Fatalf("got %d files, %v; want at least the store, its log and the lock", len(files), err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want nothing for others", file.Name(), info.Mode())
		}
	}
}

func TestOpen_Newer(t *testing.T) {
	for _, kind := range []database.Kind{database.SQLite, database.PostgreSQL} {
		t.Run(kind.String(), func(t *testing.T) {
			url := dbtest.URL(t, kind)
			db, err := database.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			know := count(t, db.Read(), "SELECT MAX(version_id) FROM goose_db_version")
			mustWrite(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, '1')")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			_, err = database.Open(t.Context(), url)
			newer, is := errors.AsType[*database.ErrNewer](err)
			if !is || newer.Have != 99999 || newer.Know != int64(know) {
				t.Errorf("got %v, want ErrNewer{99999, %d}", err, know)
			}
		})
	}
}

func TestOpen_ManyAtOnce(t *testing.T) {
	urls := map[string]string{
		"SQLite":     "sqlite:" + filepath.Join(t.TempDir(), "consigne.db"),
		"PostgreSQL": dbtest.EmptyURL(t),
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			var all sync.WaitGroup
			failures := make(chan error, 8)
			for range cap(failures) {
				all.Go(func() {
					db, err := database.Open(t.Context(), url)
					if err == nil {
						err = db.Close()
					}
					failures <- err
				})
			}
			all.Wait()
			close(failures)
			for err := range failures {
				if err != nil {
					t.Errorf("one of eight that opened an empty store at once: %v", err)
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	withTable(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, "INSERT INTO thing (id, n) VALUES (?, ?)", "a", 1)
		if err := write(t.Context(), db, "INSERT INTO thing (id, n) VALUES (?, ?)", "a", 2); !errors.Is(err, database.ErrExists) {
			t.Errorf("second row with one key: got %v, want ErrExists", err)
		}
		err := write(t.Context(), db, "INSERT INTO thing (id, n, parent) VALUES (?, ?, ?)", "b", 2, "nobody")
		if err == nil || errors.Is(err, database.ErrExists) {
			t.Errorf("a child without parent: got %v, want an error that is not ErrExists", err)
		}
		if err := write(t.Context(), db, "INSERT INTO thing (id, n) VALUES (?, ?)", "c", nil); err == nil || errors.Is(err, database.ErrExists) {
			t.Errorf("nothing where something must be: got %v, want an error that is not ErrExists", err)
		}
		var n int
		err = db.Read().QueryRow(t.Context(), "SELECT n FROM thing WHERE id = ?", "none").Scan(&n)
		if !errors.Is(err, database.ErrNotFound) {
			t.Errorf("no row: got %v, want ErrNotFound", err)
		}
		if err := db.Read().QueryRow(t.Context(), "SELECT n FROM nothing").Scan(&n); err == nil || errors.Is(err, database.ErrNotFound) {
			t.Errorf("no table: got %v, want an error that is not ErrNotFound", err)
		}
		if _, err := db.Read().Query(t.Context(), "SELECT n FROM thing WHERE id = ?", struct{}{}); err == nil {
			t.Error("an argument of no type that a store knows was taken")
		}
	})
}

func TestErrFull(t *testing.T) {
	withTable(t, func(t *testing.T, db *database.DB) {
		err := db.Write(t.Context(), func(tx database.Handle) error {
			if db.Kind() == database.PostgreSQL {
				// A full disk cannot be had here; the server's own word for it can.
				_, err := tx.Exec(t.Context(), "DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$")
				return err
			}
			pages := count(t, tx, "SELECT page_count FROM pragma_page_count()")
			if count(t, tx, "PRAGMA max_page_count = 1") < pages {
				t.Error("SQLite allows fewer pages than there are")
			}
			_, err := tx.Exec(t.Context(), "INSERT INTO thing (id, n, body) VALUES (?, ?, ?)", "a", 1, make([]byte, 1<<20))
			return err
		})
		if !errors.Is(err, database.ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
		if n := count(t, db.Read(), "SELECT COUNT(*) FROM thing"); n != 0 {
			t.Errorf("%d rows were left half written", n)
		}
	})
}

func TestRead_RefusesToWrite(t *testing.T) {
	withTable(t, func(t *testing.T, db *database.DB) {
		if _, err := db.Read().Exec(t.Context(), "INSERT INTO thing (id, n) VALUES ('a', 1)"); err == nil {
			t.Error("the reading handle wrote")
		}
		err := db.Snapshot(t.Context(), func(h database.Handle) error {
			_, err := h.Exec(t.Context(), "INSERT INTO thing (id, n) VALUES ('b', 1)")
			return err
		})
		if err == nil {
			t.Error("a snapshot wrote")
		}
		if n := count(t, db.Read(), "SELECT COUNT(*) FROM thing"); n != 0 {
			t.Errorf("%d rows appeared", n)
		}
	})
}

type (
	key  []byte
	name string
	size int32
)

func TestHandle_BindsAlike(t *testing.T) {
	withTable(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, "CREATE TABLE kinds (id TEXT, yes SMALLINT, no SMALLINT, n BIGINT, body blob, none blob, big BIGINT)")
		mustWrite(t, db, "INSERT INTO kinds (id, yes, no, n, body, none, big) VALUES (?, ?, ?, ?, ?, ?, ?)",
			name("née '?'"), true, false, size(-7), key{0, 255, '?'}, nil, int64(1)<<62)
		var (
			id      string
			yes, no bool
			n       int
			body    []byte
			nothing []byte
			big     int64
		)
		row := db.Read().QueryRow(t.Context(), "SELECT id, yes, no, n, body, none, big FROM kinds WHERE body = ? AND yes = ?", key{0, 255, '?'}, true)
		if err := row.Scan(&id, &yes, &no, &n, &body, &nothing, &big); err != nil {
			t.Fatal(err)
		}
		got := []any{id, yes, no, n, body, nothing == nil, big}
		want := []any{"née '?'", true, false, -7, []byte{0, 255, '?'}, true, int64(1) << 62}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestTables(t *testing.T) {
	withTable(t, func(t *testing.T, db *database.DB) {
		tables, err := database.Tables(t.Context(), db.Read())
		if err != nil {
			t.Fatal(err)
		}
		columns, keys := map[string][]string{}, map[string][]string{}
		for _, table := range tables {
			columns[table.Name], keys[table.Name] = table.Columns, table.Key
		}
		if diff := cmp.Diff([]string{"mark", "access_id"}, keys["access_mark"]); diff != "" {
			t.Errorf("key of access_mark, in the key's order: -want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"id", "n", "body", "parent"}, columns["thing"]); diff != "" {
			t.Errorf("columns of thing: -want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"name", "fingerprint", "row_sum"}, columns["key_fingerprint"]); diff != "" {
			t.Errorf("columns of key_fingerprint: -want +got:\n%s", diff)
		}
		if _, has := columns["goose_db_version"]; has {
			t.Error("the migrations' own table is listed")
		}
	})
}

func TestFingerprint_NeverChanges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		set := func(fp string) error {
			return db.Write(t.Context(), func(tx database.Handle) error {
				return database.SetFingerprint(t.Context(), tx, "smsd", fp)
			})
		}
		if err := set("first"); err != nil {
			t.Fatal(err)
		}
		if err := set("second"); !errors.Is(err, database.ErrExists) {
			t.Errorf("second fingerprint: got %v, want ErrExists", err)
		}
		if fp, err := db.Fingerprint(t.Context(), "smsd"); err != nil || fp != "first" {
			t.Errorf("got %q, %v; want the first", fp, err)
		}
	})
}
