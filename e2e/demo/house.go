package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"consigne/internal/service"
)

// house is the three programs on one machine.
type house struct {
	paths     *service.Paths
	bin       string
	env       *service.Env
	processes []*process

	portal, metrics, phone, kiosk string // addresses, once they are known; kiosk is empty where it has a window
}

func (h *house) logs() string { return filepath.Join(h.paths.Data(), "log") }

// run starts everything in order, says where it is and waits: for the end of ctx, or of a program.
func (h *house) run(ctx context.Context) error {
	d, err := h.people(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.logs(), 0o700); err != nil {
		return err
	}
	if err := h.startServers(ctx); err != nil {
		return err
	}
	enrolled, err := h.enrol(ctx, d)
	if err != nil {
		return err
	}
	if enrolled {
		if err := h.startKiosk(ctx); err != nil {
			return err
		}
	}
	h.welcome(d, enrolled)
	return h.wait(ctx)
}

func (h *house) startServers(ctx context.Context) error {
	portal, err := h.start("portal", "serve")
	if err != nil {
		return err
	}
	if h.portal, err = portal.port(ctx, "public"); err != nil {
		return err
	}
	if h.metrics, err = portal.port(ctx, "internal"); err != nil {
		return err
	}
	smsd, err := h.start("smsd", "run")
	if err != nil {
		return err
	}
	if h.phone, err = smsd.port(ctx, "internal"); err != nil {
		return err
	}
	return errors.Join(healthy(ctx, h.portal), healthy(ctx, h.phone))
}

// healthy asks until the listener at addr says that it is ready.
func healthy(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		status, err := ask(ctx, "http://"+addr+"/healthz")
		if status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: status %d: %w", addr, status, errors.Join(ctx.Err(), err))
		case <-again.C:
		}
	}
}

func ask(ctx context.Context, url string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// enrol makes the kiosk known to the portal, unless it is. Without a demo there is no relay to enrol it for.
func (h *house) enrol(ctx context.Context, d *cast) (bool, error) {
	if _, err := os.Stat(filepath.Join(h.paths.Keys(), "kiosk.key")); err == nil {
		return true, nil
	}
	if d == nil || len(d.Staff) == 0 {
		return false, nil
	}
	code, err := h.output(ctx, nil, "portal", "device", "code", "--relay", d.Staff[0].Relay)
	if err != nil {
		return false, err
	}
	_, err = h.output(ctx, code, "kiosk", "enrol", "--portal", "http://"+h.portal, "--name", "Borne de démonstration")
	return err == nil, err
}

// startKiosk starts the window or, where there is no display, the pages for an ordinary browser.
func (h *house) startKiosk(ctx context.Context) error {
	args := []string{"run", "--demo", "--portal", "http://" + h.portal}
	if os.Getenv("DISPLAY") != "" {
		_, err := h.start("kiosk", args...)
		return err
	}
	p, err := h.start("kiosk", append(args, "--no-window")...)
	if err != nil {
		return err
	}
	h.kiosk, err = p.port(ctx, "kiosk")
	return err
}

// wait ends with ctx, or with an error as soon as a program ends by itself.
func (h *house) wait(ctx context.Context) error {
	failed := make(chan *process, len(h.processes))
	for _, p := range h.processes {
		go func() {
			<-p.ended
			failed <- p
		}()
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(h.env.Stdout, "\nStopping…")
		return nil
	case p := <-failed:
		return fmt.Errorf("%w: its log is %s", p.failure(), filepath.Join(h.logs(), p.name+".log"))
	}
}

// stop stops what runs, the last started first.
func (h *house) stop() error {
	var errs []error
	for _, p := range slices.Backward(h.processes) {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}
