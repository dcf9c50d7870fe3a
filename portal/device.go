package main

import (
	"context"
	"fmt"

	"consigne/internal/service"
)

func deviceCodeCommand() service.Command {
	return service.Command{
		Name:  "device code",
		About: "print eight digits by which one kiosk is enrolled within 15 minutes",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			relay := f.String("relay", "", "`RELAY` by id or name")
			return func(ctx context.Context, env *service.Env) error {
				if *relay == "" {
					return service.Usagef("device code: --relay is missing")
				}
				return makeDeviceCode(ctx, env, paths, *relay)
			}
		},
	}
}

func makeDeviceCode(ctx context.Context, env *service.Env, paths *service.Paths, relay string) error {
	p, err := openPortal(ctx, paths, defaultURL, env.Log)
	if err != nil {
		return fmt.Errorf("device code: %w", err)
	}
	defer p.Close()
	r, err := findRelay(ctx, p.vault, relay)
	if err != nil {
		return fmt.Errorf("device code: %w", err)
	}
	code, err := p.vault.DeviceCode(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("device code: %w", err)
	}
	_, err = fmt.Fprintln(env.Stdout, code)
	return err
}
