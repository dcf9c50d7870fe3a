package web_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"consigne/portal/web"
)

// aLimiter gives three tries, and then one a minute, by a clock that stands.
func aLimiter() (l *web.Limiter[int], pass func(time.Duration)) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	return web.NewLimiter[int](func() time.Time { return now }, 3, time.Minute), func(d time.Duration) { now = now.Add(d) }
}

func TestLimiter(t *testing.T) {
	l, pass := aLimiter()
	take := func(what string, key int, want time.Duration) {
		t.Helper()
		if wait := l.Wait(key); wait != want {
			t.Errorf("%s: Wait says %v, want %v", what, wait, want)
		}
		if wait := l.Take(key); wait != want {
			t.Errorf("%s: Take says %v, want %v", what, wait, want)
		}
	}
	for range 3 {
		take("at first", 1, 0)
	}
	take("then", 1, time.Minute)
	take("somebody else", 2, 0)
	pass(45 * time.Second)
	take("a little later", 1, 15*time.Second)
	pass(15 * time.Second)
	take("trying too early costs nothing", 1, 0)
	take("and once only", 1, time.Minute)
	pass(-time.Hour)
	take("a clock set back takes nothing away", 1, time.Minute)
	l.Give(1)
	take("given back", 1, 0)
	l.Give(3)
	l.Forget(1)
	for _, key := range []int{1, 3} {
		for range 3 {
			take("begun anew", key, 0)
		}
		take("no more than at first", key, time.Minute)
	}
	pass(24 * time.Hour)
	for range 3 {
		take("after a day", 1, 0)
	}
	take("not more after a day", 1, time.Minute)
}

// Trying in parallel gains nothing.
func TestLimiter_Parallel(t *testing.T) {
	l, _ := aLimiter()
	var all sync.WaitGroup
	var taken atomic.Int32
	for range 50 {
		all.Go(func() {
			if l.Take(1) == 0 {
				taken.Add(1)
			}
		})
	}
	all.Wait()
	if taken.Load() != 3 {
		t.Errorf("%d tries were taken at once, want 3", taken.Load())
	}
}

// A flood takes no more memory than it may, and those who are full again go first.
func TestLimiter_Flood(t *testing.T) {
	l, pass := aLimiter()
	for key := range web.LimiterKeys - 1 {
		l.Take(key)
	}
	pass(time.Minute)
	for range 3 {
		l.Take(-1)
	}
	l.Take(-2) // makes room: the others are whole again
	if l.Wait(-1) != time.Minute {
		t.Error("who was slowed down was forgotten while there was room")
	}
	for key := range web.LimiterKeys {
		l.Take(key)
	}
	if l.Wait(-1) != 0 {
		t.Error("a flood that leaves no room keeps somebody out")
	}
}
