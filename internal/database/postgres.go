package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// planning suits statements that name few rows, or the first ones of an index, while statistics lag behind a rush.
var planning = map[string]string{
	"plan_cache_mode":   "force_custom_plan", // one that is kept from when a table was small reads all of it once it has grown
	"enable_bitmapscan": "off",               // would gather all rows that are due where the first fifty are asked for
	"random_page_cost":  "1.1",               // the rows that are asked for are in memory, or on a disk without a head
	"jit":               "off",               // compiles for longer than it runs
}

const (
	poolSize     = 10 // of each of the two pools; three programs stay far under PostgreSQL's default of 100
	poolIdle     = 5 * time.Minute
	lockWait     = 10 * time.Second
	advisoryLock = 0x636f6e7369676e65 // "consigne": the lock under which migrations run
)

// openPostgreSQL connects to the database named by url. Its password never stands in an error.
func openPostgreSQL(ctx context.Context, url string, migrations fs.FS) (*DB, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgresql: %w", err)
	}
	set(cfg, "lock_timeout", fmt.Sprint(lockWait.Milliseconds()))
	set(cfg, "timezone", "UTC")
	for name, value := range planning {
		set(cfg, name, value)
	}
	writer := poolPostgreSQL(cfg)
	if err := migratePostgreSQL(ctx, writer, migrations); err != nil {
		return nil, errors.Join(fmt.Errorf("postgresql: %w", err), writer.Close())
	}
	readOnly := cfg.Copy()
	set(readOnly, "default_transaction_read_only", "on")
	return &DB{kind: PostgreSQL, writer: writer, reader: poolPostgreSQL(readOnly)}, nil
}

// existsPostgreSQL looks for the migrations' own table.
func existsPostgreSQL(ctx context.Context, url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("postgresql: %w", err)
	}
	db := poolPostgreSQL(cfg)
	var has bool
	err = db.QueryRowContext(ctx, "SELECT to_regclass('goose_db_version') IS NOT NULL").Scan(&has)
	if err == nil && !has {
		err = fmt.Errorf("%w in this database", ErrNoStore)
	}
	return errors.Join(err, db.Close())
}

func set(cfg *pgx.ConnConfig, name, value string) {
	if cfg.RuntimeParams == nil {
		cfg.RuntimeParams = map[string]string{}
	}
	cfg.RuntimeParams[name] = value
}

func poolPostgreSQL(cfg *pgx.ConnConfig) *sql.DB {
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(poolSize)
	db.SetMaxIdleConns(poolSize)
	db.SetConnMaxIdleTime(poolIdle)
	return db
}

// blobDomain lets one schema text say "blob" on both databases.
const blobDomain = `DO $$ BEGIN
	IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'blob' AND typnamespace = current_schema()::regnamespace) THEN
		CREATE DOMAIN blob AS bytea;
	END IF;
END $$`

// migratePostgreSQL migrates while one connection holds the advisory lock; a crash releases it with the connection.
func migratePostgreSQL(ctx context.Context, db *sql.DB, migrations fs.FS) (err error) {
	holder, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, holder.Close()) }()
	// Waiting here may take as long as another program's migration, so only ctx ends it.
	if _, err := holder.ExecContext(ctx, "SET lock_timeout = 0"); err != nil {
		return err
	}
	if _, err := holder.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(advisoryLock)); err != nil {
		return err
	}
	defer func() {
		clean := context.WithoutCancel(ctx)
		_, unlock := holder.ExecContext(clean, "SELECT pg_advisory_unlock($1)", int64(advisoryLock))
		_, reset := holder.ExecContext(clean, "RESET lock_timeout")
		err = errors.Join(err, unlock, reset)
	}()
	if _, err := holder.ExecContext(ctx, blobDomain); err != nil {
		return fmt.Errorf("make the blob domain: %w", err)
	}
	return migrate(ctx, db, goose.DialectPostgres, migrations)
}
