// Command build makes the voice clips of package locales: locales/clips/TAG/NAME.mp3
// from the words of the messages, or from a person's recording in
// locales/recordings/TAG/NAME.* where there is one. It makes only what changed, and
// packs all into the one file that programs are built with.
//
//	go run ./locales/build [-dir locales]
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"consigne/locales"
)

func main() {
	dir := flag.String("dir", "locales", "folder that holds clips and recordings")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := buildAll(ctx, *dir); err != nil {
		fmt.Fprintf(os.Stderr, "build voices: %v\n", err)
		os.Exit(1)
	}
}

func buildAll(ctx context.Context, dir string) error {
	unlock, err := lock(filepath.Join(dir, "clips", ".gitignore"))
	if err != nil {
		return err
	}
	defer unlock()
	if err := removeUnfinished(filepath.Join(dir, "clips")); err != nil {
		return err
	}
	if err := sounds(dir).build(ctx); err != nil {
		return err
	}
	for _, tag := range locales.Tags() {
		if err := language(dir, tag).build(ctx); err != nil {
			return err
		}
	}
	return repack(dir)
}

// repack writes the pack, unless it would be the same: then nothing that is built
// with it is built again.
func repack(dir string) error {
	pack, err := locales.Pack(os.DirFS(filepath.Join(dir, "clips")))
	if err != nil {
		return fmt.Errorf("pack the clips: %w", err)
	}
	file := filepath.Join(dir, filepath.FromSlash(locales.PackFile))
	if before, err := os.ReadFile(file); err == nil && bytes.Equal(before, pack) {
		return nil
	}
	return writeWhole(file, pack)
}

// removeUnfinished takes away what a build left that was killed.
func removeUnfinished(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, unfinished+"*"))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// lock lets one build at a time work in the folder; another waits.
func lock(file string) (unlock func(), err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w: run it where locales/ lies, or name the folder with -dir", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
