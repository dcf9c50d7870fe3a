package database

import (
	"context"
	"io/fs"
	"testing/fstest"
)

// OpenAt opens a store as a program did that knew the migrations up to name.
func OpenAt(ctx context.Context, url, name string) (*DB, error) {
	all, err := fs.Glob(migrationFiles(), "*.sql")
	if err != nil {
		return nil, err
	}
	known := fstest.MapFS{}
	for _, file := range all {
		if file > name {
			break
		}
		text, err := fs.ReadFile(migrationFiles(), file)
		if err != nil {
			return nil, err
		}
		known[file] = &fstest.MapFile{Data: text}
	}
	return open(ctx, url, known)
}
