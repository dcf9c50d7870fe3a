package queue_test

import (
	"fmt"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// copies takes what the carrier is to be asked to delete and expects these.
func (b *bench) copies(want ...string) []queue.Copy {
	b.Helper()
	got, err := b.queue.Copies(b.Context(), 100, "test")
	b.must(err)
	var ids []string
	for _, c := range got {
		ids = append(ids, c.CarrierID)
	}
	if fmt.Sprint(ids) != fmt.Sprint(want) {
		b.Fatalf("the carrier is to delete %v, want %v", ids, want)
	}
	return got
}

func TestErase_EveryAttemptOnceFinal(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "SM1", nil)
		b.copies() // not while it may still be asked about
		_, err := b.queue.Report(b.Context(), queue.Report{ID: "m", Attempt: 1, Receipt: queue.Receipt{
			CarrierID: "SM1", State: queue.Undelivered, Code: "30003", Class: queue.ClassTemporary,
		}})
		b.must(err)
		b.copies()
		b.clock.forward(time.Minute)
		b.answer(b.claim(1)[0], "SM2", nil)
		b.report("m", 2, "SM2", queue.Delivered, true)
		gone := b.copies("SM1", "SM2")
		b.copies() // not by two at once
		b.must(b.queue.Erased(b.Context(), gone))
		b.clock.forward(30 * 24 * time.Hour)
		b.copies()
		b.report("m", 2, "SM2", queue.Delivered, false)
		b.copies()
	})
}

// What is final at its expiry is deleted too, and what turns up only then.
func TestErase_LateComers(t *testing.T) {
	onBoth(t, func(b *bench) {
		for _, id := range []string{"accepted", "held", "slow"} {
			b.enqueue(id)
		}
		for _, d := range b.claim(3) {
			if d.ID == "accepted" {
				b.answer(d, "SM-"+d.ID, nil)
			} else {
				b.answer(d, "", errDoubt)
			}
		}
		b.clock.forward(grace)
		for _, d := range b.doubts(2) {
			b.must(b.queue.Resolve(b.Context(), d, nil, queue.ErrCannotTell))
		}
		b.clock.forward(time.Hour)
		b.sweep(3)
		b.must(b.queue.Erased(b.Context(), b.copies("SM-accepted")))
		b.report("held", 1, "SM-held", queue.Sent, true)
		b.copies("SM-held")
		b.must(b.queue.Settle(b.Context(), []queue.Result{{
			Delivery: queue.Delivery{ID: "slow", Attempt: 1}, Receipt: accepted("SM-slow"),
		}}))
		b.copies("SM-slow")
	})
}

// A carrier that does not delete is asked less and less often, for a week.
func TestErase_GivesUp(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "SM1", nil)
		b.report("m", 1, "SM1", queue.Delivered, true)
		began, asked := b.clock.at, 0
		for last := false; !last; b.clock.forward(10 * time.Minute) {
			got, err := b.queue.Copies(b.Context(), 10, "test")
			b.must(err)
			if len(got) == 0 {
				continue
			}
			asked++
			if last = got[0].Last(); last {
				b.must(b.queue.Erased(b.Context(), got))
			}
		}
		if took := b.clock.at.Sub(began); took < 6*24*time.Hour || took > 9*24*time.Hour || asked > 25 {
			b.Errorf("gave up after %v and %d questions, want about a week and few", took, asked)
		}
		if other, err := b.queue.Copies(b.Context(), 10, "another"); len(other) != 0 || err != nil {
			b.Errorf("another carrier is asked: %v, %v", other, err)
		}
	})
}

// restore does to a message that was due what a restore from a backup does.
func (b *bench) restore(id string) {
	b.Helper()
	b.must(b.write(func(tx database.Handle) error {
		_, err := tx.Exec(b.Context(), `INSERT INTO attempt (message_id, n, state, carrier, error, started)
			SELECT id, attempts + 1, 'unknown', 'unknown', 'restored', due FROM message WHERE id = ?`, id)
		if err == nil {
			_, err = tx.Exec(b.Context(), `UPDATE message SET state = 'unknown', attempts = attempts + 1, claimed_at = due, error = 'restored',
				mark = (SELECT n.mark FROM number n WHERE n.id = message.number_id) WHERE id = ?`, id)
		}
		return err
	}))
}

// After a restore the carrier may have been told to forget what it had: that it
// has nothing proves nothing, and is never a reason to send again.
func TestErase_RestoredIsHeld(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("gone")
		other := b.message("there")
		other.Text = "Another text."
		b.enqueueTo(number, other)
		b.must(b.queue.MarkNumbers(b.Context()))
		b.restore("gone")
		b.restore("there")
		b.clock.forward(grace)
		for _, d := range b.doubts(2) {
			var found []queue.Receipt
			if d.ID == "there" {
				found = []queue.Receipt{accepted("SM1")}
			}
			b.must(b.queue.Resolve(b.Context(), d, found, nil))
		}
		b.want("there", queue.Accepted)
		if s := b.want("gone", queue.Held); s.Error != "restored" {
			b.Errorf("held as %q", s.Error)
		}
		b.claim(0)
		// Who decides to send it anyway gets an ordinary message again.
		b.must(b.write(func(tx database.Handle) error {
			return queue.Decide(b.Context(), tx, "gone", queue.SendAnyway, b.clock.at)
		}))
		b.answer(b.claim(1)[0], "", errDoubt)
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], nil, nil))
		b.want("gone", queue.Planned)
	})
}

// Twins: the list gave one's entry to the other, which is final and erased at the
// carrier when the one is asked about. The one leaves once more, and a late
// callback that names it must not take it for arrived: the phone has two.
func TestErase_TwinTookTheEntry(t *testing.T) {
	onBoth(t, func(b *bench) {
		for _, id := range []string{"one", "two"} {
			b.enqueue(id)
		}
		for _, d := range b.claim(2) {
			b.answer(d, "", errDoubt)
		}
		b.clock.forward(2 * grace)
		doubts := b.doubts(2)
		took, lacks := doubts[0], doubts[1]
		// The entry is really that of the other one.
		b.must(b.queue.Resolve(b.Context(), took, []queue.Receipt{{CarrierID: "SM1", State: queue.Delivered}}, nil))
		b.must(b.queue.Erased(b.Context(), b.copies("SM1")))
		b.must(b.queue.Resolve(b.Context(), lacks, nil, nil))
		b.want(took.ID, queue.Delivered)
		b.want(lacks.ID, queue.Planned)
		b.report(lacks.ID, 1, "SM1", queue.Delivered, false)
		b.report(lacks.ID, 1, "SM1", queue.Failed, false)
		b.want(lacks.ID, queue.Planned)
		b.answer(b.claim(1)[0], "SM2", nil)
		b.report(lacks.ID, 2, "SM2", queue.Delivered, true)
		b.want(lacks.ID, queue.Delivered)
	})
}

// An entry from long before the request is no proof of anything.
func TestResolve_OlderEntry(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := b.inDoubt("m")
		old := queue.Receipt{CarrierID: "SM-old", State: queue.Delivered, Taken: d.Left.Add(-25 * time.Hour)}
		b.must(b.queue.Resolve(b.Context(), d, []queue.Receipt{old}, nil))
		b.want("m", queue.Held)
		again := b.inDoubt("n")
		fresh := queue.Receipt{CarrierID: "SM-new", State: queue.Delivered, Taken: again.Left.Add(time.Second)}
		b.must(b.queue.Resolve(b.Context(), again, []queue.Receipt{old, fresh}, nil))
		if s := b.want("n", queue.Delivered); s.CarrierID != "SM-new" {
			b.Errorf("taken for %s", s.CarrierID)
		}
	})
}

// A list that may leave some out proves what it has, and not what it lacks.
func TestResolve_CutList(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := b.inDoubt("m")
		b.must(b.queue.Resolve(b.Context(), d, []queue.Receipt{accepted("SM1")}, queue.ErrCannotTell))
		b.want("m", queue.Accepted)
		b.must(b.queue.Resolve(b.Context(), b.inDoubt("n"), []queue.Receipt{accepted("SM1")}, queue.ErrCannotTell))
		b.want("n", queue.Held)
	})
}

// What a restored store found again is deleted at the carrier too, whichever that
// is; what another carrier holds is forgotten after a week.
func TestErase_RestoredAndOtherCarriers(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("restored")
		b.must(b.queue.MarkNumbers(b.Context()))
		b.restore("restored")
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], []queue.Receipt{{CarrierID: "SM1", State: queue.Delivered}}, nil))
		b.must(b.queue.Erased(b.Context(), b.copies("SM1")))
		b.enqueue("m")
		b.answer(b.claim(1)[0], "SM2", nil)
		b.report("m", 1, "SM2", queue.Delivered, true)
		left := func(carrier string, want int) {
			b.must(b.queue.ForgetCopies(b.Context(), carrier))
			if n := b.count(`SELECT COUNT(*) FROM carrier_copy`); n != want {
				b.Fatalf("%d copies are known, want %d", n, want)
			}
		}
		left("another", 1)
		b.clock.forward(8 * 24 * time.Hour)
		left("test", 1)
		left("another", 0)
	})
}

// What people write is deleted at the carrier, whatever was done about it.
func TestErase_WhatPeopleWrote(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.saysAgain("MO-nobody", number, "bonjour", queue.HeardNobody)
		gone := b.copies("MO-nobody")
		if gone[0].MessageID != "" {
			b.Errorf("it is taken for a copy of message %s", gone[0].MessageID)
		}
		b.must(b.queue.Erased(b.Context(), gone))
		b.enqueue("m")
		b.claim(1)
		b.saysAgain("MO-stop", number, "STOP", queue.HeardStop)
		b.saysAgain("MO-stop", number, "STOP", queue.HeardRepeated)
		b.must(b.queue.Erased(b.Context(), b.copies("MO-stop")))
		b.copies()
	})
}
