package revoked_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"consigne/internal/revoked"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", revoked.File)
	if err := revoked.Append(path); err != nil || read(t, path) != "" {
		t.Fatalf("no lines: %v, %q", err, read(t, path))
	}
	if err := os.WriteFile(path, []byte("card A\nopt-out 0"), 0o600); err != nil { // the last line is torn
		t.Fatal(err)
	}
	err := revoked.Append(path, revoked.Line{Kind: revoked.OptOut, ID: "0a"}, revoked.Line{Kind: revoked.OptIn, ID: "0a"})
	if got := read(t, path); err != nil || got != "card A\nopt-out 0a\nopt-in 0a\n" {
		t.Errorf("%v, %q", err, got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
}

func TestAppend_Refusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, revoked.File)
	for _, l := range []revoked.Line{{}, {"card", ""}, {"", "A"}, {"card", "A B"}, {"card", "A\ncard B"}, {"a card", "A"}} {
		if err := revoked.Append(path, revoked.Line{Kind: "card", ID: "A"}, l); !errors.Is(err, revoked.ErrLine) {
			t.Errorf("%q: %v, want ErrLine", l, err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused line made the file")
	}
	if err := revoked.Append(dir, revoked.Line{Kind: "card", ID: "A"}); err == nil {
		t.Error("a folder was taken for the log")
	}
}

func TestAppend_ManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), revoked.File)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if err := revoked.Append(path, revoked.Line{Kind: "card", ID: "A"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := read(t, path); len(got) != 40*len("card A\n") {
		t.Errorf("%d bytes of 40 lines", len(got))
	}
}
