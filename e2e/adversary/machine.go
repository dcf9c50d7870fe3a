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
func search(ctx context.Context, f *Finder, files []string) (s Searched, err error) {
	next := make(chan string)
	var mu sync.Mutex
	seen := map[[sha256.Size]byte]bool{} // copies, such as a backup's papers, are searched once
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for path := range next {
				b, failed := os.ReadFile(path)
				sum := sha256.Sum256(b)
				mu.Lock()
				again := seen[sum]
				seen[sum] = true
				mu.Unlock()
				var found []string
				if failed == nil && !again {
					found = f.Find(b)
				}
				mu.Lock()
				if failed != nil && !errors.Is(failed, fs.ErrNotExist) {
					err = errors.Join(err, failed)
				}
				s.Files, s.Bytes = s.Files+1, s.Bytes+int64(len(b))
				for _, name := range found {
					s.Found = append(s.Found, name+" in "+path)
				}
				mu.Unlock()
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
	return s, errors.Join(err, ctx.Err())
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
// up (/proc, /sys, devices) is no file, and skip is not looked into.
func changedSince(since time.Time, skip ...string) (files []string, err error) {
	for _, root := range []string{"/", "/dev/shm"} {
		err = errors.Join(err, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil: // gone, or not ours to read
				return nil
			case e.IsDir() && (path == "/dev" || madeUpByKernel(path) || contains(skip, path)):
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
