// Package demo fills an empty store with invented relays, staff, people and
// papers, by the way that real ones take: each person consents at a kiosk,
// shows a card and practises five pictures; each paper is deposited at a desk;
// what is shared is shared from the holder's own session. Nothing but
// the removal of its kiosk is written past the vault, so a demo also shows that the whole path works.
package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"consigne/internal/database"
	"consigne/portal/vault"
)

// ErrNotEmpty: there are relays in the store already.
var ErrNotEmpty = errors.New("the store is not empty")

// Result is everything that one needs to play the demo's people: it holds their
// secrets, and belongs where the keys are.
type Result struct {
	Staff  []Staff  `json:"staff"`
	People []Person `json:"people"`
}

// Staff is a member of a relay's staff.
type Staff struct {
	Relay      string `json:"relay"`
	Email      string `json:"email"`
	Password   string `json:"password"`
	TOTPSecret string `json:"totp_secret"` // base 32
}

// Person is a holder with a card.
type Person struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Lang      string     `json:"lang"`
	Phone     string     `json:"phone"` // E.164, or empty
	Card      string     `json:"card"`
	Pictures  [5]string  `json:"pictures"`
	Documents []Document `json:"documents"`
}

// Document is a paper as it was deposited.
type Document struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	Title      string     `json:"title"`
	ValidFrom  vault.Date `json:"valid_from"`
	ValidUntil vault.Date `json:"valid_until"` // empty: without limit
	Type       string     `json:"type"`        // media type
	Pages      int        `json:"pages"`
	SharedWith []string   `json:"shared_with,omitempty"` // names of relays
	// Content is the file as it was deposited.
	Content []byte `json:"-"`
}

// Fill fills the store of v, which lies in db. It returns ErrNotEmpty where
// there is a relay already, and changes nothing then. After any other error the
// store holds a part of the demo: throw it away.
func Fill(ctx context.Context, v *vault.Vault, db *database.DB, now func() time.Time) (*Result, error) {
	there, err := v.Relays(ctx)
	if err != nil {
		return nil, err
	}
	if len(there) > 0 {
		return nil, ErrNotEmpty
	}
	s := &stage{vault: v, db: db, now: now, relays: map[string]vault.Relay{}}
	for _, r := range relays {
		if err := s.openRelay(ctx, r); err != nil {
			return nil, fmt.Errorf("relay %s: %w", r.Name, err)
		}
	}
	if err := s.enrolKiosk(ctx); err != nil {
		return nil, fmt.Errorf("enrol a kiosk: %w", err)
	}
	for i, p := range cast(vault.DateOf(now())) {
		if err := s.enter(ctx, p); err != nil {
			return nil, fmt.Errorf("person %d: %w", i+1, err)
		}
	}
	if err := s.leave(ctx); err != nil {
		return nil, fmt.Errorf("tidy up: %w", err)
	}
	return &s.result, nil
}
