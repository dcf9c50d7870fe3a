package seal

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrKeyFile is returned for a key file that others may read or that holds no
// key of the expected kind.
var ErrKeyFile = errors.New("key file refused")

// MakeKeyFile makes a new key and writes it to path, readable by its owner
// only. An existing file is never overwritten: the error is then [fs.ErrExist].
// label says which key it is, such as "portal".
func MakeKeyFile(path, label string) (Key, error) {
	k := NewKey()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Key{}, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return Key{}, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(KeyText(label, k))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return Key{}, err
	}
	// Link, unlike rename, refuses to replace a key that is there.
	if err := os.Link(tmp.Name(), path); err != nil {
		return Key{}, err
	}
	return k, syncDir(filepath.Dir(path))
}

// LoadKeyFile reads a key that [MakeKeyFile] wrote. It returns [ErrKeyFile] for
// a file that group or others can read or that is not of that label, and
// [fs.ErrNotExist] where there is none.
func LoadKeyFile(path, label string) (Key, error) {
	st, err := os.Stat(path)
	if err != nil {
		return Key{}, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return Key{}, fmt.Errorf("%w: %s can be read by others: run chmod 600 on it", ErrKeyFile, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Key{}, err
	}
	k, err := parseKey(b, label)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %s holds no %s key", ErrKeyFile, path, label)
	}
	return k, nil
}

// KeyText is what a key file holds, also for printing on paper that goes into a safe.
func KeyText(label string, k Key) string {
	return fmt.Sprintf("# Consigne %s key. Keep it apart from the data and its backups.\nconsigne-%s-1:%s\n",
		label, label, base64.RawURLEncoding.EncodeToString(k[:]))
}

func parseKey(b []byte, label string) (Key, error) {
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		text, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "consigne-"+label+"-1:")
		if !ok {
			continue
		}
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return Key{}, err
		}
		return KeyFrom(raw)
	}
	return Key{}, fs.ErrNotExist
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
