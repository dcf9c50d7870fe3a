package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"consigne/cards"
	"consigne/cards/sheet"
	"consigne/internal/database"
	"consigne/internal/service"
	"consigne/portal/backup"
)

// maxCards bounds one print run: a hundred sheets are cut by hand.
const maxCards = 1000

type sheetOptions struct {
	count        int
	out, texts   string
	relay, phone string
	paths        *service.Paths
}

func cardSheetCommand() service.Command {
	return service.Command{
		Name:  "card sheet",
		About: "print fresh cards that belong to nobody yet, ten to an A4 sheet, as PDF",
		Setup: func(f *service.Flags) service.Run {
			o := sheetOptions{paths: f.PathsAndBlobs()}
			f.IntVar(&o.count, "count", 10, "`N` cards")
			f.StringVar(&o.out, "out", "", "`FILE` for the PDF")
			f.StringVar(&o.texts, "texts", "", "`FILE` for the card texts, one a line; each opens what its card opens")
			f.StringVar(&o.relay, "relay", "", "print the phone number of `RELAY`, by id or name")
			f.StringVar(&o.phone, "phone", "", "print this phone `NUMBER`")
			return func(ctx context.Context, env *service.Env) error {
				if err := o.check(); err != nil {
					return err
				}
				if err := o.print(ctx, env); err != nil {
					return fmt.Errorf("card sheet: %w", err)
				}
				return nil
			}
		},
	}
}

func (o sheetOptions) check() error {
	switch {
	case o.out == "":
		return service.Usagef("card sheet: --out is missing")
	case o.count < 1 || o.count > maxCards:
		return service.Usagef("card sheet: --count %d: must be 1 to %d", o.count, maxCards)
	case o.texts != "" && filepath.Clean(o.texts) == filepath.Clean(o.out):
		return service.Usagef("card sheet: --out and --texts name the same file")
	case o.relay != "" && o.phone != "":
		return service.Usagef("card sheet: --relay and --phone exclude each other")
	}
	return nil
}

// print writes both files whole or not at all: half a stock whose texts are
// lost cannot be told from a whole one.
func (o sheetOptions) print(ctx context.Context, env *service.Env) error {
	phone := o.phone
	if phone == "" {
		var err error
		if phone, err = o.relayPhone(ctx, env); err != nil {
			return err
		}
	}
	stock := make([]cards.Card, o.count)
	var texts strings.Builder
	for i := range stock {
		stock[i] = cards.New()
		texts.WriteString(stock[i].Text() + "\n")
	}
	var pdf bytes.Buffer
	if err := sheet.Write(&pdf, stock, phone); errors.Is(err, sheet.ErrPhone) {
		return service.Usagef("phone number %q: %v", phone, err)
	} else if err != nil {
		return err
	}
	if o.texts != "" {
		if err := backup.WriteFile(o.texts, strings.NewReader(texts.String())); err != nil {
			return err
		}
	}
	err := backup.WriteFile(o.out, &pdf)
	if err != nil && o.texts != "" { // the texts of cards that nobody can print
		err = errors.Join(err, os.Remove(o.texts))
	}
	return err
}

// relayPhone is the number of the relay that was named or, where none was, of
// the first by name; which one is said.
func (o sheetOptions) relayPhone(ctx context.Context, env *service.Env) (string, error) {
	p, err := lookAtPortal(ctx, o.paths, env.Log)
	if errors.Is(err, database.ErrNoStore) {
		return "", fmt.Errorf("%w: give --phone, or the --data of a store that has a relay", err)
	}
	if err != nil {
		return "", err
	}
	defer p.Close()
	if o.relay != "" {
		r, err := findRelay(ctx, p.vault, o.relay)
		return r.Phone, err
	}
	relays, err := p.vault.Relays(ctx)
	if err != nil {
		return "", err
	}
	if len(relays) == 0 {
		return "", service.Usagef("no relay yet: give --phone")
	}
	if len(relays) > 1 {
		fmt.Fprintf(env.Stderr, "portal: card sheet: the cards bear the number of %s; --relay chooses another\n", relays[0].Name)
	}
	return relays[0].Phone, nil
}
