package backup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tmpPrefix begins the names of files that are being written.
const tmpPrefix = ".tmp-"

// A file is being written beside its place and takes it at commit. It is 0600.
type file struct {
	*bufio.Writer
	path string
	tmp  *os.File // nil once ended
}

func newFile(path string) (*file, error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), tmpPrefix+"*")
	var fault *fs.PathError
	if errors.As(err, &fault) {
		return nil, fmt.Errorf("write %s: %w", path, fault.Err) // the name that was asked for, not the passing one
	}
	if err != nil {
		return nil, err
	}
	return &file{Writer: bufio.NewWriterSize(tmp, 1<<16), path: path, tmp: tmp}, nil
}

// commit makes the file durable and gives it its name.
func (f *file) commit() error {
	defer f.abort()
	if err := f.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(f.path), err)
	}
	if err := f.tmp.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(f.path), err)
	}
	if err := os.Rename(f.tmp.Name(), f.path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(f.path))
}

// abort drops the file; after a commit it does nothing.
func (f *file) abort() {
	if f.tmp == nil {
		return
	}
	os.Remove(f.tmp.Name())
	f.tmp.Close()
	f.tmp = nil
}

// WriteFile writes what r gives to path, whole or not at all, durable, and
// readable by its owner only. An older file is replaced.
func WriteFile(path string, r io.Reader) error {
	f, err := newFile(path)
	if err != nil {
		return err
	}
	defer f.abort()
	if _, err := io.Copy(f, r); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return f.commit()
}

// sweepFiles removes what a writer that died left behind; the caller holds the
// folder's lock.
func sweepFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tmpPrefix) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
