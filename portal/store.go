package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/internal/service"
	"consigne/locales"
	"consigne/portal/backup"
	"consigne/portal/blob"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

// defaultURL is where phones reach a portal on one's own machine.
const defaultURL = "http://127.0.0.1:8080"

// A store is the database and the blobs, without any key.
type store struct {
	paths *service.Paths
	db    *database.DB
	blobs *blob.Dir
}

func checkPaths(paths *service.Paths) error {
	if strings.Contains(paths.Blobs(), "://") {
		return service.Usagef("--blobs: wants a folder")
	}
	return nil
}

// An opener opens the database that paths name: database.Open, or
// database.OpenExisting for a command that only looks.
type opener func(ctx context.Context, url string) (*database.DB, error)

// openStore opens the store; with database.Open it makes it where there is none.
func openStore(ctx context.Context, paths *service.Paths, open opener) (*store, error) {
	if err := checkPaths(paths); err != nil {
		return nil, err
	}
	db, err := open(ctx, paths.Database())
	if err != nil {
		return nil, err
	}
	blobs, err := blob.NewDir(paths.Blobs())
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{paths: paths, db: db, blobs: blobs}, nil
}

// Close gives the database back. What was committed is durable already, so an
// error here changes nothing for anybody.
func (s *store) Close() { _ = s.db.Close() }

// revoked is the log of what died, beside the store.
func (s *store) revoked() *backup.Revoked {
	return backup.OpenRevoked(filepath.Join(s.paths.Data(), backup.RevokedFile))
}

// A portal is a store with the keys that serving it needs.
type portal struct {
	*store
	vault *vault.Vault
}

// openPortal opens the store and its keys, making what is missing at a first
// start. publicURL is where phones reach it.
func openPortal(ctx context.Context, paths *service.Paths, publicURL string, log *slog.Logger) (*portal, error) {
	return openPortalBy(ctx, database.Open, paths, publicURL, log)
}

// lookAtPortal is [openPortal] for a command that changes nothing: it makes no
// store.
func lookAtPortal(ctx context.Context, paths *service.Paths, log *slog.Logger) (*portal, error) {
	return openPortalBy(ctx, database.OpenExisting, paths, defaultURL, log)
}

func openPortalBy(ctx context.Context, open opener, paths *service.Paths, publicURL string, log *slog.Logger) (*portal, error) {
	s, err := openStore(ctx, paths, open)
	if err != nil {
		return nil, err
	}
	v, err := s.openVault(ctx, publicURL, log)
	if err != nil {
		s.Close()
		return nil, err
	}
	return &portal{store: s, vault: v}, nil
}

func (s *store) openVault(ctx context.Context, publicURL string, log *slog.Logger) (*vault.Vault, error) {
	key, err := openKey(ctx, s.db, s.paths.Keys())
	if err != nil {
		return nil, err
	}
	sms, err := queue.PublicKey(ctx, s.db, s.paths.Keys())
	if err != nil {
		return nil, err
	}
	return newVault(s, key, queue.NewSender(sms, service.Now), publicURL, log)
}

func newVault(s *store, key seal.Key, sms *queue.Sender, publicURL string, log *slog.Logger) (*vault.Vault, error) {
	return vault.New(vault.Options{
		DB: s.db, Blobs: s.blobs, Key: key, SMS: sms, Now: service.Now, PublicURL: publicURL,
		Voice: locales.Synthesize, Revoked: s.revoked().Add, Log: log,
	})
}

// findRelay takes a relay's id or its name.
func findRelay(ctx context.Context, v *vault.Vault, text string) (vault.Relay, error) {
	relays, err := v.Relays(ctx)
	if err != nil {
		return vault.Relay{}, err
	}
	for _, r := range relays {
		if r.ID == text || strings.EqualFold(r.Name, strings.TrimSpace(text)) {
			return r, nil
		}
	}
	return vault.Relay{}, fmt.Errorf("no relay %q: see portal relay list", text)
}
