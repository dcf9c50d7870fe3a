package main

import (
	"context"
	"encoding/json"
	"fmt"

	"consigne/internal/service"
	"consigne/portal/demo"
)

func demoCommand() service.Command {
	return service.Command{
		Name:  "demo",
		About: "fill an empty store with invented people and print their secrets as one JSON object",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			return func(ctx context.Context, env *service.Env) error {
				if err := fillDemo(ctx, env, paths); err != nil {
					return fmt.Errorf("demo: %w", err)
				}
				return nil
			}
		},
	}
}

func fillDemo(ctx context.Context, env *service.Env, paths *service.Paths) error {
	p, err := openPortal(ctx, paths, defaultURL, env.Log)
	if err != nil {
		return err
	}
	defer p.Close()
	result, err := demo.Fill(ctx, p.vault, p.db, service.Now)
	if err != nil {
		return err
	}
	out := json.NewEncoder(env.Stdout)
	out.SetEscapeHTML(false)
	return out.Encode(result)
}
