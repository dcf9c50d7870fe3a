package queue

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"consigne/internal/database"
	"consigne/internal/seal"

	"golang.org/x/sys/unix"
)

// Keys is what only smsd holds: the identity to which sender keys are sealed,
// and the key under which numbers are marked. It prints as "[keys]".
type Keys struct {
	identity *seal.Identity
	index    seal.Key
}

// NewKeys derives smsd's keys from what its key file holds.
func NewKeys(k seal.Key) *Keys {
	return &Keys{identity: k.Identity(), index: k.Derive("number-index")}
}

// Public gives the key to which senders seal.
func (k *Keys) Public() seal.PublicKey { return k.identity.Public() }

// Format hides the keys from every verb of package fmt.
func (k *Keys) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[keys]") }

// mark is what stands for a number in the store: without the index key nobody
// can try numbers against it.
func (k *Keys) mark(e164 string) []byte { return k.index.MAC("number", []byte(e164)) }

// ErrKeys is returned when the key files and the store do not belong together.
var ErrKeys = errors.New("smsd's key does not fit this store")

const (
	keyFile    = "smsd.key"
	publicFile = "smsd.pub"
	keyName    = "smsd"
	pubPrefix  = "consigne-smsd-public-1:"
)

// OpenKeys reads smsd.key in dir. Where neither the file nor a trace of one in
// the store exists, it makes the file, and smsd.pub beside it. It returns
// [ErrKeys] when the file is missing or another than the one to which the
// store's messages are sealed, and [seal.ErrKeyFile] when others can read it.
func OpenKeys(ctx context.Context, db *database.DB, dir string) (*Keys, error) {
	var keys *Keys
	err := locked(dir, func() error {
		k, err := seal.LoadKeyFile(filepath.Join(dir, keyFile), keyName)
		if errors.Is(err, fs.ErrNotExist) {
			k, err = makeKey(ctx, db, dir)
		}
		if err != nil {
			return err
		}
		keys = NewKeys(k)
		if err := writePublic(dir, keys.Public()); err != nil {
			return err
		}
		return remember(ctx, db, keys.Public())
	})
	return keys, err
}

// PublicKey reads smsd.pub in dir, which is all that a program which queues
// messages needs. It makes both files under the same conditions, and returns the
// same errors, as [OpenKeys].
func PublicKey(ctx context.Context, db *database.DB, dir string) (seal.PublicKey, error) {
	pub, err := readPublic(dir)
	if errors.Is(err, fs.ErrNotExist) {
		keys, err := OpenKeys(ctx, db, dir)
		if err != nil {
			return nil, err
		}
		return keys.Public(), nil
	}
	if err != nil {
		return nil, err
	}
	return pub, remember(ctx, db, pub)
}

// locked runs fn while no other program makes keys in dir.
func locked(dir string, fn func() error) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder for keys: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open folder for keys: %w", err)
	}
	defer d.Close() // lets go of the lock
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock folder for keys: %w", err)
	}
	return fn()
}

func makeKey(ctx context.Context, db *database.DB, dir string) (seal.Key, error) {
	switch _, err := db.Fingerprint(ctx, keyName); {
	case err == nil:
		return seal.Key{}, fmt.Errorf("%w: %s is missing and messages are sealed to it: put it back", ErrKeys, filepath.Join(dir, keyFile))
	case !errors.Is(err, database.ErrNotFound):
		return seal.Key{}, err
	}
	return seal.MakeKeyFile(filepath.Join(dir, keyFile), keyName)
}

// Fingerprint names a store by smsd's public key. It is no secret.
func Fingerprint(pub seal.PublicKey) string {
	sum := sha256.Sum256(pub)
	return hex.EncodeToString(sum[:8])
}

// remember ties the store to the key, or finds it tied to another.
func remember(ctx context.Context, db *database.DB, pub seal.PublicKey) error {
	ours := Fingerprint(pub)
	have, err := db.Fingerprint(ctx, keyName)
	if errors.Is(err, database.ErrNotFound) {
		err = db.Write(ctx, func(tx database.Handle) error {
			return database.SetFingerprint(ctx, tx, keyName, ours)
		})
		if err == nil {
			return nil
		}
		if errors.Is(err, database.ErrExists) { // another program was quicker: with the same key, or not
			have, err = db.Fingerprint(ctx, keyName)
		}
	}
	if err != nil {
		return err
	}
	if have != ours {
		return fmt.Errorf("%w: its messages are sealed to another (fingerprint %s)", ErrKeys, have)
	}
	return nil
}

func readPublic(dir string) (seal.PublicKey, error) {
	path := filepath.Join(dir, publicFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), pubPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil {
		return nil, fmt.Errorf("%w: %s holds no public key of smsd", seal.ErrKeyFile, path)
	}
	return seal.PublicKey(raw), nil
}

// writePublic writes smsd.pub where it is missing, whole or not at all.
func writePublic(dir string, pub seal.PublicKey) error {
	path := filepath.Join(dir, publicFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp, err := os.CreateTemp(dir, ".pub-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(pubPrefix + base64.RawURLEncoding.EncodeToString(pub) + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", publicFile, err)
	}
	return os.Rename(tmp.Name(), path)
}
