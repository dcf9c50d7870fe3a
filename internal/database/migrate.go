package database

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var embedded embed.FS

func migrationFiles() fs.FS {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the name is a constant: this cannot happen
	}
	return files
}

// migrate brings the store to the newest version among files, and returns a *ErrNewer where it is beyond that: goose
// itself says nothing then. The caller holds the lock.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, files fs.FS) error {
	p, err := goose.NewProvider(dialect, db, files, goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources()
	know := sources[len(sources)-1].Version
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the store's version: %w", err)
	}
	if have > know {
		return &ErrNewer{Have: have, Know: know}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate from version %d: %w", have, err)
	}
	return nil
}
