package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"consigne/locales"
)

// tally notes which clips were made: several are at once.
type tally struct {
	mu    sync.Mutex
	names []string
}

func (t *tally) add(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names = append(t.names, name)
}

// take gives the names in order and begins anew.
func (t *tally) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := t.names
	t.names = nil
	slices.Sort(names)
	return names
}

// said is a clip whose words are its bytes, and which tells when it is made.
func said(name, words string, made *tally) clip {
	return clip{name: name, from: fingerprint(words), by: locales.ByMachine, make: func(context.Context) ([]byte, error) {
		made.add(name)
		return []byte(words), nil
	}}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func build(t *testing.T, path string, clips ...clip) {
	t.Helper()
	if err := (&folder{path: path, clips: clips}).build(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestBuildMakesOnlyWhatChanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fr")
	var made tally
	build(t, dir, said("a", "un", &made))
	build(t, dir, said("a", "un", &made))
	if diff := cmp.Diff([]string{"a"}, made.take()); diff != "" {
		t.Errorf("twice the same (-want +got):\n%s", diff)
	}
	build(t, dir, said("a", "deux", &made), said("b", "trois", &made))
	if diff := cmp.Diff([]string{"a", "b"}, made.take()); diff != "" {
		t.Errorf("changed words (-want +got):\n%s", diff)
	}
	if err := os.Remove(filepath.Join(dir, "b.mp3")); err != nil {
		t.Fatal(err)
	}
	build(t, dir, said("a", "deux", &made), said("b", "trois", &made))
	if diff := cmp.Diff([]string{"b"}, made.take()); diff != "" {
		t.Errorf("lost file (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{half"), 0o644); err != nil {
		t.Fatal(err)
	}
	build(t, dir, said("a", "deux", &made))
	if diff := cmp.Diff([]string{"a"}, made.take()); diff != "" {
		t.Errorf("broken manifest (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a.mp3", "manifest.json"}, files(t, dir)); diff != "" {
		t.Errorf("what is said no more stays (-want +got):\n%s", diff)
	}
}

func TestBuildThatFailsLeavesWholeFilesAndGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fr")
	var made tally
	broken := errors.New("engine broken")
	bad := clip{name: "z", from: "1", make: func(context.Context) ([]byte, error) { return []byte("half"), broken }}
	good := said("a", "un", &made)
	build(t, dir, good)
	good = said("a", "deux", &made)
	if err := (&folder{path: dir, clips: []clip{good, bad}}).build(t.Context()); !errors.Is(err, broken) || !strings.Contains(err.Error(), "z") {
		t.Fatalf("error: %v", err)
	}
	for _, name := range files(t, dir) {
		if strings.HasPrefix(name, unfinished) || name == "z.mp3" {
			t.Errorf("left behind: %s", name)
		}
	}
	bad.make = func(context.Context) ([]byte, error) { return []byte("whole"), nil }
	build(t, dir, good, bad)
	for name, want := range map[string]string{"a.mp3": "deux", "z.mp3": "whole"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestBuildStopsWhenItsContextEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fr")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var made tally
	if err := (&folder{path: dir, clips: []clip{said("a", "un", &made)}}).build(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
}

func TestPersonsRecordingWins(t *testing.T) {
	dir := t.TempDir()
	recordings := filepath.Join(dir, "recordings", "fr")
	if err := os.MkdirAll(recordings, 0o755); err != nil {
		t.Fatal(err)
	}
	// A name of which another is the beginning, as rest.voice is of rest.voice.x.
	for _, name := range []string{"rest.voice.wav", "rest.voicex.wav"} {
		if out, err := exec.Command("sox", "-n", "-r", "24000", "-c", "1", filepath.Join(recordings, name), "synth", "0.5", "sine", "400").CombinedOutput(); err != nil {
			t.Fatalf("sox: %v %s", err, out)
		}
	}
	f := language(dir, "fr")
	by := map[string]string{}
	for _, c := range f.clips {
		by[c.name] = c.by
		if c.name != "rest.voice" {
			continue
		}
		data, err := c.make(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := locales.CheckFrames(data); err != nil {
			t.Error(err)
		}
	}
	if by["rest.voice"] != locales.ByPerson || by["rest.enrol"] != locales.ByMachine {
		t.Errorf("rest.voice by %q, rest.enrol by %q", by["rest.voice"], by["rest.enrol"])
	}
}

func TestBuildAllRefusesAnotherFolder(t *testing.T) {
	if err := buildAll(t.Context(), t.TempDir()); err == nil {
		t.Error("built where no clips folder is")
	}
}
