package database

import (
	"context"
	"fmt"
)

// Fingerprint gives the fingerprint of the key file called name with which this store was made, and ErrNotFound while
// there is none. A program makes a key file only then: a missing file beside a store in use is a loss, not a start.
func (d *DB) Fingerprint(ctx context.Context, name string) (string, error) {
	var fp string
	err := d.Read().QueryRow(ctx, "SELECT fingerprint FROM key_fingerprint WHERE name = ?", name).Scan(&fp)
	if err != nil {
		return "", fmt.Errorf("fingerprint of %s: %w", name, err)
	}
	return fp, nil
}

// SetFingerprint remembers the fingerprint of the key file called name. It returns ErrExists where another was
// remembered before: fingerprints never change.
func SetFingerprint(ctx context.Context, tx Handle, name, fp string) error {
	_, err := tx.Exec(ctx, "INSERT INTO key_fingerprint (name, fingerprint) VALUES (?, ?)", name, fp)
	if err != nil {
		return fmt.Errorf("remember fingerprint of %s: %w", name, err)
	}
	return nil
}
