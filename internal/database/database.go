// Package database is the store under portal and smsd: one SQL text, spoken to SQLite or to PostgreSQL.
//
// [Open] takes "sqlite:PATH" or "postgres://…", brings the store to this program's version under a lock and refuses one
// that is newer. Queries are written with ? marks, named columns and the few types both databases share (see
// migrations/README.md). Reading goes through [DB.Read], changing only through [DB.Write]: the callers that may open a
// transaction are the cores (vault, queue), backup and the commands; everything below them takes a [Handle].
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"
)

// Kind says which database a store lies in.
type Kind int

// The two databases.
const (
	SQLite Kind = iota + 1
	PostgreSQL
)

// String gives the database's own name.
func (k Kind) String() string {
	switch k {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// DB is an open store. It is safe for concurrent use.
type DB struct {
	kind   Kind
	writer *sql.DB // SQLite: exactly one connection, so that writers queue here and not in the file's lock
	reader *sql.DB // refuses to write, on both databases
	summed map[string]Table
}

// Open opens the store named by url, "sqlite:PATH" or "postgres://…", creating and migrating it where needed. Several
// programs may open one store at once: whoever comes first migrates, the others wait. It returns a [*ErrNewer] when
// the store was made by a newer program, and one of this package's errors for a full disk or a held lock.
func Open(ctx context.Context, url string) (*DB, error) {
	return open(ctx, url, migrationFiles())
}

// OpenExisting is [Open] for a command that only looks: where there is no store it makes none and returns [ErrNoStore].
// A mistyped path must not become a new store that is then found to be in order.
func OpenExisting(ctx context.Context, url string) (*DB, error) {
	var err error
	if path, is := strings.CutPrefix(url, "sqlite:"); is {
		err = existsSQLite(path)
	} else if strings.HasPrefix(url, "postgres") {
		err = existsPostgreSQL(ctx, url)
	}
	if err != nil {
		return nil, fmt.Errorf("database: %w", mapped(err))
	}
	return Open(ctx, url)
}

func open(ctx context.Context, url string, migrations fs.FS) (*DB, error) {
	scheme, rest, found := strings.Cut(url, ":")
	var (
		d   *DB
		err error
	)
	switch {
	case found && scheme == "sqlite":
		d, err = openSQLite(ctx, rest, migrations)
	case found && (scheme == "postgres" || scheme == "postgresql"):
		d, err = openPostgreSQL(ctx, url, migrations)
	default:
		// The text is not repeated: it may hold a password.
		return nil, errors.New("database: must be sqlite:PATH or postgres://USER@HOST/NAME")
	}
	if err != nil {
		return nil, fmt.Errorf("database: %w", mapped(err))
	}
	if err := d.learnSums(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", mapped(err)), d.Close())
	}
	return d, nil
}

// Close waits for running queries and closes all connections.
func (d *DB) Close() error {
	return errors.Join(d.reader.Close(), d.writer.Close())
}

// Kind says which database this is.
func (d *DB) Kind() Kind { return d.kind }

// Read gives a handle for reading outside a transaction. Writing through it fails.
func (d *DB) Read() Handle { return handle{on: d.reader, kind: d.kind} }

// A transaction that loses against another is tried again this often, after a random wait that doubles from the first.
const (
	writeTries = 6
	firstWait  = 5 * time.Millisecond
)

// Write runs fn in one transaction and commits it when fn returns nil; any error of fn, and a panic, rolls back.
//
// On SQLite it is BEGIN IMMEDIATE on the only writing connection, on PostgreSQL a read committed transaction. Where
// PostgreSQL gives one up for another (serialisation, deadlock), fn runs again from the start, so it must leave nothing
// outside the transaction but what a second run overwrites. fn must not call Write: on SQLite it would wait for itself.
func (d *DB) Write(ctx context.Context, fn func(tx Handle) error) error {
	wait := firstWait
	for try := 1; ; try++ {
		err := d.writeOnce(ctx, fn)
		if err == nil || try == writeTries || !worthAnotherTry(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait *= 2
	}
}

func (d *DB) writeOnce(ctx context.Context, fn func(tx Handle) error) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", mapped(err))
	}
	defer tx.Rollback() // after a commit this does nothing; after an error or a panic it undoes
	if err := fn(handle{on: tx, kind: d.kind, summed: d.summed}); err != nil {
		return err
	}
	err = tx.Commit()
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		err = ctx.Err() // the end of ctx rolled back before
	}
	if err != nil {
		return fmt.Errorf("commit: %w", mapped(err))
	}
	return nil
}

// Snapshot runs fn over one unchanging view of the whole store, while others go on writing. It is meant for backups:
// fn can only read.
func (d *DB) Snapshot(ctx context.Context, fn func(h Handle) error) error {
	level := sql.LevelDefault // a deferred SQLite transaction in WAL mode sees one moment
	if d.kind == PostgreSQL {
		level = sql.LevelRepeatableRead
	}
	tx, err := d.reader.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return fmt.Errorf("begin: %w", mapped(err))
	}
	defer tx.Rollback() // nothing was written: there is nothing to commit
	return fn(handle{on: tx, kind: d.kind})
}
