package plan

import "time"

// A Kind says which reminder of an appointment it is.
type Kind string

// The two reminders of an appointment.
const (
	Evening Kind = "evening" // at 18:00 of the day before
	Hours   Kind = "hours"   // two hours before
)

// A Reminder is to leave at Due or soon after, and never at or after Expires: no
// minute in between is quiet, so that one that is late wakes nobody.
type Reminder struct {
	Kind         Kind
	Due, Expires time.Time
}

const (
	eveningHour = 18
	hoursBefore = 2 * time.Hour
)

// Reminders gives the reminders of an appointment that begins at start, the first
// one first. Days, hours and quiet are those of start's own zone.
//
// The evening's is due at 18:00 of the day before, or as late before that as is
// not quiet; from midnight on it is of no use, since it says "tomorrow". The other
// one is due two hours before and left out where that is quiet. Each expires when
// the next quiet begins, if that is sooner. Neither is planned for what is not later
// than now.
func Reminders(start time.Time, q Quiet, now time.Time) []Reminder {
	year, month, day := start.Date()
	midnight := time.Date(year, month, day, 0, 0, 0, 0, start.Location())
	evening := q.before(time.Date(year, month, day-1, eveningHour, 0, 0, 0, start.Location()))
	hours := start.Add(-hoursBefore)
	var out []Reminder
	for _, r := range []Reminder{{Evening, evening, midnight}, {Hours, hours, start}} {
		if r.Due.After(now) && r.Due.Before(r.Expires) && !q.Covers(r.Due) {
			r.Expires = q.after(r.Due, r.Expires)
			out = append(out, r)
		}
	}
	return out
}
