package vault

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
)

// A Relay is a place with a desk: a day centre, a town's social office. What
// stands here is in clear: it is on the door.
type Relay struct {
	ID, Name       string
	Kind           string // such as "accueil de jour"
	Badge, Colour  string // a picture name, and "green", "rust", "blue" or "violet"
	Phone, Address string
	Zone           string // IANA name; Europe/Paris when empty
}

const relayColumns = "id, name, kind, badge, colour, phone, address, zone"

// Colours are the ring colours a relay's badge can have.
var Colours = []string{"green", "rust", "blue", "violet"}

// maxRelayName is the longest name of a relay, in letters: every voice says it
// whole, and every screen shows it.
const maxRelayName = 80

// AddRelay makes a relay, and has its name spoken in every language. Its keys
// are made by the first member who accepts an invitation. A name that another
// relay has, in whatever letters, is [ErrRelayName]: people and commands name
// relays by it.
func (v *Vault) AddRelay(ctx context.Context, r Relay) (Relay, error) {
	r.ID = rand.Text()
	for _, line := range []*string{&r.Name, &r.Kind, &r.Phone, &r.Address} {
		*line = strings.Join(strings.Fields(*line), " ") // one line each, on pages and in lists
	}
	if r.Zone == "" {
		r.Zone = "Europe/Paris"
	}
	if err := r.check(); err != nil {
		return r, err
	}
	if err := nameFree(ctx, v.DB.Read(), r.Name); err != nil {
		return r, err // before its voices are made
	}
	clips := map[string][]byte{}
	for _, tag := range locales.Tags() {
		clip, err := v.Voice(ctx, tag, r.Name)
		if err != nil {
			return r, fmt.Errorf("speak the relay's name: %w", err)
		}
		clips[tag] = clip
	}
	return r, v.DB.Write(ctx, func(tx database.Handle) error {
		if err := nameFree(ctx, tx, r.Name); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO relay ("+relayColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			r.ID, r.Name, r.Kind, r.Badge, r.Colour, r.Phone, r.Address, r.Zone); err != nil {
			return err
		}
		for tag, clip := range clips {
			if _, err := tx.Exec(ctx, "INSERT INTO relay_voice (relay_id, lang, clip) VALUES (?, ?, ?)", r.ID, tag, clip); err != nil {
				return err
			}
		}
		return nil
	})
}

func nameFree(ctx context.Context, h database.Handle, name string) error {
	names, err := collect(ctx, h, func(scan func(...any) error) (other string, err error) {
		err = scan(&other)
		return other, err
	}, "SELECT name FROM relay")
	if slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(other, name) }) {
		return ErrRelayName
	}
	return err
}

func (r Relay) check() error {
	if r.Name == "" {
		return &Invalid{"name", "missing"}
	}
	if len([]rune(r.Name)) > maxRelayName {
		return &Invalid{"name", "long"}
	}
	if r.Phone == "" {
		return &Invalid{"phone", "missing"}
	}
	if _, ok := locales.Picture(r.Badge); !ok {
		return &Invalid{"badge", "unknown"}
	}
	known := false
	for _, c := range Colours {
		known = known || c == r.Colour
	}
	if !known {
		return &Invalid{"colour", "unknown"}
	}
	if _, err := time.LoadLocation(r.Zone); err != nil {
		return &Invalid{"zone", "unknown"}
	}
	return nil
}

// Relays lists all relays by name.
func (v *Vault) Relays(ctx context.Context) ([]Relay, error) {
	return collect(ctx, v.DB.Read(), scanRelay, "SELECT "+relayColumns+" FROM relay ORDER BY name, id")
}

// Staffed lists the relays that can read what is shared with them: those whose
// first member has made their keys.
func (v *Vault) Staffed(ctx context.Context) ([]Relay, error) {
	return collect(ctx, v.DB.Read(), scanRelay, "SELECT "+relayColumns+" FROM relay WHERE public IS NOT NULL ORDER BY name, id")
}

// Relay gives one relay, or [ErrNotFound].
func (v *Vault) Relay(ctx context.Context, id string) (Relay, error) {
	return scanRelay(v.DB.Read().QueryRow(ctx, "SELECT "+relayColumns+" FROM relay WHERE id = ?", id).Scan)
}

func scanRelay(scan func(...any) error) (r Relay, err error) {
	err = scan(&r.ID, &r.Name, &r.Kind, &r.Badge, &r.Colour, &r.Phone, &r.Address, &r.Zone)
	return r, err
}

// RelayVoice gives the relay's spoken name, as MP3.
func (v *Vault) RelayVoice(ctx context.Context, relayID, lang string) (clip []byte, err error) {
	err = v.DB.Read().QueryRow(ctx, "SELECT clip FROM relay_voice WHERE relay_id = ? AND lang = ?", relayID, lang).Scan(&clip)
	return clip, err
}

// relayKey gives the public key to which grants for the relay are sealed. It
// returns [ErrNotFound] while the relay has no staff.
func (v *Vault) relayKey(ctx context.Context, h database.Handle, id string) (seal.PublicKey, error) {
	var public, mac []byte
	if err := h.QueryRow(ctx, "SELECT public, public_mac FROM relay WHERE id = ?", id).Scan(&public, &mac); err != nil {
		return nil, err
	}
	if public == nil {
		return nil, ErrNotFound
	}
	return v.trusted("relay", id, public, mac)
}

func (r Relay) location() *time.Location {
	loc, err := time.LoadLocation(r.Zone)
	if err != nil {
		return time.UTC
	}
	return loc
}
