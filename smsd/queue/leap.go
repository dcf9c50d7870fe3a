package queue

import "time"

const (
	leapSize  = 5 * time.Minute  // further ahead at once than any clock is corrected
	leapHolds = 10 * time.Minute // after which the new time is believed
)

// leap notices a wall clock that was set far ahead, by a bad time server or by
// hand: what expires by it can never be sent, also when the clock is put right
// a minute later. The clock that only ever counts on tells it from time that
// passed. The zero leap believes the first time it sees.
type leap struct {
	origin time.Time     // of the steady clock, by the wall clock that is believed
	doubt  time.Time     // the same, by the wall clock that is not; or zero
	since  time.Duration // when doubt began, by the steady clock
}

// doubtful looks at both clocks and tells whether the wall clock is to be
// doubted, and whether that is news.
func (l *leap) doubtful(wall time.Time, steady time.Duration) (doubtful, news bool) {
	origin := wall.Round(0).Add(-steady)
	if l.origin.IsZero() || origin.Sub(l.origin) <= leapSize {
		l.origin, l.doubt = origin, time.Time{}
		return false, false
	}
	if l.doubt.IsZero() || origin.Sub(l.doubt).Abs() > leapSize {
		l.doubt, l.since = origin, steady
		return true, true
	}
	if steady-l.since < leapHolds {
		return true, false
	}
	l.origin, l.doubt = origin, time.Time{}
	return false, false
}

// machineClock reads both clocks of the machine, the steady one from now on.
func machineClock() func() (time.Time, time.Duration) {
	start := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now, now.Sub(start)
	}
}
