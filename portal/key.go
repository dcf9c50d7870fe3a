package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"consigne/internal/seal"
	"consigne/internal/service"
)

// keyPrintCommand is the only one that shows a key: once, for a safe. Both keys
// are printed, since a backup opens with both or not at all.
func keyPrintCommand() service.Command {
	return service.Command{
		Name:  "key print",
		About: "print the keys, for a safe: no backup opens without them",
		Setup: func(f *service.Flags) service.Run {
			paths := f.Paths()
			return func(_ context.Context, env *service.Env) error { return printKeys(env, paths.Keys()) }
		},
	}
}

func printKeys(env *service.Env, dir string) error {
	var text string
	for _, k := range []struct{ file, label string }{{keyFile, keyName}, {smsKeyFile, smsKeyName}} {
		path := filepath.Join(dir, k.file)
		key, err := seal.LoadKeyFile(path, k.label)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("key print: %s is missing: it is made at the first start", path)
		}
		if err != nil {
			return fmt.Errorf("key print: %w", err)
		}
		text += seal.KeyText(k.label, key)
	}
	_, err := fmt.Fprint(env.Stdout, text)
	return err
}
