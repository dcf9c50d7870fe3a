// Command torture kills smsd and its enqueuers at random moments while every
// fourth request to the carrier goes wrong, and counts what phones have then:
// nothing may be lost, nothing may be there twice, and of a hundred messages at
// most one may be held for a person to decide. It exits with status 1 otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"consigne/internal/database/dbtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	messages := flag.Int("messages", 20_000, "messages for each store")
	kills := flag.Int("kills", 1000, "kills for each store")
	store := flag.String("store", "", "torture on this one alone: sqlite or postgresql")
	seed := flag.Uint64("seed", rand.Uint64(), "of all that is random")
	flag.Parse()
	if *store != "" && *store != "sqlite" && *store != "postgresql" {
		fmt.Fprintln(os.Stderr, "torture: -store takes sqlite or postgresql")
		os.Exit(2)
	}
	if err := both(ctx, *store, *messages, *kills, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

var errBroken = errors.New("the promise is broken")

// both tortures smsd on SQLite and two of them on PostgreSQL, or does one of it.
func both(ctx context.Context, store string, messages, kills int, seed uint64) error {
	fmt.Printf("seed %d\n", seed)
	dir, err := os.MkdirTemp("", "consigne-torture-")
	if err != nil {
		return err
	}
	binary := filepath.Join(dir, "smsd")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "consigne/smsd").CombinedOutput(); err != nil {
		return fmt.Errorf("build smsd: %w: %s", err, out)
	}
	postgres, err := dbtest.Durable(ctx)
	if err != nil {
		return err
	}
	plans := map[string]plan{
		"sqlite":     {database: "sqlite:" + filepath.Join(dir, "sqlite", "data", "consigne.db"), daemons: 1},
		"postgresql": {database: postgres, daemons: 2},
	}
	broken := false
	for _, name := range []string{"sqlite", "postgresql"} {
		if store != "" && store != name {
			continue
		}
		p := plans[name]
		p.dir = filepath.Join(dir, name)
		p.binary, p.messages, p.kills, p.seed, p.progress = binary, messages, kills, seed, os.Stderr
		if err := os.MkdirAll(filepath.Join(p.dir, "data"), 0o700); err != nil {
			return err
		}
		began := time.Now()
		v, err := torture(ctx, p)
		if err != nil {
			return fmt.Errorf("%w (logs in %s)", err, dir)
		}
		v.print(os.Stdout)
		fmt.Printf("%-10s took %v\n", "", time.Since(began).Round(time.Second))
		broken = broken || !v.good()
	}
	if broken {
		return fmt.Errorf("%w (logs and stores in %s)", errBroken, dir)
	}
	return os.RemoveAll(dir)
}
