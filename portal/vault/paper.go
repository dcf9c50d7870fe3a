package vault

import (
	"io"
	"time"

	"consigne/smsd/queue"
)

// A Paper is what its holder, or who it was shared with, sees of a deposit.
type Paper struct {
	ID, Kind, Title       string
	ValidFrom, ValidUntil Date // zero: without limit
	Pages                 int
	Deposited             Date
	By                    string // relay id
}

// Validity says how a paper stands on a day.
type Validity int

// How a paper stands.
const (
	Unlimited Validity = iota // it never ends
	Valid
	Soon // it ends within 30 days
	Expired
)

const soonDays = 30

// DaysLeft counts the days until the paper ends: 0 on its last day, negative
// after it. It means nothing for a paper without limit.
func (p Paper) DaysLeft(today Date) int {
	return int(p.ValidUntil.Number() - today.Number())
}

// Validity says how the paper stands today.
func (p Paper) Validity(today Date) Validity {
	switch left := p.DaysLeft(today); {
	case p.ValidUntil.IsZero():
		return Unlimited
	case left < 0:
		return Expired
	case left <= soonDays:
		return Soon
	default:
		return Valid
	}
}

func (it item) paper() Paper {
	r := it.record.Paper
	return Paper{ID: it.id, Kind: r.Kind, Title: r.Title, ValidFrom: r.ValidFrom, ValidUntil: r.ValidUntil,
		Pages: len(r.Pages), Deposited: DateOf(r.Deposited), By: r.By}
}

// An Appointment is a day, an hour and a place, with the papers to bring.
type Appointment struct {
	ID, PersonID   string
	Start          time.Time // in the zone of the relay that planned it
	Place, Picture string
	Bring          []string // kinds of paper
	Relay          string   // relay id
	Messages       []Reminder
	Answer         Answer
}

// An Answer is what the holder said of coming: queue.Yes or queue.No, and By "link",
// "kiosk" or "sms". The zero Answer: nothing yet.
type Answer struct {
	Said queue.Meaning `json:"said"`
	At   time.Time     `json:"at"`
	By   string        `json:"by"`
}

// A Reminder is a message that was planned for an appointment. Kind is
// "evening" (the evening before) or "hours" (two hours before).
// Old is one that left for an hour or a phone that no longer holds.
type Reminder struct {
	MessageID, Kind string
	Due             time.Time
	Old             bool `json:",omitempty"`
}

func (it item) appointment() Appointment {
	r := it.record.Appointment
	loc, err := time.LoadLocation(r.Zone)
	if err != nil {
		loc = time.UTC // a zone that this machine does not know: the instant stays right
	}
	a := Appointment{ID: it.id, PersonID: it.person, Start: r.Start.In(loc), Place: r.Place, Picture: r.Picture,
		Bring: r.Bring, Relay: r.Relay, Messages: r.Reminders}
	if r.Answer != nil {
		a.Answer = *r.Answer
	}
	return a
}

type readCloser struct {
	io.Reader
	io.Closer
}
