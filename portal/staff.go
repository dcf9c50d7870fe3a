package main

import (
	"context"
	"fmt"
	"strings"

	"consigne/internal/service"
	"consigne/portal/vault"
)

func staffInviteCommand() service.Command {
	return service.Command{
		Name:  "staff invite",
		About: "invite a member of a relay's staff and print the address that works once",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			url := f.String("public-url", defaultURL, "`URL` under which the portal is reached")
			relay := f.String("relay", "", "`RELAY` by id or name")
			email := f.String("email", "", "`E-MAIL` with which they will sign in")
			name := f.String("name", "", "`NAME`, as colleagues see it")
			return func(ctx context.Context, env *service.Env) error {
				if *relay == "" || *email == "" || *name == "" {
					return service.Usagef("staff invite: wants --relay, --email and --name")
				}
				if err := checkURL("staff invite", "public-url", *url); err != nil {
					return err
				}
				return inviteStaff(ctx, env, paths, *url, *relay, *email, *name)
			}
		},
	}
}

func inviteStaff(ctx context.Context, env *service.Env, paths *service.Paths, url, relay, email, name string) error {
	p, err := openPortal(ctx, paths, url, env.Log)
	if err != nil {
		return fmt.Errorf("staff invite: %w", err)
	}
	defer p.Close()
	r, err := findRelay(ctx, p.vault, relay)
	if err != nil {
		return fmt.Errorf("staff invite: %w", err)
	}
	letters, err := p.vault.Invite(ctx, r.ID, email, name)
	if err != nil {
		return fmt.Errorf("staff invite: %w", invalidFlag(err))
	}
	_, err = fmt.Fprintf(env.Stdout, "%s/desk/invitation/%s\n", strings.TrimSuffix(url, "/"), letters)
	return err
}

func staffListCommand() service.Command {
	return service.Command{
		Name:  "staff list",
		About: "list the staff: id, relay, name, e-mail",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			relay := f.String("relay", "", "only of `RELAY`, by id or name")
			return func(ctx context.Context, env *service.Env) error { return listStaff(ctx, env, paths, *relay) }
		},
	}
}

func listStaff(ctx context.Context, env *service.Env, paths *service.Paths, relay string) error {
	p, err := lookAtPortal(ctx, paths, env.Log)
	if err != nil {
		return fmt.Errorf("staff list: %w", err)
	}
	defer p.Close()
	relays, err := p.vault.Relays(ctx)
	if relay != "" {
		var one vault.Relay
		one, err = findRelay(ctx, p.vault, relay)
		relays = []vault.Relay{one}
	}
	if err != nil {
		return fmt.Errorf("staff list: %w", err)
	}
	for _, r := range relays {
		staff, err := p.vault.Staff(ctx, r.ID)
		if err != nil {
			return fmt.Errorf("staff list: %w", err)
		}
		for _, m := range staff {
			if _, err := fmt.Fprintln(env.Stdout, strings.Join([]string{m.ID, r.Name, m.Name, m.Email}, "\t")); err != nil {
				return err
			}
		}
	}
	return nil
}
