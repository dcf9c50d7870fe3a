package vault

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/locales"
	"consigne/smsd/queue"
)

// NewAppointment is what a desk plans: a day and hour in the relay's zone, a
// place with a picture, and the kinds of paper to bring.
type NewAppointment struct {
	Day            Date
	Hour, Minute   int
	Place, Picture string
	Bring          []string
	Once           string
}

// appointmentBy is how long the planner keeps its grant after the appointment.
const appointmentBy = 7 * 24 * time.Hour

func (n *NewAppointment) start(now time.Time, loc *time.Location) (time.Time, error) {
	switch {
	case n.Day.IsZero():
		return time.Time{}, &Invalid{"day", "missing"}
	case n.Hour < 0 || n.Hour > 23 || n.Minute < 0 || n.Minute > 59:
		return time.Time{}, &Invalid{"hour", "unknown"}
	}
	start := time.Date(n.Day.Year, n.Day.Month, n.Day.Day, n.Hour, n.Minute, 0, 0, loc)
	switch {
	case start.Hour() != n.Hour: // the hour that the clocks leave out in spring
		return start, &Invalid{"hour", "gap"}
	case !start.After(now):
		return start, ErrPast
	case start.After(now.AddDate(0, 13, 0)):
		return start, &Invalid{"day", "far"}
	}
	return start, nil
}

func (n *NewAppointment) check() error {
	n.Place = strings.Join(strings.Fields(n.Place), " ")
	switch {
	case n.Place == "":
		return &Invalid{"place", "missing"}
	case len([]rune(n.Place)) > 40:
		return &Invalid{"place", "long"}
	}
	if _, ok := locales.Picture(n.Picture); !ok {
		return &Invalid{"picture", "unknown"}
	}
	for _, kind := range n.Bring {
		if !slices.Contains(locales.PaperKinds, kind) {
			return &Invalid{"bring", "unknown"}
		}
	}
	return nil
}

// Plan makes an appointment for a person of the relay, and lays its reminders
// into the queue in the same transaction (see [plan.Reminders]). It returns [ErrPast], *[Invalid],
// [ErrRepeated], or [ErrNotFound] for a person the relay does not know.
func (m *Member) Plan(ctx context.Context, personID string, n NewAppointment) (Appointment, error) {
	return whilePhoneStays(func() (Appointment, error) { return m.planOnce(ctx, personID, n) })
}

func (m *Member) planOnce(ctx context.Context, personID string, n NewAppointment) (Appointment, error) {
	person, err := m.Person(ctx, personID)
	if err != nil {
		return Appointment{}, err
	}
	start, err := n.start(m.v.Now(), m.relay.location())
	if err != nil {
		return Appointment{}, err
	}
	if err := n.check(); err != nil {
		return Appointment{}, err
	}
	voice, err := m.speak(ctx, person, n.Place)
	if err != nil {
		return Appointment{}, err
	}
	it := newItem(personID, record{Appointment: &appointmentRecord{Start: start, Zone: m.relay.Zone, Place: n.Place, Picture: n.Picture,
		Voice: voice, Bring: n.Bring, Relay: m.relay.ID}})
	notices, err := m.reminders(ctx, &it, person, m.v.Now())
	if err != nil {
		return Appointment{}, err
	}
	err = m.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := m.v.once(ctx, tx, "plan", n.Once); err != nil {
			return err
		}
		if err := m.lockPhone(ctx, tx, person); err != nil {
			return err
		}
		return m.insertAppointment(ctx, tx, it, person, notices)
	})
	return it.appointment(), err
}

// speak lets a place be spoken in a person's language. It returns *[Invalid] for
// what cannot be.
func (m *Member) speak(ctx context.Context, p Person, place string) ([]byte, error) {
	voice, err := m.v.Voice(ctx, p.Language, place)
	if errors.Is(err, locales.ErrNothingToSay) {
		return nil, &Invalid{"place", "unknown"}
	}
	return voice, err
}

// insertAppointment seals the item to its person, keeps a grant for the relay
// until a week after, and queues the messages.
func (m *Member) insertAppointment(ctx context.Context, tx database.Handle, it item, p Person, notices []notice) error {
	public, err := m.v.personKey(ctx, tx, it.person)
	if err != nil {
		return err
	}
	wrapped, err := public.Seal(placeItemKey(it.id, it.person), it.key.Bytes())
	if err != nil {
		return err
	}
	if err := insertItem(ctx, tx, it, wrapped); err != nil {
		return err
	}
	g := newGrant(it, m.relay.ID, it.record.Appointment.Start.Add(appointmentBy).UnixMilli())
	if err := insertGrant(ctx, tx, g, m.key.Box(placeAccess(g.id, m.relay.ID), it.key.Bytes()), 1); err != nil {
		return err
	}
	if err := m.mark(ctx, tx, g.id, it); err != nil {
		return err
	}
	if err := m.remind(ctx, tx, it, p, notices); err != nil {
		return err
	}
	return m.v.journal(ctx, tx, it.person, Entry{Actor: m.relay.ID, Verb: VerbPlanned})
}

// A DayEntry is one of today's appointments at the desk.
type DayEntry struct {
	Person
	Appointment
}

// Today lists today's appointments of the relay, the earliest first. They are
// found by a blind mark of the day.
func (m *Member) Today(ctx context.Context) ([]DayEntry, error) {
	items, err := m.granted(ctx, "a.id IN (SELECT access_id FROM access_mark WHERE mark = ?)",
		m.markOf(dayMark(m.v.Now().In(m.relay.location()))))
	if err != nil {
		return nil, err
	}
	return m.dayEntries(ctx, items)
}

func (m *Member) dayEntries(ctx context.Context, items []granted) ([]DayEntry, error) {
	people, err := m.People(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string]Person{}
	for _, p := range people {
		byID[p.ID] = p
	}
	var out []DayEntry
	for _, g := range items {
		if p, ok := byID[g.item.person]; ok && g.item.record.Appointment != nil {
			out = append(out, DayEntry{p, g.item.appointment()})
		}
	}
	slices.SortFunc(out, func(a, b DayEntry) int { return a.Start.Compare(b.Start) })
	return out, nil
}

// Appointments lists a person's appointments that the relay planned, the latest
// first.
func (m *Member) Appointments(ctx context.Context, personID string) ([]Appointment, error) {
	if _, err := m.Person(ctx, personID); err != nil {
		return nil, err
	}
	items, err := m.granted(ctx, "a.person_id = ?", personID)
	if err != nil {
		return nil, err
	}
	var out []Appointment
	for _, g := range items {
		if g.item.record.Appointment != nil {
			out = append(out, g.item.appointment())
		}
	}
	slices.SortFunc(out, func(a, b Appointment) int { return b.Start.Compare(a.Start) })
	return out, nil
}

// A MessageRow is a reminder as the desk's list shows it.
type MessageRow struct {
	Person
	Appointment
	Reminder
	queue.Status
}

// Messages lists the reminders of all appointments the relay holds, held ones
// first, then by the time they are due.
func (m *Member) Messages(ctx context.Context) ([]MessageRow, error) {
	items, err := m.granted(ctx, "1 = 1")
	if err != nil {
		return nil, err
	}
	days, err := m.dayEntries(ctx, items)
	if err != nil {
		return nil, err
	}
	var rows []MessageRow
	var ids []string
	for _, d := range days {
		for _, r := range d.Messages {
			rows = append(rows, MessageRow{Person: d.Person, Appointment: d.Appointment, Reminder: r})
			ids = append(ids, r.MessageID)
		}
	}
	states, err := m.MessageStates(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].Status = states[rows[i].MessageID]
	}
	slices.SortStableFunc(rows, func(a, b MessageRow) int {
		if held := func(r MessageRow) bool { return r.State == queue.Held }; held(a) != held(b) {
			if held(a) {
				return -1
			}
			return 1
		}
		return b.Reminder.Due.Compare(a.Reminder.Due)
	})
	return rows, nil
}

// MessageStates tells how messages stand in the queue.
func (m *Member) MessageStates(ctx context.Context, ids []string) (map[string]queue.Status, error) {
	return queue.States(ctx, m.v.DB.Read(), ids)
}
