package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/internal/service"
	"consigne/portal/backup"
	"consigne/smsd/queue"
)

func verifyCommand() service.Command {
	return service.Command{
		Name:  "verify",
		About: "look for damage in store, blobs and journals, without any key",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			return func(ctx context.Context, env *service.Env) error { return verify(ctx, env, paths) }
		},
	}
}

func verify(ctx context.Context, env *service.Env, paths *service.Paths) error {
	s, err := openStore(ctx, paths, database.OpenExisting)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer s.Close()
	found := 0
	damage := func(text string) {
		found++
		fmt.Fprintln(env.Stdout, text)
	}
	note := func(text string) { fmt.Fprintf(env.Stderr, "verify: %s\n", text) }
	if err := backup.Verify(ctx, s.copied(), damage, note, progress(env.Stderr, "verify")); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if found > 0 {
		return fmt.Errorf("verify: damage found: %d", found)
	}
	note("no damage found")
	return nil
}

func backupCommand() service.Command {
	return service.Command{
		Name:  "backup",
		Args:  "DIR",
		About: "copy the store into a folder while it is in use, without the keys; again: only what is new",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			return func(ctx context.Context, env *service.Env) error {
				s, err := openStore(ctx, paths, database.OpenExisting)
				if err != nil {
					return fmt.Errorf("backup: %w", err)
				}
				defer s.Close()
				if err := backup.Make(ctx, s.copied(), env.Args[0], service.Now(), progress(env.Stderr, "backup")); err != nil {
					return fmt.Errorf("backup: %w", err)
				}
				return nil
			}
		},
	}
}

func restoreCommand() service.Command {
	return service.Command{
		Name:  "restore",
		Args:  "DIR",
		About: "bring a backup into an empty store of either database; needs its keys",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			return func(ctx context.Context, env *service.Env) error {
				if err := restore(ctx, env, paths); err != nil {
					return fmt.Errorf("restore: %w", err)
				}
				return nil
			}
		},
	}
}

func restore(ctx context.Context, env *service.Env, paths *service.Paths) error {
	keys, err := keysAtHand(paths.Keys())
	if err != nil {
		return err
	}
	s, err := openStore(ctx, paths, database.Open)
	if err != nil {
		return err
	}
	defer s.Close()
	return backup.Restore(ctx, s.copied(), env.Args[0], keys, service.Now(), progress(env.Stderr, "restore"))
}

func (s *store) copied() backup.Store {
	return backup.Store{DB: s.db, Blobs: s.blobs, Revoked: s.revoked()}
}

// keysAtHand gives the fingerprints of the key files that are there, as the
// store remembers them.
func keysAtHand(dir string) (map[string]string, error) {
	out := map[string]string{}
	key, err := seal.LoadKeyFile(filepath.Join(dir, keyFile), keyName)
	if err == nil {
		out[keyName] = key.Fingerprint()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err = seal.LoadKeyFile(filepath.Join(dir, smsKeyFile), smsKeyName)
	if err == nil {
		// smsd's is that of its public half, which the portal can check, too.
		sum := sha256.Sum256(queue.NewKeys(key).Public())
		out[smsKeyName] = hex.EncodeToString(sum[:8])
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return out, nil
}

// progress writes a line whenever another tenth of a work is done.
func progress(w io.Writer, command string) backup.Progress {
	last := map[string]int{}
	return func(what string, done, total int) {
		if tenth := 10 * done / max(total, 1); tenth > last[what] {
			last[what] = tenth
			fmt.Fprintf(w, "%s: %s: %d of %d\n", command, what, done, total)
		}
	}
}
