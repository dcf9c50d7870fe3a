package queue

import "time"

const (
	failuresInARow = 5 // unanswered requests after which the carrier counts as down
	longestRest    = time.Minute
	shortestRest   = time.Second
)

// breaker keeps messages from a carrier that does not take them, so that nothing
// is burnt. While it rests nothing is claimed. While it is open one message or
// question at a time goes out as a probe, with longer and longer rests between,
// until one is answered. Times are those of a steady clock. The zero breaker is
// closed.
type breaker struct {
	open     bool
	probing  bool
	failures int // in a row
	streak   int // rests in a row
	until    time.Duration
}

// allows tells how many of the free workers may go to the carrier now.
func (b *breaker) allows(now time.Duration, free int) int {
	switch {
	case now < b.until || b.open && b.probing:
		return 0
	case b.open:
		return min(free, 1)
	}
	return free
}

// probe takes the one place of an open breaker. Whatever comes of what was claimed
// then, an answer, a failure or that it never left, gives the place back.
func (b *breaker) probe() { b.probing = b.open }

// unsent tells of one that was claimed and never left.
func (b *breaker) unsent() { b.probing = false }

// answered closes it: something went through. A straggler that left before the rest
// began ends no rest.
func (b *breaker) answered(now time.Duration) {
	if now < b.until {
		b.failures, b.probing = 0, false
		return
	}
	*b = breaker{}
}

// busy rests for as long as a carrier asks that has too much to do; it is there.
func (b *breaker) busy(now, asked time.Duration) {
	b.probing = false
	b.rest(now, asked)
}

// silent counts a request that nobody answered.
func (b *breaker) silent(now time.Duration) {
	b.probing = false
	if b.failures++; b.open || b.failures >= failuresInARow {
		b.open = true
		b.rest(now, 0)
	}
}

// down opens it at once: nobody is there, or we may not send at all.
func (b *breaker) down(now, asked time.Duration) {
	b.open, b.probing = true, false
	b.rest(now, asked)
}

// rest lasts as long as asked, a minute at most, and twice as long as before with each in a row.
func (b *breaker) rest(now, asked time.Duration) {
	if now < b.until && asked <= b.until-now {
		return // one of many that were out together
	}
	own := min(shortestRest<<min(b.streak, 10), longestRest)
	b.until = now + max(own, min(asked, longestRest))
	b.streak++
}

// bucket lets a number of messages a second pass, and after a pause a few at
// once. The zero bucket lets everything pass.
type bucket struct {
	rate   float64 // a second; 0 for no limit
	burst  float64
	tokens float64
	last   time.Duration
}

func newBucket(rate int, burst time.Duration) bucket {
	b := bucket{rate: float64(rate), burst: max(1, float64(rate)*burst.Seconds())}
	b.tokens = b.burst
	return b
}

// take gives as many of want as may pass now.
func (b *bucket) take(now time.Duration, want int) int {
	if b.rate == 0 {
		return want
	}
	b.tokens = min(b.burst, b.tokens+(now-b.last).Seconds()*b.rate)
	b.last = now
	n := min(want, int(b.tokens))
	b.tokens -= float64(n)
	return n
}

// giveBack returns what was not used.
func (b *bucket) giveBack(n int) { b.tokens += float64(n) }
