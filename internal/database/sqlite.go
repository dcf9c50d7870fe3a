package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // registers the driver "sqlite3"
	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
)

// A writer waits this long for another program's transaction before it gives up with ErrBusy.
const busyTimeout = 10 * time.Second

// openSQLite opens the file at path, readable by its owner only. Its folder is made where missing.
func openSQLite(ctx context.Context, path string, migrations fs.FS) (*DB, error) {
	if path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(path, "//") {
		return nil, errors.New("sqlite: wants the path of a file")
	}
	if err := makeFile(path); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	unlock, err := lockFile(ctx, path+".lock")
	if err != nil {
		return nil, fmt.Errorf("sqlite: lock: %w", err)
	}
	defer unlock()
	writer, err := poolSQLite(path, "_txlock=immediate", 1)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, writer, goose.DialectSQLite3, migrations); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader, err := poolSQLite(path, "_query_only=true", max(4, 2*runtime.NumCPU()))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &DB{kind: SQLite, writer: writer, reader: reader}, nil
}

// poolSQLite opens a pool whose every connection carries the pragmas: set by Exec, only one connection would have them.
// busy_timeout comes first, since the others may already meet a lock; synchronous=FULL is what "accepted" rests on;
// secure_delete overwrites what is erased.
func poolSQLite(path, extra string, size int) (*sql.DB, error) {
	pragmas := []string{
		fmt.Sprintf("_busy_timeout=%d", busyTimeout.Milliseconds()),
		"_foreign_keys=on", "_journal_mode=WAL", "_synchronous=FULL", "_secure_delete=on", extra,
	}
	name := url.URL{Path: path}
	db, err := sql.Open("sqlite3", "file:"+name.EscapedPath()+"?"+strings.Join(pragmas, "&"))
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// existsSQLite looks for the file without making it; an empty one is what a store is made from.
func existsSQLite(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return fmt.Errorf("%w at %s", ErrNoStore, path)
	}
	return err
}

// makeFile makes the file before SQLite would, so that it, its log and its index are the owner's only.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// lockFile holds an exclusive flock on path until unlock is called, and waits for it as long as ctx lasts. SQLite's own
// locks cannot serve: goose reads the version and migrates in transactions of their own.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("%w: another program is migrating: %w", ErrBusy, ctx.Err())
		case <-again.C:
		}
	}
}
