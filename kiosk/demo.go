package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"consigne/internal/service"
	"consigne/kiosk/reader"
)

// A demo kiosk leaves a marker in the data folder, locked for as long as it runs,
// which names the pipe that is its scanner.
const (
	demoMarker = "kiosk.demo"
	demoPipe   = "kiosk.show"
)

var (
	errNoDemo  = errors.New("no demo kiosk runs on this data folder")
	errTwoDemo = errors.New("another demo kiosk runs on this data folder")
	errDevice  = errors.New("the demo kiosk's scanner is a real device")
)

// maxTyped is more than any code that a scanner reads.
const maxTyped = 8 << 10

// demo is a running demo kiosk's mark.
type demo struct {
	Scanner string `json:"scanner"`
	marker  *os.File
	pipe    string // ours, to be removed
}

// openDemo marks this kiosk as a demo one and makes a pipe for a scanner where
// none was named.
func openDemo(data, scanner string) (*demo, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	marker, err := os.OpenFile(filepath.Join(data, demoMarker), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if unix.Flock(int(marker.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		marker.Close()
		return nil, errTwoDemo
	}
	d := &demo{Scanner: scanner, marker: marker}
	if err := d.prepare(data); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *demo) prepare(data string) (err error) {
	if d.Scanner == "" {
		d.pipe = filepath.Join(data, demoPipe)
		if err := os.Remove(d.pipe); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := unix.Mkfifo(d.pipe, 0o600); err != nil {
			return &os.PathError{Op: "mkfifo", Path: d.pipe, Err: err}
		}
		d.Scanner = d.pipe
	} else if d.Scanner, err = filepath.Abs(d.Scanner); err != nil {
		return err
	}
	if err := d.marker.Truncate(0); err != nil {
		return err
	}
	return json.NewEncoder(d.marker).Encode(d)
}

// Close takes the mark away.
func (d *demo) Close() error {
	err := os.Remove(d.marker.Name())
	if d.pipe != "" {
		err = errors.Join(err, os.Remove(d.pipe))
	}
	return errors.Join(err, d.marker.Close())
}

func setupShow(f *service.Flags) service.Run {
	data := f.String("data", "data", "`DIR` of the demo")
	return func(_ context.Context, env *service.Env) error {
		text, err := shown(env)
		if err != nil {
			return fmt.Errorf("show: %w", err)
		}
		if err := show(*data, text); err != nil {
			return fmt.Errorf("show: %w", err)
		}
		return nil
	}
}

// shown is what to type: the argument, or one line of standard input.
func shown(env *service.Env) (string, error) {
	if len(env.Args) == 1 && env.Args[0] != "-" {
		return env.Args[0], nil
	}
	b, err := io.ReadAll(io.LimitReader(env.Stdin, maxTyped))
	return strings.TrimRight(string(b), "\r\n"), err
}

// show types text into the scanner of the demo kiosk that runs on data. A kiosk
// that is no demo has no marker, and its scanner no second end.
func show(data, text string) error {
	scanner, err := runningDemo(filepath.Join(data, demoMarker))
	if err != nil {
		return err
	}
	st, err := os.Stat(scanner)
	if err != nil {
		return errNoDemo
	}
	if st.Mode()&fs.ModeNamedPipe == 0 {
		return errDevice
	}
	// Without a reader at the other end opening fails instead of waiting for one.
	pipe, err := os.OpenFile(scanner, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return errNoDemo
	}
	if err != nil {
		return err
	}
	return errors.Join(reader.Type(pipe, text), pipe.Close())
}

// runningDemo gives the scanner of a demo kiosk that is alive.
func runningDemo(path string) (string, error) {
	marker, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNoDemo
	}
	if err != nil {
		return "", err
	}
	defer marker.Close()
	if unix.Flock(int(marker.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil {
		return "", errNoDemo // nobody holds it: what stopped without a word
	}
	var d demo
	if err := json.NewDecoder(io.LimitReader(marker, maxTyped)).Decode(&d); err != nil || d.Scanner == "" {
		return "", errNoDemo
	}
	return d.Scanner, nil
}
