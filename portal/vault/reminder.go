package vault

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/locales"
	"consigne/portal/plan"
	"consigne/smsd/queue"
)

// A notice is a reminder that is ready for the queue.
type notice struct {
	queue.Message
	letters string      // of the link in it; empty for none
	facts   queue.Facts // what an answer to it needs
	answers bool        // whether an answer is expected
}

// reminders makes the messages of an appointment for its person, and notes them in
// its record in the place of earlier ones; it reads, and writes nothing. Seal the
// record afterwards, and lay the notices into the queue with [Member.remind] in the
// same transaction. Those due after since are made, unless they expired: what is due
// already leaves at once. Who has no phone gets none. A phone that others read, or
// that messages no longer reach, is told day and hour only.
func (m *Member) reminders(ctx context.Context, it *item, p Person, since time.Time) ([]notice, error) {
	r := it.record.Appointment
	r.Reminders = nil
	if p.Phone == "" {
		return nil, nil
	}
	quiet, err := m.Quiet(ctx)
	if err != nil {
		return nil, err
	}
	health, err := m.phoneHealth(ctx, p)
	if err != nil {
		return nil, err
	}
	can, err := queue.SenderCapability(ctx, m.v.DB.Read())
	if err != nil {
		return nil, err
	}
	var out []notice
	for _, due := range plan.Reminders(it.appointment().Start, quiet, since) {
		if !due.Expires.After(m.v.Now()) {
			continue
		}
		n := m.notice(*it, p, due, p.Shared || health != "", can == queue.TwoWay)
		r.Reminders = append(r.Reminders, Reminder{MessageID: n.ID, Kind: string(due.Kind), Due: due.Due})
		out = append(out, n)
	}
	return out, nil
}

// notice words one reminder.
func (m *Member) notice(it item, p Person, due plan.Reminder, shared, replies bool) notice {
	r, start := it.record.Appointment, it.appointment().Start
	say := plan.Note{Language: p.Language, Kind: due.Kind, Start: start, Due: due.Due, Place: r.Place, Shared: shared, Replies: replies}
	n := notice{Message: queue.Message{ID: rand.Text(), Due: due.Due, Expires: due.Expires, Kind: queue.Reminder}, answers: !shared}
	letters := ""
	if !shared && !replies {
		letters = newLetters()
		say.URL = m.v.linkAddress(letters)
	}
	if n.Text, n.Linked = plan.Text(say); n.Linked {
		n.letters = letters
	}
	if n.answers {
		n.facts = queue.Facts{Start: start, Zone: r.Zone, Language: p.Language, Person: p.ID, Item: it.id, Relay: m.relay.ID, Desk: m.identity.Public()}
		if strings.Contains(n.Text, locales.Fold(p.Language, r.Place)) {
			n.facts.Place = r.Place
		}
	}
	return n
}

// remind lays the notices of an appointment into the queue, with the links in them
// and what answers to them need until its hour.
func (m *Member) remind(ctx context.Context, tx database.Handle, it item, p Person, notices []notice) error {
	if len(notices) == 0 {
		return nil
	}
	number, err := m.v.SMS.Number(ctx, tx, p.Phone)
	if err != nil {
		return err
	}
	start := it.record.Appointment.Start
	for _, n := range notices {
		n.NumberID = number
		if _, err := m.v.SMS.Enqueue(ctx, tx, n.Message); err != nil {
			return err
		}
		if n.answers {
			if err := m.v.SMS.ExpectAnswer(ctx, tx, n.ID, n.facts, start); err != nil {
				return err
			}
		}
		if !n.Linked {
			continue
		}
		l := newLink{n.letters, ToAppointment, n.ID, Hint{Language: p.Language, Mark: p.Mark}, earlier(start, n.Due.Add(answerLife))}
		if err := insertLink(ctx, tx, it, l); err != nil {
			return err
		}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// forget cancels the messages of an appointment that moves or dies, and ends the
// links in them. What has left already stays as it is, and is answered no more.
func (m *Member) forget(ctx context.Context, tx database.Handle, it item) error {
	for _, r := range it.record.Appointment.Reminders {
		if err := m.v.SMS.Cancel(ctx, tx, r.MessageID); err != nil {
			return err
		}
	}
	if err := m.v.SMS.ForgetReply(ctx, tx, messagesOf(it.record.Appointment.Reminders)...); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM link WHERE item_id = ?", it.id)
	return err
}
