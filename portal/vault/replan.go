package vault

import (
	"context"
	"errors"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// Move gives an appointment of the relay another day, hour or place. The
// reminders of the old hour are taken back and new ones planned in the same
// transaction. What has left already stays in the record, marked as old: the
// person may have read the old hour. It returns what [Member.Plan] returns, and
// [ErrNotFound] for an appointment that the relay did not plan.
func (m *Member) Move(ctx context.Context, itemID string, n NewAppointment) (Appointment, error) {
	return whilePhoneStays(func() (Appointment, error) { return m.moveOnce(ctx, itemID, n) })
}

func (m *Member) moveOnce(ctx context.Context, itemID string, n NewAppointment) (Appointment, error) {
	start, err := n.start(m.v.Now(), m.relay.location())
	if err != nil {
		return Appointment{}, err
	}
	if err := n.check(); err != nil {
		return Appointment{}, err
	}
	person, err := m.whose(ctx, itemID)
	if err != nil {
		return Appointment{}, err
	}
	voice, err := m.speak(ctx, person, n.Place)
	if err != nil {
		return Appointment{}, err
	}
	var moved Appointment
	err = m.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := m.v.once(ctx, tx, "move", n.Once); err != nil {
			return err
		}
		if err := m.lockPhone(ctx, tx, person); err != nil {
			return err
		}
		g, err := m.lock(ctx, tx, itemID)
		if err != nil {
			return err
		}
		r := g.item.record.Appointment
		before := messagesOf(r.Reminders)
		if !r.Start.Equal(start) {
			r.Answer = nil // nobody has answered that hour
		}
		r.Start, r.Zone, r.Place, r.Picture, r.Voice, r.Bring = start, m.relay.Zone, n.Place, n.Picture, voice, n.Bring
		if err := m.replan(ctx, tx, g.item, person, m.v.Now()); err != nil {
			return err
		}
		if err := m.remark(ctx, tx, g); err != nil {
			return err
		}
		moved = g.item.appointment()
		if err := m.v.journal(ctx, tx, g.item.person, Entry{Actor: m.relay.ID, Verb: VerbMoved}); err != nil {
			return err
		}
		return m.v.revoked("message", before...)
	})
	return moved, err
}

// CancelAppointment takes back an appointment that the relay planned, with its
// reminders. told says that one of them has left, or may have: somebody should
// call the person. It returns [ErrNotFound], also for another person's, [ErrPast]
// for one whose hour has come, and [ErrRepeated].
func (m *Member) CancelAppointment(ctx context.Context, personID, itemID, once string) (told bool, err error) {
	err = m.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := m.v.once(ctx, tx, "cancel", once); err != nil {
			return err
		}
		g, err := m.lock(ctx, tx, itemID)
		if err != nil {
			return err
		}
		if g.item.person != personID {
			return ErrNotFound
		}
		if !g.item.record.Appointment.Start.After(m.v.Now()) {
			return ErrPast
		}
		left, err := m.takeBack(ctx, tx, g.item)
		if err != nil {
			return err
		}
		told = len(left) > 0
		if _, err := tx.Exec(ctx, "DELETE FROM item WHERE id = ?", itemID); err != nil {
			return err
		}
		if err := m.v.journal(ctx, tx, g.item.person, Entry{Actor: m.relay.ID, Verb: VerbCancelled}); err != nil {
			return err
		}
		if err := m.v.revoked("message", messagesOf(g.item.record.Appointment.Reminders)...); err != nil {
			return err
		}
		return errors.Join(m.v.revoked("item", itemID), m.v.revoked("access", g.id))
	})
	return told, err
}

// revoked notes the deaths of several of a kind. It comes last in a transaction:
// what is noted is not taken back with it.
func (v *Vault) revoked(kind string, ids ...string) error {
	for _, id := range ids {
		if err := v.Revoked(kind, id); err != nil {
			return err
		}
	}
	return nil
}

// whose gives the person of an appointment that the relay planned, or
// [ErrNotFound].
func (m *Member) whose(ctx context.Context, itemID string) (Person, error) {
	items, err := m.granted(ctx, "a.item_id = ?", itemID)
	if err != nil {
		return Person{}, err
	}
	if len(items) == 0 || !m.plannedHere(items[0].item) {
		return Person{}, ErrNotFound
	}
	return m.Person(ctx, items[0].item.person)
}

func (m *Member) plannedHere(it item) bool {
	return it.record.Appointment != nil && it.record.Appointment.Relay == m.relay.ID
}

// lock reads an appointment of the relay for changing it: nobody else changes it
// before the transaction ends. It returns [ErrNotFound].
func (m *Member) lock(ctx context.Context, tx database.Handle, itemID string) (granted, error) {
	g, err := m.lockItem(ctx, tx, itemID)
	if err == nil && !m.plannedHere(g.item) {
		err = ErrNotFound
	}
	return g, err
}

// lockItem is lock for an item of any kind that the relay holds a key for.
func (m *Member) lockItem(ctx context.Context, tx database.Handle, itemID string) (granted, error) {
	if !m.admitted {
		return granted{}, ErrForbidden
	}
	var g granted
	var wrapped, sealed []byte
	g.item.id = itemID
	err := tx.QueryRow(ctx, `SELECT a.id, a.person_id, a.item_key, i.record FROM access a JOIN item i ON i.id = a.item_id
		WHERE a.relay_id = ? AND a.item_id = ? AND a.adopted = 1 AND (a.ends = 0 OR a.ends > ?)`+forUpdate(tx),
		m.relay.ID, itemID, m.v.millis()).Scan(&g.id, &g.item.person, &wrapped, &sealed)
	if err != nil {
		return granted{}, err
	}
	_, g.item, err = m.openGrant(m.key.OpenKey, g.id, g.item, wrapped, sealed)
	return g, err
}

// replan takes back an appointment's reminders, plans new ones for its hour and
// for the phone as it is now, from those on that are due after since, and writes the
// record.
func (m *Member) replan(ctx context.Context, tx database.Handle, it item, p Person, since time.Time) error {
	r := it.record.Appointment
	left, err := m.takeBack(ctx, tx, it)
	if err != nil {
		return err
	}
	notices, err := m.reminders(ctx, &it, p, since)
	if err != nil {
		return err
	}
	r.Reminders = append(left, r.Reminders...)
	if err := updateRecord(ctx, tx, it); err != nil {
		return err
	}
	return m.remind(ctx, tx, it, p, notices)
}

// takeBack cancels an appointment's reminders with the links in them, and gives
// those that the person may have had, or may get still, marked as old.
func (m *Member) takeBack(ctx context.Context, tx database.Handle, it item) ([]Reminder, error) {
	left, err := gone(ctx, tx, it.record.Appointment.Reminders)
	if err != nil {
		return nil, err
	}
	return left, m.forget(ctx, tx, it)
}

// gone gives those reminders that the person may have had, or may get still,
// marked as old.
func gone(ctx context.Context, tx database.Handle, reminders []Reminder) (left []Reminder, err error) {
	states, err := queue.States(ctx, tx, messagesOf(reminders))
	if err != nil {
		return nil, err
	}
	for _, r := range reminders {
		switch states[r.MessageID].State {
		case queue.Claimed, queue.Unknown, queue.Held, queue.Accepted, queue.Sent, queue.Delivered:
			r.Old = true
			left = append(left, r)
		}
	}
	return left, nil
}

func messagesOf(reminders []Reminder) []string {
	ids := make([]string, len(reminders))
	for i, r := range reminders {
		ids[i] = r.MessageID
	}
	return ids
}

// remark lets the grant of a moved appointment end a week after its new hour,
// and be found by its new day.
func (m *Member) remark(ctx context.Context, tx database.Handle, g granted) error {
	ends := g.item.record.Appointment.Start.Add(appointmentBy).UnixMilli()
	if _, err := tx.Exec(ctx, "UPDATE access SET ends = ? WHERE id = ?", ends, g.id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM access_mark WHERE access_id = ?", g.id); err != nil {
		return err
	}
	return m.mark(ctx, tx, g.id, g.item)
}
