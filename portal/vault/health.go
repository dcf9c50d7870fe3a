package vault

import (
	"context"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// sickFor is how far back messages are asked what became of their number. The
// queue knows it for as long as something is wrong with the number.
const sickFor = 365 * 24 * time.Hour

// Phone is the number that messages go to, in E.164, or "".
func (h *Holder) Phone() string {
	it, ok := h.profile()
	if !ok {
		return ""
	}
	return it.record.Profile.Phone
}

func (h *Holder) profile() (item, bool) {
	return h.find(func(it item) bool { return it.record.Profile != nil })
}

// PhoneHealth says what is wrong with the holder's number, as their last messages
// found it; "" where nothing is, or nobody knows.
func (h *Holder) PhoneHealth(ctx context.Context) (queue.Health, error) {
	it, ok := h.profile()
	if !ok || it.record.Profile.Phone == "" {
		return "", nil
	}
	since := it.record.Profile.PhoneSince
	// A link to a paper was sent when it was made, a day before it ends.
	ids, err := collect(ctx, h.v.DB.Read(), func(scan func(...any) error) (id string, err error) {
		err = scan(&id)
		return id, err
	}, "SELECT message_id FROM link WHERE person_id = ? AND purpose = ? AND ends > ?", h.person, ToPaper,
		later(since, h.v.Now().Add(-sickFor)).Add(linkLife).UnixMilli())
	if err != nil {
		return "", err
	}
	return h.v.phoneHealth(ctx, append(ids, h.v.reminded(h.items, since)...))
}

// PhoneHealth says what is wrong with the number of a person, as the reminders of
// the relay's own appointments found it. It returns [ErrNotFound] for a person the
// relay does not know.
func (m *Member) PhoneHealth(ctx context.Context, personID string) (queue.Health, error) {
	p, err := m.Person(ctx, personID)
	if err != nil {
		return "", err
	}
	return m.phoneHealth(ctx, p)
}

func (m *Member) phoneHealth(ctx context.Context, p Person) (queue.Health, error) {
	found, err := m.granted(ctx, "a.person_id = ?", p.ID)
	if err != nil || p.Phone == "" {
		return "", err
	}
	var items []item
	for _, g := range found {
		items = append(items, g.item)
	}
	return m.v.phoneHealth(ctx, m.v.reminded(items, p.PhoneSince))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// reminded lists the messages that items of a person sent to their number lately.
func (v *Vault) reminded(items []item, since time.Time) (ids []string) {
	from := later(since, v.Now().Add(-sickFor))
	for _, it := range items {
		if it.record.Appointment == nil {
			continue
		}
		for _, r := range it.record.Appointment.Reminders {
			if r.Due.After(from) && !r.Due.After(v.Now()) {
				ids = append(ids, r.MessageID)
			}
		}
	}
	return ids
}

// phoneHealth takes the worst of what these messages know of their number.
func (v *Vault) phoneHealth(ctx context.Context, ids []string) (queue.Health, error) {
	sick, err := queue.Sick(ctx, v.DB.Read(), ids)
	var worst queue.Health
	for _, why := range sick {
		worst = worse(worst, why)
	}
	return worst, err
}

// gravity orders what may be wrong with a number.
var gravity = map[queue.Health]int{queue.Stopped: 1, queue.Dead: 2, queue.NotMe: 3}

func worse(a, b queue.Health) queue.Health {
	if gravity[b] > gravity[a] {
		return b
	}
	return a
}

// ConfirmPhone notes that the holder says that the number is still theirs: what was
// found wrong with it is forgotten. It returns [ErrNoPhone].
func (h *Holder) ConfirmPhone(ctx context.Context) error {
	return h.vouch(ctx, VerbConfirmed, h.v.SMS.Confirm)
}

// ResumePhone notes, besides, that the holder wants messages there again. It
// returns [ErrNoPhone].
func (h *Holder) ResumePhone(ctx context.Context) error {
	return h.vouch(ctx, VerbResumed, h.v.SMS.Resume)
}

func (h *Holder) vouch(ctx context.Context, verb string, tell func(context.Context, database.Handle, string) error) error {
	it, ok := h.profile()
	if !ok || it.record.Profile.Phone == "" {
		return ErrNoPhone
	}
	return h.v.DB.Write(ctx, func(tx database.Handle) error {
		now, err := lockItem(ctx, tx, it)
		if err != nil {
			return err
		}
		if now.record.Profile.Phone != it.record.Profile.Phone {
			return ErrNoPhone // a desk was quicker with another one
		}
		now.record.Profile.PhoneSince = h.v.Now()
		if err := updateRecord(ctx, tx, now); err != nil {
			return err
		}
		if err := tell(ctx, tx, now.record.Profile.Phone); err != nil {
			return err
		}
		return h.v.journal(ctx, tx, h.person, Entry{Verb: verb})
	})
}
