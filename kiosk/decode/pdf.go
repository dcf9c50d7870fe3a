package decode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"golang.org/x/sys/unix"

	"consigne/cards"
)

// A PDF may come from anybody. The child that draws it gets the open file and
// nothing else: no name, no environment, and so much memory and time.
const (
	pdfMemory  = 2 << 30 // bytes of address space
	pdfSeconds = 120     // of processor time
	pdfPages   = "500"
)

// pdf draws every page at 300 dpi, one at a time, and looks at each.
func pdf(ctx context.Context, f io.Reader) ([]cards.Card, error) {
	run, stop := context.WithCancel(ctx)
	defer stop()
	child := exec.CommandContext(run, "pdftoppm", "-r", "300", "-gray", "-l", pdfPages, "-")
	child.Stdin = f
	child.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	pages, err := child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, fmt.Errorf("start pdftoppm (package poppler-utils): %w", err)
	}
	limit(child.Process.Pid)
	found, err := look(bufio.NewReader(pages))
	if err != nil {
		stop() // the other pages are not wanted
	}
	waited := child.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case waited != nil:
		return nil, fmt.Errorf("%w: pdftoppm: %w", ErrDamaged, waited)
	}
	return found, nil
}

// limit bounds a child that was just started. It cannot be refused for one's
// own child, except when that has ended already.
func limit(pid int) {
	_ = unix.Prlimit(pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: pdfMemory, Max: pdfMemory}, nil)
	_ = unix.Prlimit(pid, unix.RLIMIT_CPU, &unix.Rlimit{Cur: pdfSeconds, Max: pdfSeconds}, nil)
	_ = unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
}

// look finds the cards of all pages. A card that stands on two counts once.
func look(pages *bufio.Reader) ([]cards.Card, error) {
	var all []cards.Card
	known := map[string]bool{}
	for {
		page, err := readPNM(pages)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for _, card := range find(page) {
			if !known[card.Text()] {
				known[card.Text()] = true
				all = append(all, card)
			}
		}
	}
}
