package adversary

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Searched is what a search came to.
type Searched struct {
	Files int
	Bytes int64
	Found []string // name of the secret and path of the file
}

// search reads files and finds what stands in them. One that is gone meanwhile
// holds nothing any more.
func search(ctx context.Context, f *Finder, files []string) (Searched, error) {
	r := &reader{finder: f, seen: map[[sha256.Size]byte]bool{}}
	next := make(chan string)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for path := range next {
				r.read(path)
			}
		})
	}
	for _, path := range files {
		if ctx.Err() != nil {
			break
		}
		next <- path
	}
	close(next)
	workers.Wait()
	return r.Searched, errors.Join(r.err, ctx.Err())
}

// A reader is several workers' reading of files.
type reader struct {
	finder *Finder

	mu   sync.Mutex
	seen map[[sha256.Size]byte]bool // copies, such as a backup's papers, are searched once
	err  error
	Searched
}

func (r *reader) read(path string) {
	b, err := os.ReadFile(path)
	sum := sha256.Sum256(b)
	r.mu.Lock()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.err = errors.Join(r.err, err)
	}
	r.Files, r.Bytes = r.Files+1, r.Bytes+int64(len(b))
	again := r.seen[sum]
	r.seen[sum] = true
	r.mu.Unlock()
	if again {
		return
	}
	found := r.finder.Find(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range found {
		r.Found = append(r.Found, name+" in "+path)
	}
}

// filesIn are all regular files in a folder.
func filesIn(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// changedSince are the regular files on this machine whose content or name
// changed since then, memory's own file system included. What the kernel makes
// up (/proc, /sys, devices) is no file; skip is not looked into, nor what the Go
// tools write while other tests are built.
func changedSince(since time.Time, skip ...string) (files []string, err error) {
	for _, root := range []string{"/", "/dev/shm"} {
		err = errors.Join(err, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil: // gone, or not ours to read
				return nil
			case e.IsDir() && (path == "/dev" || madeUpByKernel(path) || contains(skip, path) || strings.HasPrefix(e.Name(), "go-build")):
				return fs.SkipDir
			case !e.Type().IsRegular():
				return nil
			}
			var st unix.Stat_t
			if unix.Lstat(path, &st) == nil && (!time.Unix(st.Ctim.Unix()).Before(since) || !time.Unix(st.Mtim.Unix()).Before(since)) {
				files = append(files, path)
			}
			return nil
		}))
	}
	return files, err
}

func contains(all []string, one string) bool {
	for _, a := range all {
		if a == one {
			return true
		}
	}
	return false
}

// madeUpByKernel tells proc and sysfs, wherever they are mounted.
func madeUpByKernel(dir string) bool {
	if name := filepath.Base(dir); name != "proc" && name != "sys" {
		return false
	}
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && (st.Type == unix.PROC_SUPER_MAGIC || st.Type == unix.SYSFS_MAGIC)
}

// copyFiles copies a folder's regular files. What goes away meanwhile, as the
// programs still run, is not there to be stolen.
func copyFiles(from, to string) error {
	files, err := filesIn(from)
	if err != nil {
		return err
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(target, b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
