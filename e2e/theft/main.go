// Command theft plays the thief against the programs in bin: it tries every
// picture code on a stolen copy, and searches for everything that should not be
// there. It exits with 1 when anything opens or is found. "make theft" runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"consigne/e2e/adversary"
	"consigne/e2e/screen"
	"consigne/e2e/stage"
)

func main() {
	codes := flag.Int("codes", adversary.AllCodes, "how many picture codes to try, the right one among them")
	bin := flag.String("bin", "", "folder of the built programs (default: bin beside go.mod)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *bin, *codes); err != nil {
		fmt.Fprintln(os.Stderr, "theft:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string, codes int) (err error) {
	if bin == "" {
		root, err := stage.Root()
		if err != nil {
			return err
		}
		bin = filepath.Join(root, "bin")
	}
	dir, err := os.MkdirTemp("", "consigne-theft-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	monitor, err := open(ctx, filepath.Join(dir, "s"))
	if err != nil {
		return err
	}
	if monitor != nil {
		defer func() { err = errors.Join(err, monitor.Close()) }()
	}
	start := time.Now()
	r, err := adversary.Run(ctx, adversary.Options{
		Bin: bin, Dir: dir, Codes: codes, Release: true, Screen: monitor,
		Progress: func(format string, args ...any) {
			fmt.Fprintf(os.Stderr, "%6s  %s\n", time.Since(start).Round(time.Second), fmt.Sprintf(format, args...))
		},
	})
	if err != nil {
		return err
	}
	if err := r.Print(os.Stdout); err != nil {
		return err
	}
	return r.Check()
}

// open opens a screen for the kiosk's window; nil on a machine that has none to
// offer, where the kiosk serves its pages without.
func open(ctx context.Context, dir string) (*screen.Screen, error) {
	if _, err := exec.LookPath("Xvfb"); err != nil {
		fmt.Fprintln(os.Stderr, "theft: no Xvfb: the kiosk runs without its window")
		return nil, nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	return screen.Open(context.WithoutCancel(ctx), dir, 1280, 800)
}
