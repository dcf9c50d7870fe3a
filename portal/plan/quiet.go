package plan

import "time"

// Quiet is the part of each day in which no reminder leaves, in minutes after
// midnight by the clock on the wall: from From on, until just before Until, over
// midnight where From is the later one. Where both are equal no hour is quiet.
type Quiet struct{ From, Until int }

// DefaultQuiet is from 21:00 to 8:30.
var DefaultQuiet = Quiet{From: 21 * 60, Until: 8*60 + 30}

const (
	dayMinutes = 24 * 60
	// leastAwake is how much of each day cannot be quiet: in less, reminders for
	// the next day would have to leave before anybody can plan them.
	leastAwake = 2 * 60
)

// Valid tells whether both are minutes of a day and at least two hours of it are
// left in which something may leave.
func (q Quiet) Valid() bool {
	for _, m := range []int{q.From, q.Until} {
		if m < 0 || m >= dayMinutes {
			return false
		}
	}
	return q.minutes() <= dayMinutes-leastAwake
}

// minutes is how long the quiet lasts.
func (q Quiet) minutes() int { return (q.Until - q.From + dayMinutes) % dayMinutes }

// Covers tells whether it is quiet at t, by the clock of t's own zone.
func (q Quiet) Covers(t time.Time) bool {
	return (clock(t)-q.From+dayMinutes)%dayMinutes < q.minutes()
}

// clock is what the clock on the wall shows, in minutes after midnight.
func clock(t time.Time) int {
	hour, minute, _ := t.Clock()
	return hour*60 + minute
}

// after gives end, or the first minute between t and end at which it is quiet.
func (q Quiet) after(t, end time.Time) time.Time {
	if q.minutes() == 0 {
		return end
	}
	wait := (q.From-clock(t)+dayMinutes-1)%dayMinutes + 1
	if at := t.Truncate(time.Minute).Add(time.Duration(wait) * time.Minute); !q.Covers(t) && clock(at) == q.From {
		if at.Before(end) {
			return at
		}
		return end
	}
	// The clocks change in between: minute by minute.
	for next := t.Truncate(time.Minute).Add(time.Minute); next.Before(end); next = next.Add(time.Minute) {
		if q.Covers(next) {
			return next
		}
	}
	return end
}

// until gives t, or the first full minute after it that is not quiet, or end.
func (q Quiet) until(t, end time.Time) time.Time {
	for t.Before(end) && q.Covers(t) {
		t = t.Add(time.Minute)
	}
	return t
}
