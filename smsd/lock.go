package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// alone takes the store for this process where it is SQLite, which has one
// writer; many may work on PostgreSQL. The lock ends with release, or with the
// process however it ends.
func alone(databaseURL string) (release func() error, only bool, err error) {
	path, sqlite := strings.CutPrefix(databaseURL, "sqlite:")
	if !sqlite {
		return func() error { return nil }, false, nil
	}
	if real, err := filepath.EvalSymlinks(path); err == nil { // the same store by another name
		path = real
	}
	f, err := os.OpenFile(path+".smsd-lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("run: lock the store: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, false, errors.Join(errors.New("run: another smsd works on this store already, and SQLite takes only one: stop it, or move to PostgreSQL"), f.Close())
	case err != nil:
		return nil, false, errors.Join(fmt.Errorf("run: lock the store: %w", err), f.Close())
	}
	return f.Close, true, nil
}
