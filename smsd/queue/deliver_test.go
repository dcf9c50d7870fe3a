package queue_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/smsd/queue"
)

func TestClaim_WhenDueAndNotExpired(t *testing.T) {
	onBoth(t, func(b *bench) {
		later := b.message("later")
		later.Due = later.Due.Add(time.Minute)
		b.enqueueTo(number, later)
		b.claim(0)
		b.clock.forward(time.Minute - time.Millisecond)
		b.claim(0)
		b.clock.forward(time.Millisecond)
		b.claim(1)
		b.claim(0) // not twice

		b.enqueue("missed")
		b.clock.forward(time.Hour)
		b.claim(0)
	})
}

func TestClaim_WritesTheAttemptFirst(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		if did, err := queue.Attempted(b.Context(), b.db.Read(), "m"); did || err != nil {
			b.Fatalf("attempted %v before the claim, %v", did, err)
		}
		b.claim(1)
		if did, err := queue.Attempted(b.Context(), b.db.Read(), "m"); !did || err != nil {
			b.Fatalf("attempted %v after the claim, %v", did, err)
		}
		s := b.want("m", queue.Claimed)
		if s.Attempts != 1 || !s.Claimed.Equal(b.clock.at) || !s.Final.IsZero() {
			b.Errorf("status %+v", s)
		}
		if did, _ := queue.Attempted(b.Context(), b.db.Read(), "no such"); did {
			b.Error("a message that does not exist was attempted")
		}
	})
}

// Two daemons on one store share the work and never take a message twice.
func TestClaim_Shared(t *testing.T) {
	onBoth(t, func(b *bench) {
		const many = 60
		for i := range many {
			b.enqueue(fmt.Sprint("m", i))
		}
		got := make(chan []queue.Delivery)
		failed := make(chan error, 2)
		for range 2 {
			q := queue.New(b.db, b.keys, b.clock.now, grace)
			go func() {
				var all []queue.Delivery
				var err error
				for range many { // each of them could take everything alone
					var some []queue.Delivery
					if some, err = q.Claim(b.Context(), 3, "test"); err != nil {
						break
					}
					all = append(all, some...)
				}
				failed <- err
				got <- all
			}()
		}
		seen := map[string]int{}
		for range 2 {
			b.must(<-failed)
			for _, d := range <-got {
				seen[d.ID]++
			}
		}
		if len(seen) != many {
			b.Errorf("%d messages claimed, want %d", len(seen), many)
		}
		for id, n := range seen {
			if n != 1 {
				b.Errorf("%s claimed %d times", id, n)
			}
		}
	})
}

// A message sealed to somebody else, or damaged, fails alone.
func TestClaim_WhatDoesNotOpen(t *testing.T) {
	onBoth(t, func(b *bench) {
		stranger := queue.NewSender(queue.NewKeys(seal.NewKey()).Public(), b.clock.now)
		b.must(b.write(func(tx database.Handle) error {
			_, err := stranger.EnqueueTo(b.Context(), tx, number, b.message("stranger"))
			return err
		}))
		b.enqueue("damaged")
		b.enqueue("moved")
		b.enqueue("nowhere")
		b.enqueue("keyless")
		b.enqueue("whole")
		b.exec(`UPDATE message SET text = ? WHERE id = 'damaged'`, []byte{1, 2, 3})
		b.exec(`UPDATE message SET text = (SELECT text FROM message WHERE id = 'whole') WHERE id = 'moved'`)
		b.exec(`UPDATE message SET number_id = NULL WHERE id = 'nowhere'`)
		b.exec(`UPDATE message SET sender = NULL WHERE id = 'keyless'`)
		if got := b.claim(1)[0]; got.ID != "whole" {
			b.Fatalf("claimed %v", got)
		}
		for _, id := range []string{"stranger", "damaged", "moved", "nowhere", "keyless"} {
			if s := b.want(id, queue.Failed); s.Error != "does-not-open" || s.Attempts != 0 {
				b.Errorf("%s: %+v", id, s)
			}
			b.erased(id)
		}
	})
}

// Of answers that are written together some were overtaken by their callback: those
// keep what it said, and the others are accepted beside them.
func TestSettle_SomeOvertaken(t *testing.T) {
	onBoth(t, func(b *bench) {
		for i := range 5 {
			b.enqueueTo(fmt.Sprintf("+3363998000%d", i), b.message(fmt.Sprint("m", i)))
		}
		var results []queue.Result
		for _, d := range b.claim(5) {
			results = append(results, queue.Result{Delivery: d, Receipt: accepted("SM-" + d.ID)})
		}
		b.report("m1", 1, "SM-m1", queue.Delivered, true)
		b.report("m3", 1, "SM-m3", queue.Sent, true)
		b.must(b.queue.Settle(b.Context(), results))
		for id, state := range map[string]queue.State{
			"m0": queue.Accepted, "m1": queue.Delivered, "m2": queue.Accepted, "m3": queue.Sent, "m4": queue.Accepted,
		} {
			b.want(id, state)
			if n := b.count(`SELECT COUNT(*) FROM attempt WHERE message_id = ? AND carrier_id = ?`, id, "SM-"+id); n != 1 {
				b.Errorf("%s is not the attempt of its carrier's entry", id)
			}
		}
	})
}

func TestSettle_Refusals(t *testing.T) {
	want := []queue.State{
		queue.ClassOther:     queue.Failed,
		queue.ClassNumber:    queue.Failed,
		queue.ClassOptOut:    queue.Suppressed,
		queue.ClassContent:   queue.Failed,
		queue.ClassTemporary: queue.Planned,
		queue.ClassBusy:      queue.Planned,
		queue.ClassSetup:     queue.Planned,
	}
	onBoth(t, func(b *bench) {
		for class, state := range want {
			id := fmt.Sprint("m", class)
			b.enqueueTo(fmt.Sprintf("+3363998000%d", class), b.message(id))
			b.answer(b.claim(1)[0], "", refusal(queue.Class(class)))
			if s := b.want(id, state); s.Error != "test" {
				b.Errorf("class %v: error %q, want the carrier's code", queue.Class(class), s.Error)
			}
			b.claim(0) // not at once
			if state.Final() {
				b.erased(id)
			}
		}
	})
}

// A carrier that is busy burns nothing, however long it is.
func TestSettle_BusyForLong(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		for range 20 {
			b.answer(b.claim(1)[0], "", &queue.Refusal{Code: "429", Class: queue.ClassBusy, Wait: 10 * time.Second})
			b.want("m", queue.Planned)
			b.clock.forward(7 * time.Second)
			b.claim(0) // the carrier asked for ten, a fifth more or less
			b.clock.forward(6 * time.Second)
		}
		b.answer(b.claim(1)[0], "SM1", nil)
		if s := b.want("m", queue.Accepted); s.Attempts != 21 || s.Error != "" {
			b.Errorf("status %+v", s)
		}
	})
}

func TestSettle_TemporaryIsBounded(t *testing.T) {
	onBoth(t, func(b *bench) {
		m := b.message("m")
		m.Expires = m.Due.Add(24 * time.Hour)
		b.enqueueTo(number, m)
		for _, rest := range []time.Duration{30 * time.Second, 2 * time.Minute, 8 * time.Minute} {
			b.answer(b.claim(1)[0], "", refusal(queue.ClassTemporary))
			b.want("m", queue.Planned)
			b.clock.forward(rest * 79 / 100)
			b.claim(0)
			b.clock.forward(rest * 42 / 100)
		}
		b.answer(b.claim(1)[0], "", refusal(queue.ClassTemporary))
		if s := b.want("m", queue.Failed); s.Attempts != 4 {
			b.Errorf("%d attempts, want 4", s.Attempts)
		}
		b.erased("m")
	})
}

func TestSettle_NoRetryPastTheExpiry(t *testing.T) {
	onBoth(t, func(b *bench) {
		m := b.message("m")
		m.Expires = m.Due.Add(20 * time.Second)
		b.enqueueTo(number, m)
		b.answer(b.claim(1)[0], "", refusal(queue.ClassTemporary))
		b.want("m", queue.Failed)
	})
}

func TestOptOut(t *testing.T) {
	onBoth(t, func(b *bench) {
		later := b.message("planned")
		later.Due = later.Due.Add(time.Minute)
		b.enqueueTo(number, later)
		b.enqueue("flying")
		b.enqueueTo("+33639980002", b.message("other"))
		claimed := b.claim(2)
		b.must(b.queue.OptOut(b.Context(), number))
		b.must(b.queue.OptOut(b.Context(), number)) // a repeated STOP
		b.want("planned", queue.Planned)            // each message here has a number row of its own
		b.must(b.queue.MarkNumbers(b.Context()))
		b.want("planned", queue.Suppressed)
		b.erased("planned")
		for _, d := range claimed {
			b.answer(d, "SM-"+d.ID, nil)
			b.want(d.ID, queue.Accepted)
		}
		b.enqueue("after")
		b.claim(0)
		if s := b.want("after", queue.Suppressed); s.Attempts != 0 {
			b.Error("a suppressed message was attempted")
		}
		b.must(b.queue.OptIn(b.Context(), number))
		b.enqueue("again")
		b.claim(1)
	})
}

// A restored backup learns from the log who wants nothing since, and who wants
// messages again; what cannot be logged does not happen.
func TestOptOut_IsLogged(t *testing.T) {
	onBoth(t, func(b *bench) {
		var log []string
		var full error
		b.queue.Revoked = func(kind, id string) error {
			if full == nil {
				log = append(log, kind+" "+id)
			}
			return full
		}
		b.must(b.queue.OptIn(b.Context(), number)) // never opted out
		b.must(b.queue.OptOut(b.Context(), number))
		b.must(b.queue.OptOut(b.Context(), number))
		var mark []byte
		b.must(b.db.Read().QueryRow(b.Context(), `SELECT mark FROM opt_out`).Scan(&mark))
		b.must(b.queue.OptIn(b.Context(), number))
		b.enqueue("m")
		b.answer(b.claim(1)[0], "", refusal(queue.ClassOptOut))
		id := fmt.Sprintf("%x", mark)
		if want := []string{"opt-out " + id, "opt-in " + id, "opt-out " + id}; id == "" || !slices.Equal(log, want) {
			b.Errorf("logged %q, want %q", log, want)
		}
		full = errors.New("disk full")
		if err := b.queue.OptOut(b.Context(), "+33639980002"); !errors.Is(err, full) {
			b.Errorf("an opt-out that cannot be logged: %v", err)
		}
		if err := b.queue.OptIn(b.Context(), number); !errors.Is(err, full) {
			b.Errorf("a return that cannot be logged: %v", err)
		}
		if n := b.count(`SELECT COUNT(*) FROM opt_out WHERE mark = ?`, mark); n != 1 || b.count(`SELECT COUNT(*) FROM opt_out`) != 1 {
			b.Error("what could not be logged was done")
		}
	})
}

// Twilio may know of an opt-out that we do not.
func TestOptOut_ToldByTheCarrier(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		later := b.message("later")
		later.Due = later.Due.Add(time.Minute)
		b.enqueueTo(number, later)
		b.answer(b.claim(1)[0], "", refusal(queue.ClassOptOut))
		b.want("m", queue.Suppressed)
		b.must(b.queue.MarkNumbers(b.Context()))
		b.want("later", queue.Suppressed)
	})
}

// Whatever the order in which the answer and the callbacks come, and however
// often, the message ends delivered, once.
func TestReport_AnyOrder(t *testing.T) {
	type step func(b *bench, d queue.Delivery)
	answer := func(b *bench, d queue.Delivery) { b.answer(d, "SM-"+d.ID, nil) }
	say := func(s queue.State) step {
		return func(b *bench, d queue.Delivery) {
			_, err := b.queue.Report(b.Context(), queue.Report{ID: d.ID, Attempt: 1, Receipt: queue.Receipt{CarrierID: "SM-" + d.ID, State: s}})
			b.must(err)
		}
	}
	steps := []step{answer, say(queue.Accepted), say(queue.Sent), say(queue.Delivered), say(queue.Sent), say(queue.Delivered)}
	onBoth(t, func(b *bench) {
		shuffled := rand.New(rand.NewPCG(1, 2))
		for i := range 40 {
			id := fmt.Sprint("m", i)
			b.enqueue(id)
			d := b.claim(1)[0]
			for _, at := range shuffled.Perm(len(steps)) {
				steps[at](b, d)
			}
			if s := b.want(id, queue.Delivered); s.Attempts != 1 || s.CarrierID != "SM-"+id {
				b.Fatalf("status %+v", s)
			}
			b.erased(id)
		}
		b.claim(0)
	})
}

func TestReport_ForwardOnly(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "SM1", nil)
		b.report("m", 1, "SM1", queue.Sent, true)
		b.report("m", 1, "SM1", queue.Sent, false)
		b.report("m", 1, "SM1", queue.Accepted, false)
		b.want("m", queue.Sent)
		b.report("m", 0, "SM1", queue.Delivered, true) // without the attempt's number: found by the carrier's id
		b.report("m", 1, "SM1", queue.Undelivered, false)
		b.want("m", queue.Delivered)
	})
}

func TestReport_UnknownMessage(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		for name, r := range map[string]queue.Report{
			"no such message":  {ID: "x", Attempt: 1, Receipt: queue.Receipt{State: queue.Sent}},
			"never left":       {ID: "m", Receipt: queue.Receipt{CarrierID: "SM1", State: queue.Delivered}},
			"no such attempt":  {ID: "m", Attempt: 7, Receipt: queue.Receipt{State: queue.Delivered}},
			"negative attempt": {ID: "m", Attempt: -1, Receipt: queue.Receipt{State: queue.Delivered}},
		} {
			if _, err := b.queue.Report(b.Context(), r); !errors.Is(err, queue.ErrNoMessage) {
				b.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.queue.Report(b.Context(), queue.Report{ID: "m", Receipt: queue.Receipt{State: queue.Planned}}); err == nil {
			b.Error("a carrier may plan a message")
		}
		b.want("m", queue.Planned)
	})
}

func TestReport_UndeliveredIsTriedAgainWhereItMayPass(t *testing.T) {
	fail := func(b *bench, n int, c queue.Class) {
		_, err := b.queue.Report(b.Context(), queue.Report{ID: "m", Attempt: n, Receipt: queue.Receipt{
			CarrierID: fmt.Sprint("SM", n), State: queue.Undelivered, Code: "30003", Class: c,
		}})
		b.must(err)
	}
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "SM1", nil)
		fail(b, 1, queue.ClassTemporary)
		b.want("m", queue.Planned)
		fail(b, 1, queue.ClassTemporary) // repeated
		b.clock.forward(37 * time.Second)
		b.answer(b.claim(1)[0], "SM2", nil)
		fail(b, 2, queue.ClassSetup) // the account was suspended meanwhile
		b.want("m", queue.Planned)
		b.clock.forward(5 * time.Minute)
		b.answer(b.claim(1)[0], "SM3", nil)
		fail(b, 1, queue.ClassNumber) // of the first attempt: too late to matter
		b.want("m", queue.Accepted)
		fail(b, 3, queue.ClassNumber)
		if s := b.want("m", queue.Undelivered); s.Error != "30003" || s.Attempts != 3 {
			b.Errorf("status %+v", s)
		}
		b.erased("m")
	})
}

// The phone got the first attempt after all: the second must not leave.
func TestReport_LateReceiptStopsTheRetry(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "", errDoubt)
		b.clock.forward(grace)
		d := b.doubts(1)[0]
		b.must(b.queue.Resolve(b.Context(), d, nil, nil))
		b.want("m", queue.Planned)
		b.report("m", 1, "SM1", queue.Sent, true)
		b.want("m", queue.Sent)
		b.claim(0)
	})
}

func TestRecover_AfterACrash(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		d := b.claim(1)[0]
		if n, err := b.queue.Recover(b.Context(), time.Minute); n != 0 || err != nil {
			b.Fatalf("recovered %d within the lease, %v", n, err)
		}
		if n, err := b.queue.Recover(b.Context(), 0); n != 1 || err != nil {
			b.Fatalf("recovered %d, want 1, %v", n, err)
		}
		if s := b.want("m", queue.Unknown); s.Error != "process-died" {
			b.Errorf("error %q", s.Error)
		}
		b.claim(0) // never blindly
		b.answer(d, "SM1", nil)
		b.want("m", queue.Accepted) // it was only slow
	})
}

func TestSweep(t *testing.T) {
	onBoth(t, func(b *bench) {
		for _, id := range []string{"planned", "claimed", "sent", "unknown", "accepted"} {
			b.enqueue(id)
		}
		for _, d := range b.claim(5) {
			switch d.ID {
			case "planned":
				b.answer(d, "", refusal(queue.ClassBusy))
			case "unknown":
				b.answer(d, "", errDoubt)
			case "accepted", "sent":
				b.answer(d, "SM-"+d.ID, nil)
			}
		}
		b.report("sent", 1, "SM-sent", queue.Sent, true)
		b.sweep(0)
		b.clock.forward(time.Hour)
		b.sweep(3)
		b.want("planned", queue.Expired)
		b.want("claimed", queue.Claimed)
		b.want("unknown", queue.Unknown)
		for _, id := range []string{"planned", "accepted", "sent"} {
			b.erased(id)
		}
		if b.want("sent", queue.Sent).Final.IsZero() || b.want("accepted", queue.Accepted).Final.IsZero() {
			b.Error("what left without a receipt is not final at its expiry")
		}
		b.sweep(0)
		b.report("sent", 1, "SM-sent", queue.Delivered, true) // a late receipt is still true
		b.want("sent", queue.Delivered)
	})
}

func (b *bench) sweep(want int) {
	b.Helper()
	n, err := b.queue.Sweep(b.Context())
	b.must(err)
	if n != want {
		b.Fatalf("swept %d messages, want %d", n, want)
	}
}

func TestForget_MarksAWeekLater(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "SM1", nil)
		b.report("m", 1, "SM1", queue.Delivered, true)
		marked := func() int { return b.count(`SELECT COUNT(*) FROM message WHERE mark IS NOT NULL`) }
		b.clock.forward(7 * 24 * time.Hour)
		b.must(b.queue.Forget(b.Context()))
		if marked() != 1 {
			b.Error("a mark was forgotten within the week in which answers come")
		}
		b.clock.forward(time.Hour)
		b.must(b.queue.Forget(b.Context()))
		if marked() != 0 {
			b.Error("a mark outlives the week")
		}
		b.want("m", queue.Delivered) // the id stays taken
	})
}
