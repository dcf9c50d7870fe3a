package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"consigne/locales"
)

// recipe changes whenever the same words would sound otherwise than before.
const recipe = "1"

// clip is one file to be made.
type clip struct {
	name string
	from string // fingerprint of all that it is made from
	by   string
	make func(context.Context) ([]byte, error)
}

// folder is one folder of clips.
type folder struct {
	path  string
	clips []clip
}

func sounds(dir string) *folder {
	f := &folder{path: filepath.Join(dir, "clips", "sound")}
	add := func(name string, make func(context.Context) ([]byte, error)) {
		f.clips = append(f.clips, clip{name: name, from: recipe, make: make})
	}
	add("tick", locales.Tick)
	add("pause", func(ctx context.Context) ([]byte, error) { return locales.Silence(ctx, 160*time.Millisecond) })
	add("silence", func(ctx context.Context) ([]byte, error) { return locales.Silence(ctx, time.Second) })
	return f
}

func language(dir, tag string) *folder {
	l := locales.Must(tag)
	f := &folder{path: filepath.Join(dir, "clips", tag)}
	for _, s := range l.Spoken() {
		name := strings.TrimPrefix(s.Name, tag+"/")
		if file, sum := recording(filepath.Join(dir, "recordings", tag), name); file != "" {
			f.clips = append(f.clips, clip{name: name, from: fingerprint(recipe, sum), by: locales.ByPerson,
				make: func(ctx context.Context) ([]byte, error) { return locales.Recorded(ctx, file) }})
			continue
		}
		f.clips = append(f.clips, clip{name: name, from: fingerprint(recipe, l.VoiceSettings(), s.Words), by: locales.ByMachine,
			make: func(ctx context.Context) ([]byte, error) { return l.Speak(ctx, s.Words) }})
	}
	return f
}

// recording finds a person's recording of a clip, whatever its format.
func recording(dir, name string) (file, sum string) {
	found, _ := filepath.Glob(filepath.Join(dir, name+".*"))
	for _, file := range found {
		if strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) != name {
			continue
		}
		if data, err := os.ReadFile(file); err == nil {
			return file, fingerprint(string(data))
		}
	}
	return "", ""
}

func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// build makes what is missing or changed and takes away what is said no more.
// Whatever stops it, each clip is whole, and the manifest knows what is done.
func (f *folder) build(ctx context.Context) (err error) {
	if err := os.MkdirAll(f.path, 0o755); err != nil {
		return err
	}
	old := f.readManifest()
	done := locales.Manifest{}
	var todo []clip
	for _, c := range f.clips {
		if _, statErr := os.Stat(f.file(c.name)); statErr == nil && old[c.name].From == c.from {
			done[c.name] = old[c.name]
			continue
		}
		todo = append(todo, c)
	}
	defer func() {
		err = errors.Join(err, f.writeManifest(old, done))
		fmt.Printf("%s: %d clips, %d made\n", f.path, len(done), len(done)-(len(f.clips)-len(todo)))
	}()
	if err := f.makeAll(ctx, todo, done); err != nil {
		return err
	}
	return f.removeStale(done)
}

func (f *folder) makeAll(ctx context.Context, todo []clip, done locales.Manifest) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan clip)
	for range runtime.NumCPU() + 1 {
		wg.Go(func() {
			for c := range next {
				if err := f.makeOne(ctx, c); err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				done[c.name] = locales.Made{From: c.from, By: c.by}
				mu.Unlock()
			}
		})
	}
	for _, c := range todo {
		if ctx.Err() != nil {
			break
		}
		next <- c
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

func (f *folder) makeOne(ctx context.Context, c clip) error {
	data, err := c.make(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return writeWhole(f.file(c.name), data)
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name+".mp3") }

func (f *folder) manifestFile() string { return filepath.Join(f.path, "manifest.json") }

// readManifest forgives a missing or broken manifest: then everything is made.
func (f *folder) readManifest() locales.Manifest {
	m := locales.Manifest{}
	data, err := os.ReadFile(f.manifestFile())
	if err != nil || json.Unmarshal(data, &m) != nil {
		return locales.Manifest{}
	}
	return m
}

func (f *folder) writeManifest(old, done locales.Manifest) error {
	text, err := json.MarshalIndent(done, "", " ")
	if err != nil {
		return err
	}
	before, err := json.MarshalIndent(old, "", " ")
	if err == nil && len(old) > 0 && string(before) == string(text) {
		return nil
	}
	return writeWhole(f.manifestFile(), append(text, '\n'))
}

func (f *folder) removeStale(done locales.Manifest) error {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isClip := strings.CutSuffix(e.Name(), ".mp3")
		if _, wanted := done[name]; isClip && !wanted || !isClip && strings.HasPrefix(e.Name(), unfinished) {
			if err := os.Remove(filepath.Join(f.path, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// unfinished begins the name of a file that is being written. It has no dot: no
// pattern of what is embedded fits it.
const unfinished = "new-"

// writeWhole replaces a file in one step, so that nobody ever reads half of it.
func writeWhole(file string, data []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(file), unfinished+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, writeErr := tmp.Write(data)
	if err := errors.Join(writeErr, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
