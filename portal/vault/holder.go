package vault

import (
	"cmp"
	"context"
	"slices"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/seal"
)

// A Holder is a person whose vault is open at a device, for one request.
type Holder struct {
	v        *Vault
	device   Device
	session  session
	body     holderBody
	person   string
	identity *seal.Identity
	key      seal.Key // the person's vault key
	items    []item
}

type holderBody struct {
	Seed []byte
	Hint Hint
}

// Holder opens the vault of a session. It returns [ErrSession] once that ended.
func (v *Vault) Holder(ctx context.Context, dev Device, cookie string) (*Holder, error) {
	h := &Holder{v: v, device: dev}
	s, err := v.openSession(ctx, "holder", dev.ID, cookie, &h.body)
	if err != nil {
		return nil, err
	}
	seed, err := seal.KeyFrom(h.body.Seed)
	if err != nil {
		return nil, ErrSession
	}
	h.session, h.person = s, s.subject
	h.key, h.identity = seed.Derive("vault"), seed.Identity()
	return h, h.load(ctx)
}

// load opens the whole index: 500 items take about a millisecond. Items that
// were left for an absent person are adopted on the way.
func (h *Holder) load(ctx context.Context) error {
	type row struct {
		id            string
		wrapped, seal []byte
	}
	rows, err := collect(ctx, h.v.DB.Read(), func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.wrapped, &r.seal)
		return r, err
	}, "SELECT id, item_key, record FROM item WHERE person_id = ?", h.person)
	if err != nil {
		return err
	}
	adopt := map[string]seal.Key{}
	for _, r := range rows {
		place := placeItemKey(r.id, h.person)
		key, err := h.key.OpenKey(place, r.wrapped)
		if err != nil {
			if key, err = h.identity.OpenKey(place, r.wrapped); h.v.damaged(err, "item", r.id) {
				continue
			}
			adopt[r.id] = key
		}
		it, err := openRecord(key, r.id, h.person, r.seal)
		if h.v.damaged(err, "item", r.id) {
			continue
		}
		if err != nil {
			return err
		}
		h.items = append(h.items, it)
	}
	return h.adopt(ctx, adopt)
}

// adopt boxes keys that were sealed to the person under their own key.
func (h *Holder) adopt(ctx context.Context, keys map[string]seal.Key) error {
	if len(keys) == 0 {
		return nil
	}
	return h.v.DB.Write(ctx, func(tx database.Handle) error {
		for id, key := range keys {
			boxed := h.key.Box(placeItemKey(id, h.person), key.Bytes())
			if _, err := tx.Exec(ctx, "UPDATE item SET item_key = ? WHERE id = ?", boxed, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Language is the tag of the language the holder hears.
func (h *Holder) Language() string { return h.body.Hint.Language }

// Mark is the picture by which the holder knows the card.
func (h *Holder) Mark() cards.Mark { return h.body.Hint.Mark }

// PersonID names the person without telling who it is.
func (h *Holder) PersonID() string { return h.person }

// HasPhone tells whether a link can be sent: to a phone of one's own.
func (h *Holder) HasPhone() bool { return h.ownPhone() != "" }

func (h *Holder) ownPhone() string {
	it, ok := h.profile()
	if !ok || it.record.Profile.Shared {
		return ""
	}
	return it.record.Profile.Phone
}

func (h *Holder) find(match func(item) bool) (item, bool) {
	i := slices.IndexFunc(h.items, match)
	if i < 0 {
		return item{}, false
	}
	return h.items[i], true
}

// Papers lists the papers, the newest deposit first.
func (h *Holder) Papers() []Paper {
	var found []item
	for _, it := range h.items {
		if it.record.Paper != nil {
			found = append(found, it)
		}
	}
	slices.SortFunc(found, func(a, b item) int {
		if c := b.record.Paper.Deposited.Compare(a.record.Paper.Deposited); c != 0 {
			return c
		}
		return cmp.Compare(a.id, b.id)
	})
	out := make([]Paper, len(found))
	for i, it := range found {
		out[i] = it.paper()
	}
	return out
}

// Paper gives one paper, or [ErrNotFound].
func (h *Holder) Paper(id string) (Paper, error) {
	it, err := h.paper(id)
	if err != nil {
		return Paper{}, err
	}
	return it.paper(), nil
}

func (h *Holder) paper(id string) (item, error) {
	it, ok := h.find(func(it item) bool { return it.id == id && it.record.Paper != nil })
	if !ok {
		return item{}, ErrNotFound
	}
	return it, nil
}

// OpenPage opens a page image of a paper, counted from 1.
func (h *Holder) OpenPage(ctx context.Context, paperID string, page int) (*Content, error) {
	it, err := h.paper(paperID)
	if err != nil {
		return nil, err
	}
	return h.v.openPage(ctx, it, page)
}

// Appointments lists the coming appointments, the soonest first.
func (h *Holder) Appointments() []Appointment {
	var out []Appointment
	for _, it := range h.items {
		if r := it.record.Appointment; r != nil && r.Start.After(h.v.Now()) {
			out = append(out, it.appointment())
		}
	}
	slices.SortFunc(out, func(a, b Appointment) int { return a.Start.Compare(b.Start) })
	return out
}

// PlaceVoice gives the spoken name of an appointment's place, as MP3.
func (h *Holder) PlaceVoice(appointmentID string) ([]byte, error) {
	it, ok := h.find(func(it item) bool { return it.id == appointmentID && it.record.Appointment != nil })
	if !ok {
		return nil, ErrNotFound
	}
	return it.record.Appointment.Voice, nil
}

// Leave ends the session.
func (h *Holder) Leave(ctx context.Context) error {
	return h.v.DB.Write(ctx, func(tx database.Handle) error { return h.v.endSession(ctx, tx, h.session) })
}
