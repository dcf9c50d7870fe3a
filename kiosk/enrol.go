package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"consigne/internal/service"
	"consigne/kiosk/decode"
	"consigne/kiosk/device"
)

// keysDir is the folder of the key files, beside the data folder unless named.
func keysDir(data, keys string) string {
	if keys != "" {
		return keys
	}
	return filepath.Clean(data) + ".keys"
}

func setupEnrol(f *service.Flags) service.Run {
	data := f.String("data", "data", "`DIR` of the store, beside which the keys lie")
	keys := keysFlag(f)
	portal := f.String("portal", "", "`URL` of the portal")
	name := f.String("name", "", "`NAME` by which the desk knows this kiosk (default: the machine's)")
	again := f.Bool("again", false, "make a new key in the place of an enrolled one")
	return func(ctx context.Context, env *service.Env) error {
		if *portal == "" {
			return service.Usagef("enrol: --portal is missing")
		}
		address, err := device.ParsePortal(*portal)
		if err != nil {
			return service.Usagef("enrol: --portal: %v", err)
		}
		e := device.Enrolment{Portal: address, Dir: keysDir(*data, *keys), Name: *name, Again: *again}
		if err := enrol(ctx, env, e); err != nil {
			return fmt.Errorf("enrol: %w", err)
		}
		return nil
	}
}

// maxLine is more than eight digits and their spaces.
const maxLine = 256

func enrol(ctx context.Context, env *service.Env, e device.Enrolment) error {
	if e.Name == "" {
		name, err := os.Hostname()
		if err != nil {
			return err
		}
		e.Name = name
	}
	line, err := bufio.NewReader(io.LimitReader(env.Stdin, maxLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	code, err := device.ParseCode(line)
	if err != nil {
		return err
	}
	info, err := e.Do(ctx, code)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, info.ID)
	return err
}

func setupDecode(*service.Flags) service.Run {
	return func(ctx context.Context, env *service.Env) error {
		if err := decode.Print(ctx, env.Stdout, env.Args...); err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		return nil
	}
}
