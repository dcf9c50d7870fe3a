package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"consigne/internal/database"
)

// A Term is for how long a holder shares. Nights end at 23:59:59 local time.
type Term int

// The four terms of the screen.
const (
	Today        Term = iota // until midnight
	Nights                   // seven nights
	Month                    // thirty nights
	UntilStopped             // no end
)

// ends gives the end of a term that begins now, or 0 for none.
func (t Term) ends(now time.Time, loc *time.Location) (int64, error) {
	nights, ok := map[Term]int{Today: 0, Nights: 7, Month: 30}[t]
	if t == UntilStopped {
		return 0, nil
	}
	if !ok {
		return 0, &Invalid{"term", "unknown"}
	}
	last := DateOf(now.In(loc)).AddDays(nights)
	return last.AddDays(1).In(loc).Add(-time.Second).UnixMilli(), nil
}

// A grantRow is an item's key about to be wrapped for a relay.
type grantRow struct {
	id, relay string
	item      item
	ends      int64
}

func newGrant(it item, relay string, ends int64) grantRow {
	return grantRow{id: rand.Text(), relay: relay, item: it, ends: ends}
}

// grant wraps the item's key for the relay, replacing an earlier grant of the
// same item.
func (v *Vault) grant(ctx context.Context, tx database.Handle, g grantRow) error {
	public, err := v.relayKey(ctx, tx, g.relay)
	if err != nil {
		return err
	}
	wrapped, err := public.Seal(placeAccess(g.id, g.relay), g.item.key.Bytes())
	if err != nil {
		return err
	}
	if err := v.replace(ctx, tx, g); err != nil {
		return err
	}
	return insertGrant(ctx, tx, g, wrapped, 0)
}

// replace ends an earlier grant of the same item to the same relay.
func (v *Vault) replace(ctx context.Context, tx database.Handle, g grantRow) error {
	var old string
	err := tx.QueryRow(ctx, "DELETE FROM access WHERE item_id = ? AND relay_id = ? RETURNING id", g.item.id, g.relay).Scan(&old)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return v.Revoked("access", old)
}

func insertGrant(ctx context.Context, tx database.Handle, g grantRow, wrapped []byte, adopted int) error {
	_, err := tx.Exec(ctx, "INSERT INTO access (id, item_id, person_id, relay_id, item_key, adopted, ends) VALUES (?, ?, ?, ?, ?, ?, ?)",
		g.id, g.item.id, g.item.person, g.relay, wrapped, adopted, g.ends)
	return err
}

// A GrantView is who can see an item, and until when (zero: until stopped).
// ItemKind is "paper", "appointment" or "profile".
type GrantView struct {
	ID, RelayID, ItemID, ItemKind string
	PaperKind, Title              string
	Ends                          time.Time
}

// Grants lists who can see what: *Qui peut voir*.
func (h *Holder) Grants(ctx context.Context) ([]GrantView, error) {
	views, err := collect(ctx, h.v.DB.Read(), func(scan func(...any) error) (g GrantView, err error) {
		var ends int64
		err = scan(&g.ID, &g.RelayID, &g.ItemID, &ends)
		g.Ends = timeOf(ends)
		return g, err
	}, "SELECT id, relay_id, item_id, ends FROM access WHERE person_id = ? AND (ends = 0 OR ends > ?) ORDER BY relay_id, id", h.person, h.v.millis())
	for i := range views {
		h.describe(&views[i])
	}
	return views, err
}

func (h *Holder) describe(g *GrantView) {
	it, _ := h.find(func(it item) bool { return it.id == g.ItemID })
	switch r := it.record; {
	case r.Paper != nil:
		g.ItemKind, g.PaperKind, g.Title = "paper", r.Paper.Kind, r.Paper.Title
	case r.Appointment != nil:
		g.ItemKind = "appointment"
	case r.Profile != nil:
		g.ItemKind = "profile"
	}
}

// Share lets a relay read a paper for a term. Sharing again replaces the term.
// It returns [ErrNotFound] for a paper or relay that is not there and
// [ErrRepeated] for a form sent twice.
func (h *Holder) Share(ctx context.Context, paperID, relayID string, t Term, once string) (GrantView, error) {
	it, err := h.paper(paperID)
	if err != nil {
		return GrantView{}, err
	}
	relay, err := h.v.Relay(ctx, relayID)
	if err != nil {
		return GrantView{}, err
	}
	ends, err := t.ends(h.v.Now(), relay.location())
	if err != nil {
		return GrantView{}, err
	}
	g := newGrant(it, relayID, ends)
	err = h.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := h.v.once(ctx, tx, "share", once); err != nil {
			return err
		}
		if err := h.v.grant(ctx, tx, g); err != nil {
			return err
		}
		return h.v.journal(ctx, tx, h.person, Entry{Verb: VerbShared, PaperKind: it.record.Paper.Kind, Title: it.record.Paper.Title})
	})
	view := GrantView{ID: g.id, RelayID: relayID, ItemID: it.id, Ends: timeOf(ends)}
	h.describe(&view)
	return view, err
}

// Stop ends grants at once: their rows go, with their marks and every link made
// from them. A grant that is gone already, or of somebody else, is passed over.
func (h *Holder) Stop(ctx context.Context, grantIDs ...string) error {
	views, err := h.Grants(ctx)
	if err != nil {
		return err
	}
	byID := map[string]GrantView{}
	for _, g := range views {
		byID[g.ID] = g
	}
	return h.v.DB.Write(ctx, func(tx database.Handle) error {
		for _, id := range grantIDs {
			n, err := tx.Exec(ctx, "DELETE FROM access WHERE id = ? AND person_id = ?", id, h.person)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			if err := h.stopped(ctx, tx, byID[id], id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *Holder) stopped(ctx context.Context, tx database.Handle, g GrantView, id string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM link WHERE access_id = ?", id); err != nil {
		return err
	}
	if err := h.v.journal(ctx, tx, h.person, Entry{Verb: VerbStopped, PaperKind: g.PaperKind, Title: g.Title}); err != nil {
		return err
	}
	return h.v.Revoked("access", id)
}
