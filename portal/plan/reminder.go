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
	room        = time.Hour
	nine        = 9
)

// Reminders gives the reminders of an appointment that begins at start, the first
// one first. Days, hours and quiet are those of start's own zone.
//
// The evening's is due at 18:00 of the day before. Where that is quiet, or quiet
// within an hour, so that a daemon or a carrier that is down would let it pass, it is
// due as late before that as leaves it the hour; but not before nine in the morning if
// any of the evening is not quiet: then it is due when that begins. From midnight on it
// is of no use, since it says "tomorrow". The other one is due two hours before and
// left out where that is quiet. Each expires when the next quiet begins, if that is
// sooner. Neither is planned for what is not later than now.
func Reminders(start time.Time, q Quiet, now time.Time) []Reminder {
	year, month, day := start.Date()
	midnight := time.Date(year, month, day, 0, 0, 0, 0, start.Location())
	evening := q.evening(time.Date(year, month, day-1, 0, 0, 0, 0, start.Location()), midnight)
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

// evening is when the evening's reminder is due on the day from morning to midnight;
// midnight where all of it is quiet.
func (q Quiet) evening(morning, midnight time.Time) time.Time {
	year, month, day := morning.Date()
	at := func(hour int) time.Time { return time.Date(year, month, day, hour, 0, 0, 0, morning.Location()) }
	if due, ok := q.lastWithRoom(at(nine), at(eveningHour), midnight); ok {
		return due
	}
	if due := q.until(at(eveningHour), midnight); due.Before(midnight) {
		return due
	}
	if due, ok := q.lastWithRoom(morning, at(nine), midnight); ok {
		return due
	}
	return midnight
}

// lastWithRoom is the last minute from first to last that has room before the next
// quiet and the end.
func (q Quiet) lastWithRoom(first, last, end time.Time) (time.Time, bool) {
	for t := last; !t.Before(first); t = t.Add(-time.Minute) {
		if !q.Covers(t) && q.after(t, end).Sub(t) >= room {
			return t, true
		}
	}
	return end, false
}
