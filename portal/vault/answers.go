package vault

import (
	"context"
	"errors"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// An AnswerRow is an answer that nobody at the desk has seen to, with whom and
// what it is about. Person and Appointment are nil where several people share
// the phone, or where the relay no longer knows them.
type AnswerRow struct {
	queue.Answer
	Person      *Person
	Appointment *Appointment
}

// Old tells whether it answers an hour that its appointment no longer has.
func (r AnswerRow) Old() bool { return r.Appointment != nil && otherHour(r.Start, r.Appointment.Start) }

// Answers opens what was answered to the relay and not seen to yet, the oldest
// first.
func (m *Member) Answers(ctx context.Context) ([]AnswerRow, error) {
	if !m.admitted {
		return nil, nil
	}
	answers, err := queue.Answers(ctx, m.v.DB.Read(), m.relay.ID, m.identity)
	if err != nil || len(answers) == 0 {
		return nil, err
	}
	people, err := m.People(ctx)
	if err != nil {
		return nil, err
	}
	items, err := m.granted(ctx, "1 = 1")
	if err != nil {
		return nil, err
	}
	rows := make([]AnswerRow, len(answers))
	for i, a := range answers {
		rows[i] = AnswerRow{Answer: a}
		for _, p := range people {
			if a.Person == p.ID {
				rows[i].Person = &p
			}
		}
		for _, g := range items {
			if a.Item == g.item.id && a.Person == g.item.person && m.plannedHere(g.item) {
				appointment := g.item.appointment()
				rows[i].Appointment = &appointment
			}
		}
	}
	return rows, nil
}

// AnswersWaiting counts the answers that nobody has seen to, without opening
// them: a page may ask once a second.
func (m *Member) AnswersWaiting(ctx context.Context) (int, error) {
	if !m.admitted {
		return 0, nil
	}
	return queue.CountAnswers(ctx, m.v.DB.Read(), m.relay.ID)
}

// AnswerSeen notes that somebody at the desk has seen to an answer. A yes or a no
// stays with its appointment, words are forgotten. An answer that is gone, or of
// another relay, is passed over.
func (m *Member) AnswerSeen(ctx context.Context, id string) error {
	if !m.admitted {
		return ErrForbidden
	}
	answers, err := queue.Answers(ctx, m.v.DB.Read(), m.relay.ID, m.identity)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.ID == id {
			return m.v.DB.Write(ctx, func(tx database.Handle) error {
				if err := m.keepAnswer(ctx, tx, a); err != nil {
					return err
				}
				return queue.Done(ctx, tx, m.relay.ID, id)
			})
		}
	}
	return nil
}

// keepAnswer writes a yes or a no into the record of its appointment.
func (m *Member) keepAnswer(ctx context.Context, tx database.Handle, a queue.Answer) error {
	if a.Item == "" {
		return nil
	}
	g, err := m.lock(ctx, tx, a.Item)
	if errors.Is(err, ErrNotFound) { // cancelled meanwhile, or long past
		return nil
	}
	if err != nil || g.item.person != a.Person {
		return err
	}
	return noteAnswer(ctx, tx, g.item, a.Start, Answer{Said: a.Meaning, At: a.At, By: a.By})
}
