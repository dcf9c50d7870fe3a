// Command bench measures the built programs, in one run, and prints each figure
// beside what it may be at most or beside its peer. It fails only when something
// does not work: how fast a machine is, is no fault of a change.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"consigne/e2e/screen"
	"consigne/e2e/stage"
)

func main() {
	only := flag.String("only", "", "measure this part alone: portal (with the kiosk) or smsd")
	flag.Parse()
	if *only != "" && *only != "portal" && *only != "smsd" {
		fmt.Fprintln(os.Stderr, "bench: -only takes portal or smsd")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	root, err := stage.Root()
	if err != nil {
		return err
	}
	var figures []figure
	var notes []string
	for _, part := range []struct {
		name    string
		measure func(ctx context.Context, bin string) ([]figure, []string, error)
	}{{"portal", inHouse}, {"smsd", queues}} {
		if only == "" || only == part.name {
			f, n, failed := part.measure(ctx, filepath.Join(root, "bin"))
			figures, notes, err = append(figures, f...), append(notes, n...), errors.Join(err, failed)
		}
	}
	// What was measured is worth seeing even where the rest did not work.
	return errors.Join(print(os.Stdout, figures, notes), err)
}

// inHouse measures what needs a house and a screen.
func inHouse(ctx context.Context, bin string) (figures []figure, notes []string, err error) {
	// Sockets have short names.
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	s, err := screen.Open(ctx, dir, 1280, 800)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	houseDir := filepath.Join(dir, "house")
	if err := os.Mkdir(houseDir, 0o700); err != nil {
		return nil, nil, err
	}
	house, err := stage.Open(ctx, stage.Options{Bin: bin, Dir: houseDir, Env: s.Env(), Release: true})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	return (&bench{house: house}).all(ctx, s)
}

// all takes every figure: memory first, while nobody has used the programs, and
// once more at the end.
func (b *bench) all(ctx context.Context, s *screen.Screen) (figures []figure, notes []string, err error) {
	if figures, err = b.memory(ctx, "at rest", 80); err != nil {
		return nil, nil, err
	}
	say("people")
	if err := errors.Join(b.enrolDevice(ctx), b.signIn(ctx)); err != nil {
		return figures, nil, err
	}
	if err := b.enrol(ctx, crowd); err != nil {
		return figures, nil, err
	}
	measured := []struct {
		name string
		do   func(context.Context) ([]figure, []string, error)
	}{
		{"unlock", b.unlocks}, {"link", b.link}, {"papers", b.papers},
		{"window", func(ctx context.Context) ([]figure, []string, error) { return b.window(ctx, s) }},
	}
	for _, m := range measured {
		say(m.name)
		f, n, err := m.do(ctx)
		figures, notes = append(figures, f...), append(notes, n...)
		if err != nil {
			return figures, notes, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	after, err := b.memory(ctx, "after all this", 0)
	if err != nil {
		return figures, notes, err
	}
	notes = append(notes, "Memory: VmRSS of both programs added up, in millions of bytes, once neither uses its processor; pages that both map, such as libraries, "+
		"count twice. Pss counts them by halves. At rest: started on the demo's store. After: the same processes at the end of this run.")
	return append(figures, after...), notes, nil
}

// say tells whoever waits what is being measured.
func say(what string) { fmt.Fprintln(os.Stderr, "bench:", what) }
