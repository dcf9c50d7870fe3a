package vault

import (
	"context"
	"errors"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// Decide carries out what somebody at the desk decided about a reminder that is
// held, and writes into the person's journal that it was done. It returns
// [ErrNotFound] for a message that belongs to no appointment of the relay,
// [queue.ErrNotHeld] when the carrier or a colleague was quicker, and
// [ErrRepeated] for a form sent twice.
func (m *Member) Decide(ctx context.Context, messageID string, d queue.Decision, once string) error {
	person, err := m.personOf(ctx, messageID)
	if err != nil {
		return err
	}
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := m.v.once(ctx, tx, "decide", once); err != nil {
			return err
		}
		if err := queue.Decide(ctx, tx, messageID, d, m.v.Now()); err != nil {
			return err
		}
		return m.v.journal(ctx, tx, person, Entry{Actor: m.relay.ID, Verb: VerbDecided})
	})
}

// ErrLeft is returned for a message that can no longer be taken back.
var ErrLeft = errors.New("message has left, or has come to its end")

// CancelReminder takes back one reminder that waits; its appointment stays. It
// returns [ErrNotFound] as [Member.Decide] does, [ErrLeft] and [ErrRepeated].
func (m *Member) CancelReminder(ctx context.Context, messageID, once string) error {
	person, err := m.personOf(ctx, messageID)
	if err != nil {
		return err
	}
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := m.v.once(ctx, tx, "cancel reminder", once); err != nil {
			return err
		}
		if err := m.v.SMS.Cancel(ctx, tx, messageID); err != nil {
			return err
		}
		now, err := queue.States(ctx, tx, []string{messageID})
		if err != nil {
			return err
		}
		if now[messageID].State != queue.Cancelled {
			return ErrLeft
		}
		if err := m.v.journal(ctx, tx, person, Entry{Actor: m.relay.ID, Verb: VerbDecided}); err != nil {
			return err
		}
		return m.v.revoked("message", messageID)
	})
}

// personOf tells whose reminder a message is, as far as the relay may know: from
// the records of the appointments that it holds a key for.
func (m *Member) personOf(ctx context.Context, messageID string) (person string, err error) {
	rows, err := m.reminded(ctx)
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		if row.MessageID == messageID {
			return row.Person.ID, nil
		}
	}
	return "", ErrNotFound
}

// reminded lists the reminders of the appointments that the relay holds, without
// asking the queue how they stand.
func (m *Member) reminded(ctx context.Context) ([]MessageRow, error) {
	items, err := m.granted(ctx, "1 = 1")
	if err != nil {
		return nil, err
	}
	days, err := m.dayEntries(ctx, items)
	if err != nil {
		return nil, err
	}
	var rows []MessageRow
	for _, d := range days {
		for _, r := range d.Messages {
			rows = append(rows, MessageRow{Person: d.Person, Appointment: d.Appointment, Reminder: r})
		}
	}
	return rows, nil
}
