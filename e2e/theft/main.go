// Command theft plays the thief against the programs in bin: it tries every
// picture code on a stolen copy, and searches for everything that should not be
// there. It exits with 1 when anything opens or is found. "make theft" runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"consigne/e2e/adversary"
	"consigne/e2e/stage"
)

func main() {
	codes := flag.Int("codes", adversary.AllCodes, "how many picture codes to try, the right one among them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *codes); err != nil {
		fmt.Fprintln(os.Stderr, "theft:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, codes int) error {
	root, err := stage.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "consigne-theft-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	r, err := adversary.Run(ctx, adversary.Options{
		Bin: filepath.Join(root, "bin"), Dir: dir, Codes: codes, Release: true,
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
