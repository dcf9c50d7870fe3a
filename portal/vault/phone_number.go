package vault

import (
	"context"
	"strings"

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
	profile, appointments, err := m.phoneItems(ctx, personID)
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
			for _, id := range appointments {
				a, err := m.lock(ctx, tx, id)
				if err == nil {
					err = m.follow(ctx, tx, a.item, before, Person{personID, *p})
				}
				if err != nil {
					return err
				}
			}
			if err := m.takeBackLinks(ctx, tx, personID); err != nil {
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

// phoneItems gives the ids of a person's profile and of the appointments that
// the relay planned for them and that are still to come.
func (m *Member) phoneItems(ctx context.Context, personID string) (profile string, appointments []string, err error) {
	items, err := m.granted(ctx, "a.person_id = ?", personID)
	if err != nil {
		return "", nil, err
	}
	for _, g := range items {
		switch r := g.item.record; {
		case r.Profile != nil:
			profile = g.item.id
		case m.plannedHere(g.item) && r.Appointment.Start.After(m.v.Now()):
			appointments = append(appointments, g.item.id)
		}
	}
	if profile == "" {
		return "", nil, ErrNotFound
	}
	return profile, appointments, nil
}

// follow lets the reminders of an appointment follow its person to another phone,
// and ends the links in what went to the old one. A phone that others read, or no
// longer, is told something else: then the reminders are planned anew.
func (m *Member) follow(ctx context.Context, tx database.Handle, it item, before Profile, p Person) error {
	r := it.record.Appointment
	if before.Phone == "" || p.Phone == "" || before.Shared != p.Shared {
		return m.replan(ctx, tx, it, p)
	}
	ids := messagesOf(r.Reminders)
	states, err := queue.States(ctx, tx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		switch states[id].State {
		case queue.Accepted, queue.Sent, queue.Delivered:
			r.Reminders[i].Old = true
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
