package main

import (
	"context"
	"errors"

	"consigne/internal/database"
	"consigne/internal/service"
)

// withStore runs fn on the open store and closes it.
func withStore(ctx context.Context, paths *service.Paths, fn func(db *database.DB) error) error {
	db, err := database.Open(ctx, paths.Database())
	if err != nil {
		return err
	}
	return errors.Join(fn(db), db.Close())
}
