package home

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, dir string) *Root {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// memoryDir is a folder of the test's own in memory.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(Memory, "home-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestRoot_HomesArePrivateAndGo(t *testing.T) {
	r := open(t, memoryDir(t))
	h, err := r.New()
	if err != nil {
		t.Fatal(err)
	}
	env := h.Env()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"} {
		checkFolder(t, r, env, name)
	}
	if err := os.WriteFile(filepath.Join(h.Path(), "cache", "page"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
}

func checkFolder(t *testing.T, r *Root, env []string, name string) {
	t.Helper()
	for _, e := range env {
		path, ok := strings.CutPrefix(e, name+"=")
		if !ok {
			continue
		}
		st, err := os.Stat(path)
		if err != nil || !st.IsDir() || st.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", name, st, err)
		}
		if !strings.HasPrefix(path, r.Path()+"/") {
			t.Errorf("%s lies outside the root", name)
		}
		return
	}
	t.Errorf("%s is not named", name)
}

func TestOpen_IsInMemoryOrRefused(t *testing.T) {
	t.Run("disk", func(t *testing.T) { inMemoryOrRefused(t, t.TempDir()) })
	t.Run("no folder", func(t *testing.T) { inMemoryOrRefused(t, filepath.Join(t.TempDir(), "shm")) })
}

func inMemoryOrRefused(t *testing.T, dir string) {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		if !errors.Is(err, ErrNotMemory) {
			t.Fatalf("refused with %v, want ErrNotMemory", err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("the refusal left %v", left)
		}
		return
	}
	memory, err := inMemory(r.Path())
	if err != nil || !memory {
		t.Errorf("in memory %v, error %v", memory, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("Close left %v", left)
	}
}

func TestOpen_SweepsTheDeadOnly(t *testing.T) {
	dir := memoryDir(t)
	living, dead := open(t, dir), open(t, dir)
	for _, r := range []*Root{living, dead} {
		if _, err := r.New(); err != nil {
			t.Fatal(err)
		}
	}
	unix.Flock(int(dead.lock.Fd()), unix.LOCK_UN) // what the kernel does when its process is killed
	open(t, dir)
	if _, err := os.Stat(dead.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead one's folder: %v", err)
	}
	if _, err := os.Stat(living.Path()); err != nil {
		t.Errorf("the living one's folder: %v", err)
	}
}

func TestOpen_FollowsNoLink(t *testing.T) {
	dir, elsewhere := memoryDir(t), t.TempDir()
	kept := filepath.Join(elsewhere, "kept")
	os.WriteFile(kept, []byte("x"), 0o600)
	if err := os.Symlink(elsewhere, filepath.Join(dir, prefix+"LINK")); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("the sweep went through a link: %v", err)
	}
}
