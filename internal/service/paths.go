package service

import (
	"errors"
	"path/filepath"
	"strings"
)

// Paths says where a program's things lie. Its methods give their answers once the flags are read.
type Paths struct {
	data, database, keys, blobs string
}

// Paths declares --data, --database and --keys, which all programs share. A --database that names neither of the two
// databases is a wrong use.
func (f *Flags) Paths() *Paths {
	p := &Paths{}
	f.StringVar(&p.data, "data", "data", "`DIR` of the store")
	f.StringVar(&p.database, "database", "", "`URL` of the database, sqlite:PATH or postgres://… (default: SQLite in the data folder)")
	f.StringVar(&p.keys, "keys", "", "`DIR` of the key files (default: the data folder's name and .keys)")
	f.checks = append(f.checks, p.check)
	return p
}

// check does not repeat the text: it may hold a password.
func (p *Paths) check() error {
	for _, scheme := range []string{"sqlite:", "postgres://", "postgresql://"} {
		if strings.HasPrefix(p.Database(), scheme) {
			return nil
		}
	}
	return errors.New("--database: must be sqlite:PATH or postgres://USER@HOST/NAME")
}

// PathsAndBlobs declares --blobs beside what [Flags.Paths] does.
func (f *Flags) PathsAndBlobs() *Paths {
	p := f.Paths()
	f.StringVar(&p.blobs, "blobs", "", "`DIR` of the sealed papers (default: blobs in the data folder)")
	return p
}

// Data is the data folder.
func (p *Paths) Data() string { return p.data }

// Database is the address that database.Open takes.
func (p *Paths) Database() string {
	if p.database != "" {
		return p.database
	}
	return "sqlite:" + filepath.Join(p.data, "consigne.db")
}

// Keys is the folder of the key files. It lies beside the data folder and not in it, so that a copy of the data holds
// no key.
func (p *Paths) Keys() string {
	if p.keys != "" {
		return p.keys
	}
	return filepath.Clean(p.data) + ".keys"
}

// Blobs is the folder of the sealed papers.
func (p *Paths) Blobs() string {
	if p.blobs != "" {
		return p.blobs
	}
	return filepath.Join(p.data, "blobs")
}
