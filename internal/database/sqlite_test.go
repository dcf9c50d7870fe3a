package database

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestPragmas looks at several connections of each pool at once, since a pragma that was set by Exec would hold on one
// of them only.
func TestPragmas(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "consigne.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := map[string]string{
		"busy_timeout": "10000", "foreign_keys": "1", "journal_mode": "wal", "synchronous": "2", "secure_delete": "1",
	}
	check := func(t *testing.T, pool *sql.DB, connections int, queryOnly string) {
		want["query_only"] = queryOnly
		for range connections {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for name, value := range want {
				var got string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != value {
					t.Errorf("%s is %q, %v; want %q", name, got, err, value)
				}
			}
		}
	}
	t.Run("writer", func(t *testing.T) { check(t, db.writer, 1, "0") })
	t.Run("readers", func(t *testing.T) { check(t, db.reader, 4, "1") })
	if most := db.writer.Stats().MaxOpenConnections; most != 1 {
		t.Errorf("the writer pool has %d connections, want one", most)
	}
}

func TestMapped_Busy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "consigne.db")
	db, err := Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=1&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = db.Write(t.Context(), func(Handle) error {
		_, err := other.BeginTx(t.Context(), nil)
		return mapped(err)
	})
	if !errors.Is(err, ErrBusy) {
		t.Errorf("second writer: got %v, want ErrBusy", err)
	}
}

func TestLockFile_Waits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lockFile(over, path); !errors.Is(err, ErrBusy) || !errors.Is(err, context.Canceled) {
		t.Errorf("held by another: got %v, want ErrBusy and the context's error", err)
	}
	second := make(chan error)
	go func() {
		unlock, err := lockFile(t.Context(), path)
		if err == nil {
			unlock()
		}
		second <- err
	}()
	unlock()
	if err := <-second; err != nil {
		t.Errorf("after it was given back: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the lock file must stay, else two could lock two files of one name: %v", err)
	}
}
