package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"consigne/portal/blob"
)

func newDir(t *testing.T) (*blob.Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blobs")
	d, err := blob.NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d, path
}

func put(t *testing.T, s blob.Store, content []byte) blob.Info {
	t.Helper()
	w, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	info, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func list(t *testing.T, s blob.Store) []string {
	t.Helper()
	var ids []string
	for id, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// files are all regular files below the folder.
func files(t *testing.T, path string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDir_RoundTrip(t *testing.T) {
	d, _ := newDir(t)
	for name, content := range map[string][]byte{
		"empty": {},
		"one":   {7},
		"large": bytes.Repeat([]byte("sealed"), 300_000),
	} {
		t.Run(name, func(t *testing.T) {
			info := put(t, d, content)
			if want := sha256.Sum256(content); info.Size != int64(len(content)) || !bytes.Equal(info.Sum, want[:]) {
				t.Errorf("info %d bytes, sum %x; want %d, %x", info.Size, info.Sum, len(content), want)
			}
			r, err := d.Open(t.Context(), info.ID)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("read %d bytes, %v; want the %d written", len(got), err, len(content))
			}
			if size, err := d.Size(t.Context(), info.ID); err != nil || size != info.Size {
				t.Errorf("size %d, %v; want %d", size, err, info.Size)
			}
			if !slices.Contains(list(t, d), info.ID) {
				t.Error("the list lacks the blob")
			}
		})
	}
}

func TestDir_NothingBeforeCommit(t *testing.T) {
	d, path := newDir(t)
	w, err := d.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), w.ID()); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("open before commit: %v, want ErrNotFound", err)
	}
	if ids := list(t, d); len(ids) != 0 {
		t.Errorf("list before commit: %v", ids)
	}
	w.Abort()
	w.Abort()
	if left := files(t, path); len(left) != 0 {
		t.Errorf("abort left %v", left)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("write after abort succeeded")
	}
	if _, err := w.Commit(); err == nil {
		t.Error("commit after abort succeeded")
	}
}

func TestDir_CommitOnce(t *testing.T) {
	d, _ := newDir(t)
	w, err := d.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if info.ID != w.ID() {
		t.Errorf("committed as %s, announced as %s", info.ID, w.ID())
	}
	w.Abort()
	if _, err := d.Size(t.Context(), info.ID); err != nil {
		t.Errorf("abort after commit took the blob away: %v", err)
	}
	if _, err := w.Commit(); err == nil {
		t.Error("second commit succeeded")
	}
}

func TestDir_Delete(t *testing.T) {
	d, path := newDir(t)
	info := put(t, d, []byte("gone soon"))
	for range 2 {
		if err := d.Delete(t.Context(), info.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Open(t.Context(), info.ID); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("open after delete: %v", err)
	}
	if left := files(t, path); len(left) != 0 {
		t.Errorf("delete left %v", left)
	}
}

func TestDir_OddIDs(t *testing.T) {
	d, path := newDir(t)
	good := put(t, d, []byte("good")).ID
	secret := filepath.Join(filepath.Dir(path), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	odd := []string{
		"", ".", "..", "../secret", "../../secret", secret, "tmp", "tmp/" + good,
		good[:25], good + "A", strings.ToLower(good), good[:25] + "/", good[:25] + "\x00",
		good[:25] + "1", good[:25] + "é", "..%2f" + good[:21], strings.Repeat("../", 8) + "AB",
	}
	for _, id := range odd {
		if _, err := d.Open(t.Context(), id); !errors.Is(err, blob.ErrID) {
			t.Errorf("Open(%q): %v, want ErrID", id, err)
		}
		if _, err := d.Size(t.Context(), id); !errors.Is(err, blob.ErrID) {
			t.Errorf("Size(%q): %v, want ErrID", id, err)
		}
		if err := d.Delete(t.Context(), id); !errors.Is(err, blob.ErrID) {
			t.Errorf("Delete(%q): %v, want ErrID", id, err)
		}
		if _, err := d.Path(id); !errors.Is(err, blob.ErrID) {
			t.Errorf("Path(%q): %v, want ErrID", id, err)
		}
	}
	if _, err := os.Stat(secret); err != nil {
		t.Errorf("a file outside the store is gone: %v", err)
	}
}

func TestDir_FollowsNoLink(t *testing.T) {
	d, path := newDir(t)
	id := put(t, d, []byte("x")).ID
	place, err := d.Path(id)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(filepath.Dir(path), "other")
	if err := os.Rename(place, other); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, place); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), id); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("open through a symbolic link: %v, want ErrNotFound", err)
	}
	if _, err := d.Size(t.Context(), id); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("size of a symbolic link: %v, want ErrNotFound", err)
	}
	if ids := list(t, d); len(ids) != 0 {
		t.Errorf("list shows a symbolic link: %v", ids)
	}
}

func TestDir_Modes(t *testing.T) {
	d, path := newDir(t)
	put(t, d, []byte("x"))
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", e.Name(), got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewDir_SweepsDeadWritersOnly(t *testing.T) {
	d, path := newDir(t)
	alive, err := d.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Abort()
	if _, err := alive.Write([]byte("still writing")); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(path, "tmp", "AAAAAAAAAAAAAAAAAAAAAAAAAA")
	if err := os.WriteFile(dead, []byte("left behind"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.NewDir(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the dead writer's file is still there: %v", err)
	}
	info, err := alive.Commit()
	if err != nil {
		t.Fatalf("the living writer lost its file: %v", err)
	}
	if _, err := d.Size(t.Context(), info.ID); err != nil {
		t.Error(err)
	}
}

func TestDir_CreateAs(t *testing.T) {
	d, path := newDir(t)
	const id = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	write := func(text string) error {
		w, err := d.CreateAs(t.Context(), id)
		if err != nil {
			return err
		}
		defer w.Abort()
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		_, err = w.Commit()
		return err
	}
	if err := write("first"); err != nil {
		t.Fatal(err)
	}
	if err := write("second"); !errors.Is(err, blob.ErrExists) {
		t.Errorf("second blob of one id: %v, want ErrExists", err)
	}
	place, err := d.Path(id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(place); string(got) != "first" || err != nil {
		t.Errorf("the blob is %q, %v; want the first", got, err)
	}
	if left := files(t, path); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := d.CreateAs(t.Context(), "../"+id[:23]); !errors.Is(err, blob.ErrID) {
		t.Errorf("CreateAs of an odd id: %v, want ErrID", err)
	}
}

func TestDir_Link(t *testing.T) {
	from, _ := newDir(t)
	to, _ := newDir(t)
	id := put(t, from, []byte("shared")).ID
	if err := to.Link(from, id); err != nil {
		t.Fatal(err)
	}
	if err := to.Link(from, id); !errors.Is(err, blob.ErrExists) {
		t.Errorf("second link: %v, want ErrExists", err)
	}
	if err := from.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if size, err := to.Size(t.Context(), id); err != nil || size != 6 {
		t.Errorf("after the first name is gone: %d bytes, %v", size, err)
	}
	if err := to.Link(from, "BBBBBBBBBBBBBBBBBBBBBBBBBB"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("link of nothing: %v, want ErrNotFound", err)
	}
	if err := to.Link(from, "../x"); !errors.Is(err, blob.ErrID) {
		t.Errorf("link of an odd id: %v, want ErrID", err)
	}
}

// A sweep may run between the making and the locking of a temporary file.
func TestDir_CreateWhileOthersStart(t *testing.T) {
	d, path := newDir(t)
	stop := make(chan struct{})
	var sweeps sync.WaitGroup
	sweeps.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := blob.NewDir(path); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 200 {
		put(t, d, []byte("kept"))
	}
	close(stop)
	sweeps.Wait()
	if n := len(list(t, d)); n != 200 {
		t.Errorf("%d blobs, want 200", n)
	}
}

func TestDir_ContextEnds(t *testing.T) {
	d, path := newDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	w, err := d.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := w.Write([]byte("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v, want Canceled", err)
	}
	if _, err := w.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v, want Canceled", err)
	}
	if left := files(t, path); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := d.Create(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("create: %v, want Canceled", err)
	}
}

func TestDir_ListPassesOverStrangers(t *testing.T) {
	d, path := newDir(t)
	id := put(t, d, []byte("x")).ID
	for _, name := range []string{"note.txt", filepath.Join(id[:2], id[2:4], "BBBBBBBBBBBBBBBBBBBBBBBBB1")} {
		if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(t, d); !slices.Equal(got, []string{id}) {
		t.Errorf("list %v, want only %s", got, id)
	}
}
