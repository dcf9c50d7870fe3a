package database

import (
	"database/sql"
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
)

// What can be expected to go wrong in a store, the same for both databases. Compare with errors.Is.
var (
	ErrNotFound = errors.New("no such row")
	ErrExists   = errors.New("row exists already")
	ErrFull     = errors.New("no space left for the store")
	ErrBusy     = errors.New("store is busy")
	ErrNoStore  = errors.New("no store")
)

// ErrNewer says that a store was migrated by a newer program; this one must not touch it.
type ErrNewer struct {
	Have int64 // the store's version
	Know int64 // the newest version this program knows
}

func (e *ErrNewer) Error() string {
	return fmt.Sprintf("store has version %d, this program knows %d: use the newer program", e.Have, e.Know)
}

// SQLSTATE codes of PostgreSQL, appendix A of its manual.
const (
	pgUniqueViolation      = "23505"
	pgDiskFull             = "53100"
	pgTooManyConnections   = "53300"
	pgLockNotAvailable     = "55P03"
	pgSerializationFailure = "40001"
	pgDeadlockDetected     = "40P01"
)

// mapped puts this package's error before a driver's, by its code and never by its message. Others pass as they are.
func mapped(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrNotFound, ErrExists, ErrFull, ErrBusy} {
		if errors.Is(err, known) {
			return err
		}
	}
	if ours := meaning(err); ours != nil {
		return fmt.Errorf("%w: %w", ours, err)
	}
	return err
}

// meaning gives this package's error for a driver's, or nil where there is none.
func meaning(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if pg, is := errors.AsType[*pgconn.PgError](err); is {
		return meaningPostgreSQL(pg.Code)
	}
	if lite, is := errors.AsType[sqlite3.Error](err); is {
		return meaningSQLite(lite)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return ErrFull
	}
	return nil
}

func meaningPostgreSQL(code string) error {
	switch code {
	case pgUniqueViolation:
		return ErrExists
	case pgDiskFull:
		return ErrFull
	case pgLockNotAvailable, pgSerializationFailure, pgDeadlockDetected, pgTooManyConnections:
		return ErrBusy
	}
	return nil
}

func meaningSQLite(e sqlite3.Error) error {
	switch e.ExtendedCode {
	case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintRowID:
		return ErrExists
	}
	switch e.Code {
	case sqlite3.ErrFull:
		return ErrFull
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return ErrBusy
	case sqlite3.ErrIoErr:
		if e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT {
			return ErrFull
		}
	}
	return nil
}

// worthAnotherTry tells a transaction that PostgreSQL gave up for another one from every other failure. SQLite needs
// none: its writers have waited for the lock already.
func worthAnotherTry(err error) bool {
	pg, is := errors.AsType[*pgconn.PgError](err)
	return is && (pg.Code == pgSerializationFailure || pg.Code == pgDeadlockDetected)
}
