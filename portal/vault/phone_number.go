package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// SetPhone writes down a person's new number, or that they have none: phone is
// then empty. shared says that others read what comes to it. Reminders that wait
// go to the new number, and none goes to the old one; links that wait for the
// old one are taken back, because who reads there now is not known. That the
// person says so at the desk confirms the number. It returns *[Invalid] for what
// is no number, [ErrNotFound] for a person the relay does not know, and
// [ErrRepeated].
func (m *Member) SetPhone(ctx context.Context, personID, phone string, shared bool, once string) error {
	return m.changePhone(ctx, personID, once, VerbPhone, func(p *Profile) error {
		p.Phone, p.Shared = strings.TrimSpace(phone), shared && strings.TrimSpace(phone) != ""
		return p.check(DateOf(m.v.Now()))
	})
}

// ConfirmPhone notes that the person says that the number is theirs still: what
// was found wrong with it before is forgotten. It returns [ErrNoPhone],
// [ErrNotFound] and [ErrRepeated].
func (m *Member) ConfirmPhone(ctx context.Context, personID, once string) error {
	return m.changePhone(ctx, personID, once, VerbConfirmed, hasPhone)
}

// ResumePhone notes, besides, that the person wants messages there again after
// somebody said that they want none. It returns what [Member.ConfirmPhone] does.
func (m *Member) ResumePhone(ctx context.Context, personID, once string) error {
	return m.changePhone(ctx, personID, once, VerbResumed, hasPhone)
}

func hasPhone(p *Profile) error {
	if p.Phone == "" {
		return ErrNoPhone
	}
	return nil
}

func (m *Member) changePhone(ctx context.Context, personID, once, verb string, change func(*Profile) error) error {
	profile, err := m.profileItem(ctx, personID)
	if err != nil {
		return err
	}
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := m.v.once(ctx, tx, "phone", once); err != nil {
			return err
		}
		g, err := m.lockItem(ctx, tx, profile)
		if err != nil {
			return err
		}
		p := g.item.record.Profile
		before := *p
		if err := change(p); err != nil {
			return err
		}
		p.PhoneSince = m.v.Now()
		if err := updateRecord(ctx, tx, g.item); err != nil {
			return err
		}
		if p.Phone != before.Phone || p.Shared != before.Shared {
			if err := m.redirect(ctx, tx, before, Person{personID, *p}); err != nil {
				return err
			}
		}
		if p.Phone != "" {
			tell := m.v.SMS.Confirm
			if verb == VerbResumed {
				tell = m.v.SMS.Resume
			}
			if err := tell(ctx, tx, p.Phone); err != nil {
				return err
			}
		}
		return m.v.journal(ctx, tx, personID, Entry{Actor: m.relay.ID, Verb: verb})
	})
}

// redirect lets everything that waits for a person follow to their other phone, or
// takes it back. Their profile is locked: no appointment is planned meanwhile.
func (m *Member) redirect(ctx context.Context, tx database.Handle, before Profile, p Person) error {
	appointments, err := m.comingItems(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, id := range appointments {
		a, err := m.lock(ctx, tx, id)
		if errors.Is(err, ErrNotFound) {
			continue // cancelled meanwhile
		}
		if err == nil {
			err = m.follow(ctx, tx, a.item, before, p)
		}
		if err != nil {
			return err
		}
	}
	return m.takeBackLinks(ctx, tx, p.ID)
}

// errPhoneChanged says that a person's phone became another one while something was
// prepared for the one before.
var errPhoneChanged = fmt.Errorf("phone changed meanwhile: %w", ErrBusy)

// whilePhoneStays does what is prepared for a person's phone once more where that
// changed meanwhile, and gives up at the third time.
func whilePhoneStays(do func() (Appointment, error)) (a Appointment, err error) {
	for range 3 {
		if a, err = do(); !errors.Is(err, errPhoneChanged) {
			break
		}
	}
	return a, err
}

// lockPhone keeps a person's phone as it is until the transaction ends. It returns
// [errPhoneChanged] where it is no longer as p has it.
func (m *Member) lockPhone(ctx context.Context, tx database.Handle, p Person) error {
	id, err := m.profileItem(ctx, p.ID)
	if err != nil {
		return err
	}
	g, err := m.lockItem(ctx, tx, id)
	if err != nil {
		return err
	}
	if now := g.item.record.Profile; now.Phone != p.Phone || now.Shared != p.Shared {
		return errPhoneChanged
	}
	return nil
}

// profileItem gives the id of a person's profile, or [ErrNotFound].
func (m *Member) profileItem(ctx context.Context, personID string) (string, error) {
	items, err := m.granted(ctx, "a.person_id = ?", personID)
	if err != nil {
		return "", err
	}
	for _, g := range items {
		if g.item.record.Profile != nil {
			return g.item.id, nil
		}
	}
	return "", ErrNotFound
}

// comingItems gives the ids of the appointments that the relay planned for a person
// and that are still to come.
func (m *Member) comingItems(ctx context.Context, personID string) (ids []string, err error) {
	items, err := m.granted(ctx, "a.person_id = ?", personID)
	for _, g := range items {
		if m.plannedHere(g.item) && g.item.record.Appointment.Start.After(m.v.Now()) {
			ids = append(ids, g.item.id)
		}
	}
	return ids, err
}

// follow lets the reminders of an appointment follow its person to another phone,
// and ends the links in what went to the old one. Reminders are planned anew for a
// phone that others read, or no longer, since it is told something else; and where
// one that has yet to arrive holds a link that went to the old phone already.
func (m *Member) follow(ctx context.Context, tx database.Handle, it item, before Profile, p Person) error {
	r := it.record.Appointment
	if before.Phone == "" || p.Phone == "" || before.Shared != p.Shared {
		return m.replan(ctx, tx, it, p, m.v.Now())
	}
	ids := messagesOf(r.Reminders)
	states, err := queue.States(ctx, tx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		switch s := states[id]; s.State {
		case queue.Accepted, queue.Sent, queue.Delivered:
			r.Reminders[i].Old = true
		case queue.Planned, queue.Held, queue.Claimed, queue.Unknown:
			stale, err := linkLeft(ctx, tx, it.id, id, s)
			if err != nil {
				return err
			}
			if stale { // those before it have had their end
				return m.replan(ctx, tx, it, p, r.Reminders[i].Due.Add(-time.Nanosecond))
			}
		}
		if states[id].Attempts == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, "DELETE FROM link WHERE item_id = ? AND message_id = ?", it.id, id); err != nil {
			return err
		}
	}
	if err := m.v.SMS.Redirect(ctx, tx, ids, p.Phone); err != nil {
		return err
	}
	return updateRecord(ctx, tx, it)
}

// linkLeft tells whether a message has a link in it that left with an attempt.
func linkLeft(ctx context.Context, tx database.Handle, itemID, messageID string, s queue.Status) (bool, error) {
	if s.Attempts == 0 {
		return false, nil
	}
	var n int
	err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM link WHERE item_id = ? AND message_id = ?", itemID, messageID).Scan(&n)
	return n > 0, err
}

// takeBackLinks ends the links to papers that nobody has opened, and takes back
// the messages with them that have not left: who reads at the old number now is
// not known.
func (m *Member) takeBackLinks(ctx context.Context, tx database.Handle, personID string) error {
	ids, err := collect(ctx, tx, func(scan func(...any) error) (id string, err error) {
		err = scan(&id)
		return id, err
	}, "SELECT message_id FROM link WHERE person_id = ? AND purpose = 'paper' AND opened = 0", personID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := m.v.SMS.Cancel(ctx, tx, id); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "DELETE FROM link WHERE person_id = ? AND purpose = 'paper' AND opened = 0", personID)
	return err
}

// SickPhones tells, for the people whose reminders these are, what was found
// wrong with the number that they have now. Who reads "not me" there outweighs a
// number that is dead, and that one that wants no messages. What went to a number that the person had before counts
// no more.
func (m *Member) SickPhones(ctx context.Context, rows []MessageRow) (map[string]queue.Health, error) {
	var ids []string
	of := map[string]string{}
	for _, row := range rows {
		if row.Status.Claimed.After(row.PhoneSince) {
			ids = append(ids, row.MessageID)
			of[row.MessageID] = row.Person.ID
		}
	}
	found, err := queue.Sick(ctx, m.v.DB.Read(), ids)
	if err != nil {
		return nil, err
	}
	out := map[string]queue.Health{}
	for id, why := range found {
		out[of[id]] = worse(out[of[id]], why)
	}
	return out, nil
}
