package vault

import (
	"context"
	"crypto/rand"

	"consigne/internal/database"
	"consigne/locales"
	"consigne/portal/plan"
	"consigne/smsd/queue"
)

// A notice is a reminder that is ready for the queue.
type notice struct {
	queue.Message
}

// reminders makes the messages of an appointment for its person, and notes them in
// its record in the place of earlier ones; it reads, and writes nothing. Seal the
// record afterwards, and lay the notices into the queue with [Member.remind] in the
// same transaction. Who has no phone gets none.
func (m *Member) reminders(ctx context.Context, it *item, p Person) ([]notice, error) {
	r := it.record.Appointment
	r.Reminders = nil
	if p.Phone == "" {
		return nil, nil
	}
	quiet, err := m.Quiet(ctx)
	if err != nil {
		return nil, err
	}
	start := it.appointment().Start
	var out []notice
	for _, due := range plan.Reminders(start, quiet, m.v.Now()) {
		msg := queue.Message{ID: rand.Text(), Due: due.Due, Expires: due.Expires, Kind: queue.Reminder,
			Text: locales.SMS(p.Language, string(due.Kind), locales.Args{"t": start, "place": r.Place})}
		r.Reminders = append(r.Reminders, Reminder{MessageID: msg.ID, Kind: string(due.Kind), Due: due.Due})
		out = append(out, notice{msg})
	}
	return out, nil
}

// remind lays the notices of an appointment into the queue.
func (m *Member) remind(ctx context.Context, tx database.Handle, it item, p Person, notices []notice) error {
	if len(notices) == 0 {
		return nil
	}
	number, err := m.v.SMS.Number(ctx, tx, p.Phone)
	if err != nil {
		return err
	}
	for _, n := range notices {
		n.NumberID = number
		if _, err := m.v.SMS.Enqueue(ctx, tx, n.Message); err != nil {
			return err
		}
	}
	return nil
}

// forget cancels the messages of an appointment that moves or dies, and ends the
// links in them. What has left already stays as it is.
func (m *Member) forget(ctx context.Context, tx database.Handle, it item) error {
	for _, r := range it.record.Appointment.Reminders {
		if err := m.v.SMS.Cancel(ctx, tx, r.MessageID); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "DELETE FROM link WHERE item_id = ?", it.id)
	return err
}
