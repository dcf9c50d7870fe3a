package vault

import (
	"context"
	"strings"
	"time"

	"consigne/locales"
	"consigne/portal/plan"
	"consigne/smsd/queue"
)

// A Wording is a reminder as its person reads it. In place of a link's letters
// stand dots: nobody but the phone knows them.
type Wording struct {
	Text     string
	Encoding locales.Encoding
	Segments int
}

// A Preview is a reminder that would be planned, or the reason why one would not.
type Preview struct {
	Reminder
	Wording
	Why NoReminder
}

// NoReminder says why a reminder is not planned; it is empty for one that is.
type NoReminder string

// Why a reminder is not planned.
const (
	NoPhone NoReminder = "phone" // the person has none
	TooLate NoReminder = "late"  // its time is past already
	InQuiet NoReminder = "quiet" // it would leave in the relay's quiet hours
)

// Preview tells what would leave, and when, for an appointment that is not kept
// yet. It returns *[Invalid], [ErrPast] and [ErrNotFound] as [Member.Plan] does.
func (m *Member) Preview(ctx context.Context, personID string, n NewAppointment) ([]Preview, error) {
	person, err := m.Person(ctx, personID)
	if err != nil {
		return nil, err
	}
	start, err := n.start(m.v.Now(), m.relay.location())
	if err != nil {
		return nil, err
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	quiet, err := m.Quiet(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := m.Messages(ctx)
	if err != nil {
		return nil, err
	}
	say, err := m.sayer(ctx, rows)
	if err != nil {
		return nil, err
	}
	loud := byKind(plan.Reminders(start, plan.Quiet{}, m.v.Now())) // as if no hour were quiet
	planned := byKind(plan.Reminders(start, quiet, m.v.Now()))
	var out []Preview
	for _, kind := range []plan.Kind{plan.Evening, plan.Hours} {
		p := Preview{Reminder: Reminder{Kind: string(kind), Due: planned[kind]}}
		switch {
		case person.Phone == "":
			p.Why = NoPhone
		case !planned[kind].IsZero():
			p.Wording = say(person, Appointment{Start: start, Place: n.Place}, p.Reminder)
		case !loud[kind].IsZero():
			p.Why = InQuiet
		default:
			p.Why = TooLate
		}
		out = append(out, p)
	}
	return out, nil
}

func byKind(reminders []plan.Reminder) map[plan.Kind]time.Time {
	out := map[plan.Kind]time.Time{}
	for _, r := range reminders {
		out[r.Kind] = r.Due
	}
	return out
}

// Wordings tells what reminders say, by the ids of their messages: rendered anew,
// since the queue gives back no text, by what is known of the phones now.
func (m *Member) Wordings(ctx context.Context, rows []MessageRow) (map[string]Wording, error) {
	say, err := m.sayer(ctx, rows)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Wording, len(rows))
	for _, row := range rows {
		out[row.MessageID] = say(row.Person, row.Appointment, row.Reminder)
	}
	return out, nil
}

// sayer gives what words reminders. rows are those by which phones are known to be
// unwell.
func (m *Member) sayer(ctx context.Context, rows []MessageRow) (func(Person, Appointment, Reminder) Wording, error) {
	can, err := queue.SenderCapability(ctx, m.v.DB.Read())
	if err != nil {
		return nil, err
	}
	sick, err := m.SickPhones(ctx, rows)
	if err != nil {
		return nil, err
	}
	return func(p Person, a Appointment, r Reminder) Wording {
		letters := strings.Repeat("x", linkLetters)
		n := plan.Note{Language: p.Language, Kind: plan.Kind(r.Kind), Start: a.Start, Due: r.Due, Place: a.Place,
			Shared: p.Shared || sick[p.ID] != "", Replies: can == queue.TwoWay}
		if !n.Shared && !n.Replies {
			n.URL = m.v.linkAddress(letters)
		}
		var w Wording
		w.Text, _ = plan.Text(n)
		w.Encoding, _, w.Segments = locales.Segments(w.Text)
		w.Text = strings.ReplaceAll(w.Text, "/l/"+letters, "/l/"+strings.Repeat("•", linkLetters))
		return w
	}, nil
}
