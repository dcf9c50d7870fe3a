package queue

import (
	"log/slog"
	"testing"
	"time"
)

func TestBreaker_OneProbeAtATime(t *testing.T) {
	var b breaker
	now := time.Duration(0)
	for range failuresInARow - 1 {
		b.silent(now)
	}
	if n := b.allows(now, 10); n != 10 {
		t.Fatalf("%d may leave after a few failures, want all", n)
	}
	b.silent(now)
	for _, rest := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} { // seconds
		now += rest*time.Second - 1
		if n := b.allows(now, 10); n != 0 {
			t.Fatalf("%d may leave within the rest of %d s", n, rest)
		}
		now++
		if n := b.allows(now, 10); n != 1 {
			t.Fatalf("%d may leave after the rest, want one probe", n)
		}
		b.probe()
		if n := b.allows(now, 10); n != 0 {
			t.Fatalf("%d may leave beside the probe", n)
		}
		b.silent(now)
	}
	now += time.Minute
	b.probe()
	b.answered(now)
	if n := b.allows(now, 10); n != 10 {
		t.Errorf("%d may leave once a probe went through, want all", n)
	}
}

func TestBreaker_AnswersInBetween(t *testing.T) {
	var b breaker
	for range 10 * failuresInARow {
		b.silent(0)
		b.answered(0)
	}
	if n := b.allows(0, 10); n != 10 {
		t.Errorf("%d may leave though others are answered", n)
	}
}

func TestBreaker_Busy(t *testing.T) {
	var b breaker
	for range 50 { // all that were out together
		b.busy(0, 10*time.Second)
	}
	if b.allows(10*time.Second-1, 10) != 0 || b.allows(10*time.Second, 10) != 10 {
		t.Error("does not rest for as long as the carrier asked")
	}
	b.busy(20*time.Second, 24*time.Hour)
	if b.allows(20*time.Second+longestRest, 10) != 10 {
		t.Error("rests for as long as a carrier likes")
	}
}

// What left before the rest, and is answered in it, does not end it.
func TestBreaker_StragglersEndNoRest(t *testing.T) {
	var b breaker
	b.busy(0, 10*time.Second)
	b.answered(time.Second)
	if b.allows(5*time.Second, 10) != 0 || b.allows(10*time.Second, 10) != 10 {
		t.Error("an answer ended the rest that the carrier asked for")
	}
	b = breaker{}
	b.down(0, longestRest)
	b.answered(time.Second)
	if b.allows(longestRest-1, 10) != 0 || b.allows(longestRest, 10) != 1 {
		t.Error("an answer opened a channel that is not set up")
	}
	b.probe()
	b.answered(longestRest)
	if b.allows(longestRest, 10) != 10 {
		t.Error("the probe's answer does not end it")
	}
}

// A straggler is told to wait just as the probe is claimed: the probe's answer, which
// comes while that lasts, gives its place to the next one.
func TestBreaker_AnsweredInARest(t *testing.T) {
	for name, straggler := range map[string]func(b *breaker, now time.Duration){
		"busy":   func(b *breaker, now time.Duration) { b.busy(now, 0) },
		"silent": func(b *breaker, now time.Duration) { b.silent(now) },
	} {
		var b breaker
		b.down(0, 0)
		now := shortestRest
		if n := b.allows(now, 10); n != 1 {
			t.Fatalf("%d may leave after the rest, want one probe", n)
		}
		straggler(&b, now)
		b.probe()
		b.answered(now)
		if n := b.allows(now+longestRest, 10); n != 1 {
			t.Errorf("%s: %d may leave after the rest, want one probe", name, n)
		}
	}
}

// A probe that was claimed and never left, since the machine stood still, must not
// keep all others back.
func TestBreaker_ProbeThatNeverLeft(t *testing.T) {
	now := time.Duration(0)
	clock := func() (time.Time, time.Duration) { return time.Unix(0, 0).Add(now), now }
	d := NewDaemon(nil, nil, Options{Workers: 7, Clock: clock, Log: slog.New(slog.DiscardHandler)})
	d.note(Result{Err: &Refusal{Class: ClassDown}}, 0)
	now = longestRest
	if n, _ := d.allowance(); n != 1 {
		t.Fatalf("%d may leave after the rest, want one probe", n)
	}
	claimed := d.moment()
	d.breaker.probe()
	now += time.Hour
	settled := make(chan Result, 1)
	go func() { settled <- <-d.results }()
	d.deliver(t.Context(), Delivery{ID: "m"}, claimed)
	if r := <-settled; code(r.Err) != "too-late" {
		t.Fatalf("settled with %v", r.Err)
	}
	if n, _ := d.allowance(); n != 1 {
		t.Errorf("%d may leave after one that was too late, want one probe", n)
	}
}

func TestBreaker_DownAtOnce(t *testing.T) {
	var b breaker
	b.down(0, 0)
	if b.allows(0, 10) != 0 || b.allows(shortestRest, 10) != 1 {
		t.Error("a carrier that is not there is asked by more than one")
	}
}

func TestBucket(t *testing.T) {
	b := newBucket(10, 400*time.Millisecond)
	passed := b.take(0, 100)
	if passed != 4 {
		t.Errorf("%d at once, want the burst", passed)
	}
	for now := time.Duration(0); now <= time.Minute; now += 200 * time.Millisecond {
		passed += b.take(now, 100)
	}
	if passed < 600 || passed > 604 {
		t.Errorf("%d in a minute, want 600", passed)
	}
	b.giveBack(1)
	if n := b.take(time.Minute, 100); n != 1 {
		t.Errorf("%d of one given back", n)
	}
	slow := newBucket(1, 400*time.Millisecond)
	if first, second := slow.take(0, 5), slow.take(999*time.Millisecond, 5); first != 1 || second != 0 {
		t.Errorf("one a second: %d, then %d", first, second)
	}
	var none bucket
	if none.take(0, 77) != 77 {
		t.Error("no limit limits")
	}
}

// A list that always fails holds up no message, and a carrier that takes no
// messages may still be asked.
func TestBreaker_QuestionsHaveTheirOwn(t *testing.T) {
	now := time.Duration(0)
	clock := func() (time.Time, time.Duration) { return time.Unix(0, 0).Add(now), now }
	d := NewDaemon(nil, nil, Options{Workers: 7, Clock: clock, Log: slog.New(slog.DiscardHandler)})
	for i := range 2 * failuresInARow {
		if down := d.heard(&Doubt{Code: "timeout"}); down != (i+1 >= failuresInARow) {
			t.Errorf("after %d questions: down %v", i+1, down)
		}
	}
	if n, free := d.allowance(); n != 7 || free != 7 {
		t.Errorf("%d of %d messages may leave though only the list fails", n, free)
	}
	now = longestRest
	if d.heard(nil) || d.heard(ErrCannotTell) {
		t.Error("down though the carrier answers")
	}
	for range failuresInARow {
		d.note(Result{Err: &Doubt{Code: "timeout"}}, 0)
	}
	if n, _ := d.allowance(); n != 0 {
		t.Errorf("%d messages may leave, want none", n)
	}
	if n := d.asking.allows(now, 7); n != 7 {
		t.Errorf("%d questions may be asked, want all", n)
	}
}
