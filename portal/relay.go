package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"consigne/cards/sheet"
	"consigne/internal/service"
	"consigne/locales"
	"consigne/portal/vault"
)

func relayAddCommand() service.Command {
	return service.Command{
		Name:  "relay add",
		About: "make a relay and print its id",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			var r vault.Relay
			f.StringVar(&r.Name, "name", "", "`NAME`, as on its door")
			f.StringVar(&r.Kind, "kind", "accueil de jour", "`KIND` of place")
			f.StringVar(&r.Badge, "badge", "house", "`PICTURE` by which people know it: "+strings.Join(locales.Badges, ", "))
			f.StringVar(&r.Colour, "colour", "green", "`COLOUR` of its ring: "+strings.Join(vault.Colours, ", "))
			f.StringVar(&r.Phone, "phone", "", "`NUMBER` that its cards bear")
			f.StringVar(&r.Address, "address", "", "`ADDRESS`")
			f.StringVar(&r.Zone, "zone", "Europe/Paris", "time `ZONE` by its IANA name")
			return func(ctx context.Context, env *service.Env) error { return addRelay(ctx, env, paths, r) }
		},
	}
}

func addRelay(ctx context.Context, env *service.Env, paths *service.Paths, r vault.Relay) error {
	if err := checkRelay(r); err != nil {
		return err
	}
	p, err := openPortal(ctx, paths, defaultURL, env.Log)
	if err != nil {
		return fmt.Errorf("relay add: %w", err)
	}
	defer p.Close()
	r, err = p.vault.AddRelay(ctx, r)
	if errors.Is(err, vault.ErrRelayName) {
		return fmt.Errorf("relay add: --name %q: %w", strings.TrimSpace(r.Name), err)
	}
	if err != nil {
		return fmt.Errorf("relay add: %w", invalidFlag(err))
	}
	_, err = fmt.Fprintln(env.Stdout, r.ID)
	return err
}

// checkRelay refuses what cannot become right by trying, before a store is made.
func checkRelay(r vault.Relay) error {
	switch {
	case strings.TrimSpace(r.Name) == "":
		return service.Usagef("relay add: --name is missing")
	case strings.TrimSpace(r.Phone) == "":
		return service.Usagef("relay add: --phone is missing")
	case sheet.CheckPhone(r.Phone) != nil:
		return service.Usagef("relay add: --phone %q: %v", r.Phone, sheet.ErrPhone)
	case !slices.Contains(vault.Colours, r.Colour):
		return service.Usagef("relay add: --colour %q: must be one of %s", r.Colour, strings.Join(vault.Colours, ", "))
	case !slices.Contains(locales.Badges, r.Badge):
		return service.Usagef("relay add: --badge %q: must be one of %s", r.Badge, strings.Join(locales.Badges, ", "))
	}
	return nil
}

// reasons puts the vault's words for what it refuses into an operator's. The
// values are not quoted: an e-mail address is somebody's.
var reasons = map[string]string{
	"name missing": "is missing", "name long": "is too long",
	"email unknown": "is no e-mail address", "zone unknown": "is no time zone such as Europe/Paris",
}

// invalidFlag turns a field that the vault refuses into the flag that gave it.
func invalidFlag(err error) error {
	var invalid *vault.Invalid
	if !errors.As(err, &invalid) {
		return err
	}
	reason, known := reasons[invalid.Field+" "+invalid.Reason]
	if !known {
		reason = "cannot be taken: " + invalid.Reason
	}
	return service.Usagef("--%s %s", invalid.Field, reason)
}

func relayListCommand() service.Command {
	return service.Command{
		Name:  "relay list",
		About: "list the relays: id, name, kind, badge, colour, phone",
		Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			return func(ctx context.Context, env *service.Env) error { return listRelays(ctx, env, paths) }
		},
	}
}

func listRelays(ctx context.Context, env *service.Env, paths *service.Paths) error {
	p, err := lookAtPortal(ctx, paths, env.Log)
	if err != nil {
		return fmt.Errorf("relay list: %w", err)
	}
	defer p.Close()
	relays, err := p.vault.Relays(ctx)
	if err != nil {
		return fmt.Errorf("relay list: %w", err)
	}
	for _, r := range relays {
		line := strings.Join([]string{r.ID, r.Name, r.Kind, r.Badge, r.Colour, r.Phone}, "\t")
		if _, err := fmt.Fprintln(env.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}
