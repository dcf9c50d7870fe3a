package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"consigne/internal/service"
)

// cast is what "portal demo" prints: the secrets of invented people.
type cast struct {
	Staff []struct {
		Relay      string `json:"relay"`
		Email      string `json:"email"`
		Password   string `json:"password"`
		TOTPSecret string `json:"totp_secret"`
	} `json:"staff"`
	People []struct {
		Name     string    `json:"name"`
		Lang     string    `json:"lang"`
		Phone    string    `json:"phone"`
		Card     string    `json:"card"`
		Pictures [5]string `json:"pictures"`
	} `json:"people"`
}

// demoFile is where the cast is kept, beside the keys: it opens what they open.
func demoFile(paths *service.Paths) string { return filepath.Join(paths.Keys(), "demo.json") }

func load(path string) (*cast, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no demo here: %w", err)
	}
	if err != nil {
		return nil, err
	}
	d := &cast{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// people gives the demo's cast, after filling the store where the data folder is empty. For a store that is in use and
// holds no demo it gives nil.
func (h *house) people(ctx context.Context) (*cast, error) {
	d, err := load(demoFile(h.paths))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	used, err := os.ReadDir(h.paths.Data())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(used) > 0 {
		return nil, nil
	}
	fmt.Fprintln(h.env.Stdout, "Filling the empty data folder with invented people…")
	text, err := h.output(ctx, nil, "portal", "demo")
	if err != nil {
		return nil, fmt.Errorf("%w: remove %s and %s, and try again", err, h.paths.Data(), h.paths.Keys())
	}
	if err := keep(demoFile(h.paths), text); err != nil {
		return nil, err
	}
	return load(demoFile(h.paths))
}

// keep writes the file whole or not at all.
func keep(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".demo-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(bytes.TrimSpace(text), '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
