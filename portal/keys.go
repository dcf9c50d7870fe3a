package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// The key files in --keys DIR, and the labels within them.
const (
	keyName    = "portal"
	keyFile    = "portal.key"
	smsKeyName = "smsd"
	smsKeyFile = "smsd.key"
)

// errKey is returned when the key file and the store do not belong together.
var errKey = errors.New("portal's key does not fit this store")

// openKey reads portal.key in dir. It makes the file only while the store holds
// no fingerprint of one: beside a store in use a missing file is a loss, and a
// new key would open nothing.
func openKey(ctx context.Context, db *database.DB, dir string) (seal.Key, error) {
	unlock, err := lockFolder(dir)
	if err != nil {
		return seal.Key{}, err
	}
	defer unlock()
	have, err := db.Fingerprint(ctx, keyName)
	if err != nil && !errors.Is(err, database.ErrNotFound) {
		return seal.Key{}, err
	}
	path := filepath.Join(dir, keyFile)
	key, err := seal.LoadKeyFile(path, keyName)
	if errors.Is(err, fs.ErrNotExist) {
		if have != "" {
			return seal.Key{}, fmt.Errorf("%w: %s is missing (fingerprint %s): put it back", errKey, path, have)
		}
		key, err = seal.MakeKeyFile(path, keyName)
	}
	if err != nil {
		return seal.Key{}, err
	}
	if have == "" {
		have, err = rememberKey(ctx, db, key)
	}
	if err != nil {
		return seal.Key{}, err
	}
	if have != key.Fingerprint() {
		return seal.Key{}, fmt.Errorf("%w: %s is another (fingerprint %s, the store's is %s)", errKey, path, key.Fingerprint(), have)
	}
	return key, nil
}

// rememberKey ties the store to the key, and gives the fingerprint to which it
// is tied: another program may have been quicker.
func rememberKey(ctx context.Context, db *database.DB, key seal.Key) (string, error) {
	err := db.Write(ctx, func(tx database.Handle) error {
		return database.SetFingerprint(ctx, tx, keyName, key.Fingerprint())
	})
	if err != nil && !errors.Is(err, database.ErrExists) {
		return "", err
	}
	return db.Fingerprint(ctx, keyName)
}

// lockFolder keeps other programs from making keys in dir meanwhile.
func lockFolder(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for keys: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder for keys: %w", err)
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil {
		d.Close()
		return nil, fmt.Errorf("lock folder for keys: %w", err)
	}
	return func() { d.Close() }, nil
}
