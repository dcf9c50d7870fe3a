package main

import (
	"context"
	"errors"

	"consigne/internal/database"
	"consigne/internal/service"
)

// withStore runs fn on the open store and closes it. It makes a store where there is none.
func withStore(ctx context.Context, paths *service.Paths, fn func(db *database.DB) error) error {
	return with(ctx, database.Open, paths, fn)
}

// withExisting is withStore for what only looks.
func withExisting(ctx context.Context, paths *service.Paths, fn func(db *database.DB) error) error {
	return with(ctx, database.OpenExisting, paths, fn)
}

func with(ctx context.Context, open func(context.Context, string) (*database.DB, error), paths *service.Paths, fn func(db *database.DB) error) error {
	db, err := open(ctx, paths.Database())
	if err != nil {
		return err
	}
	return errors.Join(fn(db), db.Close())
}
