// Package home makes the folders that a session may write to: in memory only,
// one for each session, gone with it.
//
// A Root belongs to one running kiosk. It lies on a tmpfs; where the machine's
// own is an ordinary disk and we are root, it mounts one, else it refuses. Roots
// that a killed kiosk left behind are swept by the next Open: a lock that only a
// living process holds tells them apart.
package home

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Memory is where Linux keeps files in memory.
const Memory = "/dev/shm"

// ErrNotMemory says that a folder would lie on a disk, where what a session
// wrote can be found again.
var ErrNotMemory = errors.New("not in memory")

const (
	prefix   = "consigne-kiosk-"
	lockName = "lock"
)

// Root holds the homes of one kiosk.
type Root struct {
	path    string
	lock    *os.File
	mounted bool
}

// Open sweeps what dead kiosks left under dir and makes a root of our own there.
// It returns ErrNotMemory if dir is on a disk and no tmpfs can be mounted.
func Open(dir string) (*Root, error) {
	// A bare root for one program may lack even /dev/shm.
	if err := os.MkdirAll(dir, 0o777|os.ModeSticky); err != nil {
		return nil, err
	}
	if err := sweep(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, prefix+rand.Text())
	if err := os.Mkdir(path, 0o700); err != nil {
		return nil, err
	}
	r := &Root{path: path}
	if err := r.settle(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// settle puts the root into memory and takes its lock.
func (r *Root) settle() error {
	memory, err := inMemory(r.path)
	if err != nil {
		return err
	}
	if !memory {
		if err := unix.Mount("consigne-kiosk", r.path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700"); err != nil {
			return fmt.Errorf("%w: %s is on a disk, and mounting a tmpfs there: %w", ErrNotMemory, r.path, err)
		}
		r.mounted = true
	}
	r.lock, err = lock(r.path)
	return err
}

// Path is the root's own folder, for what all sessions of a run may share: never
// anything of a person.
func (r *Root) Path() string { return r.path }

// Home is the folder of one session.
type Home struct{ path string }

// New makes an empty home, with the folders that programs expect in it.
func (r *Root) New() (*Home, error) {
	h := &Home{filepath.Join(r.path, "home-"+rand.Text())}
	for _, dir := range append([]string{""}, h.folders()...) {
		if err := os.Mkdir(filepath.Join(h.path, dir), 0o700); err != nil {
			return nil, errors.Join(err, h.Remove())
		}
	}
	return h, nil
}

// Path is the home's folder.
func (h *Home) Path() string { return h.path }

func (*Home) folders() []string { return []string{"config", "cache", "data", "state", "run", "tmp"} }

// Env names the home in the environment, for every program that asks where it
// may write.
func (h *Home) Env() []string {
	at := func(name string) string { return filepath.Join(h.path, name) }
	return []string{
		"HOME=" + h.path,
		"XDG_CONFIG_HOME=" + at("config"),
		"XDG_CACHE_HOME=" + at("cache"),
		"XDG_DATA_HOME=" + at("data"),
		"XDG_STATE_HOME=" + at("state"),
		"XDG_RUNTIME_DIR=" + at("run"),
		"TMPDIR=" + at("tmp"),
	}
}

// Remove removes the home with all that is in it.
func (h *Home) Remove() error { return os.RemoveAll(h.path) }

// Close removes the root and every home in it.
func (r *Root) Close() error {
	var err error
	if r.mounted {
		err = unix.Unmount(r.path, unix.MNT_DETACH)
	}
	err = errors.Join(err, os.RemoveAll(r.path))
	if r.lock != nil {
		err = errors.Join(err, r.lock.Close())
	}
	return err
}

func inMemory(path string) (bool, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return false, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC, nil
}

// lock takes the lock of the root at path, or fails at once with EWOULDBLOCK.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sweep removes the roots that nobody holds.
func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), prefix) && ours(path) {
			sweepOne(path)
		}
	}
	return nil
}

// ours tells a folder of this user from another's, and from a link.
func ours(path string) bool {
	st, err := os.Lstat(path)
	if err != nil || !st.IsDir() {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Getuid()
}

func sweepOne(path string) {
	f, err := lock(path)
	if err != nil {
		return // a living kiosk's
	}
	defer f.Close()
	if err := unix.Unmount(path, unix.MNT_DETACH); err == nil {
		slog.Info("kiosk unmounted what a dead one left")
	}
	if err := os.RemoveAll(path); err != nil {
		slog.Warn("kiosk could not sweep", "error", err)
	}
}
