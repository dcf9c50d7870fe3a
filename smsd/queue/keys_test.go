package queue_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/smsd/queue"
)

func TestKeys_WhoeverComesFirstMakesThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		dir := filepath.Join(t.TempDir(), "keys")
		pub, err := queue.PublicKey(t.Context(), db, dir)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := queue.OpenKeys(t.Context(), db, dir)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(pub, keys.Public()) {
			t.Error("the public key is not that of the identity")
		}
		if err := os.Remove(filepath.Join(dir, "smsd.pub")); err != nil {
			t.Fatal(err)
		}
		if again, err := queue.PublicKey(t.Context(), db, dir); err != nil || !bytes.Equal(again, pub) {
			t.Errorf("a public key made again from the key file differs: %v", err)
		}
		// A portal elsewhere has the public key alone.
		if err := os.Remove(filepath.Join(dir, "smsd.key")); err != nil {
			t.Fatal(err)
		}
		if again, err := queue.PublicKey(t.Context(), db, dir); err != nil || !bytes.Equal(again, pub) {
			t.Errorf("the public key alone does not do: %v", err)
		}
		if _, err := queue.OpenKeys(t.Context(), db, dir); !errors.Is(err, queue.ErrKeys) {
			t.Errorf("a lost key was replaced: %v", err)
		}
	})
}

func TestKeys_OfAnotherStore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		dir, other := t.TempDir(), t.TempDir()
		if _, err := queue.OpenKeys(t.Context(), db, dir); err != nil {
			t.Fatal(err)
		}
		if _, err := queue.PublicKey(t.Context(), db, other); !errors.Is(err, queue.ErrKeys) {
			t.Errorf("a second key was made for one store: %v", err)
		}
		if files, _ := os.ReadDir(other); len(files) != 0 {
			t.Error("a refused key was written")
		}
		if _, err := seal.MakeKeyFile(filepath.Join(other, "smsd.key"), "smsd"); err != nil {
			t.Fatal(err)
		}
		if _, err := queue.OpenKeys(t.Context(), db, other); !errors.Is(err, queue.ErrKeys) {
			t.Errorf("another store's key was taken: %v", err)
		}
	})
}

func TestKeys_BadFiles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		dir := t.TempDir()
		if _, err := queue.OpenKeys(t.Context(), db, dir); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(filepath.Join(dir, "smsd.key")); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("mode of the key file: %v, %v", st.Mode(), err)
		}
		if err := os.Chmod(filepath.Join(dir, "smsd.key"), 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := queue.OpenKeys(t.Context(), db, dir); !errors.Is(err, seal.ErrKeyFile) {
			t.Errorf("a key that others can read was taken: %v", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "smsd.pub"), []byte("consigne-smsd-public-1:!!!"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := queue.PublicKey(t.Context(), db, dir); !errors.Is(err, seal.ErrKeyFile) {
			t.Errorf("a damaged public key was taken: %v", err)
		}
	})
}

func TestKeys_PrintNothing(t *testing.T) {
	k := queue.NewKeys(seal.NewKey())
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		if got := fmt.Sprintf(verb, k); got != "[keys]" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
