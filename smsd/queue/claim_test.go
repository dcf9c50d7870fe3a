package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// unwell plants what is wrong with the test's number, by a failed message.
func (b *bench) die(id string) {
	b.Helper()
	b.enqueue(id)
	b.answer(b.claim(1)[0], "", refusal(queue.ClassNumber))
}

func (b *bench) linked(id string, kind queue.Kind, linked bool) {
	b.Helper()
	m := b.message(id)
	m.Kind, m.Linked = kind, linked
	b.enqueueTo(number, m)
}

func TestClaim_NothingWithALinkToADeadNumber(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.die("first")
		b.linked("link", queue.Link, false)
		b.linked("reminder", queue.Reminder, true)
		b.linked("plain", queue.Reminder, false)
		if got := b.claim(1)[0]; got.ID != "plain" {
			b.Errorf("%s left", got.ID)
		}
		for _, id := range []string{"link", "reminder"} {
			if s := b.want(id, queue.Suppressed); s.Error != "number-unwell" || s.Attempts != 0 {
				b.Errorf("%s: %+v", id, s)
			}
			b.erased(id)
		}
	})
}

func TestClaim_NothingToSomebodyElse(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("first")
		b.answer(b.claim(1)[0], "SM1", nil)
		b.must(b.write(func(tx database.Handle) error { return b.sender.NotMeAfter(b.Context(), tx, "first") }))
		b.enqueue("next")
		b.claim(0)
		if s := b.want("next", queue.Suppressed); s.Error != "not-me" {
			b.Errorf("suppressed as %q", s.Error)
		}
		b.enqueueTo("+33639980002", b.message("another"))
		b.claim(1)
	})
}

// The callback of a number that is dead counts as the refusal does; what is not
// about the number does not.
func TestReport_DeadNumber(t *testing.T) {
	onBoth(t, func(b *bench) {
		for class, ill := range map[queue.Class]int{queue.ClassContent: 0, queue.ClassOther: 0, queue.ClassNumber: 1} {
			id := class.String()
			b.enqueue(id)
			b.answer(b.claim(1)[0], "SM-"+id, nil)
			_, err := b.queue.Report(b.Context(), queue.Report{ID: id, Attempt: 1, Receipt: queue.Receipt{
				CarrierID: "SM-" + id, State: queue.Undelivered, Code: "1", Class: class,
			}})
			b.must(err)
			sick, err := queue.Sick(b.Context(), b.db.Read(), []string{id})
			b.must(err)
			if len(sick) != ill || ill == 1 && sick[id] != queue.Dead {
				b.Errorf("class %v: %v", class, sick)
			}
			b.exec(`DELETE FROM number_health`)
		}
	})
}

func TestConfirm_EndsWhatWasWrongBefore(t *testing.T) {
	onBoth(t, func(b *bench) {
		confirm := func() {
			b.Helper()
			b.must(b.write(func(tx database.Handle) error { return b.sender.Confirm(b.Context(), tx, number) }))
		}
		confirm() // before it died: says nothing
		b.clock.forward(time.Second)
		b.die("first")
		b.must(b.queue.MarkNumbers(b.Context()))
		b.linked("early", queue.Link, false)
		b.claim(0)
		b.clock.forward(time.Second)
		confirm()
		b.must(b.queue.MarkNumbers(b.Context()))
		b.linked("later", queue.Link, false)
		b.claim(1)
	})
}

func TestResume_EndsTheOptOutBefore(t *testing.T) {
	onBoth(t, func(b *bench) {
		var log []string
		b.queue.Revoked = func(kind, _ string) error { log = append(log, kind); return nil }
		resume := func(say func(context.Context, database.Handle, string) error) {
			b.Helper()
			b.must(b.write(func(tx database.Handle) error { return say(b.Context(), tx, number) }))
			b.clock.forward(time.Second)
			b.must(b.queue.MarkNumbers(b.Context()))
		}
		stopped := func(want int) {
			b.Helper()
			sick, err := queue.Sick(b.Context(), b.db.Read(), []string{"first", "never"})
			b.must(err)
			if len(sick) != want || want == 1 && sick["first"] != queue.Stopped || b.count(`SELECT COUNT(*) FROM opt_out`) != want {
				b.Errorf("%v, want %d stopped", sick, want)
			}
		}
		b.enqueue("first")
		b.answer(b.claim(1)[0], "SM-first", nil)
		resume(b.sender.Resume) // before the STOP: says nothing
		b.must(b.queue.OptOut(b.Context(), number))
		stopped(1)
		b.clock.forward(time.Second)
		resume(b.sender.Confirm) // that it is theirs is not that they want messages
		stopped(1)
		b.enqueue("early")
		b.claim(0)
		b.want("early", queue.Suppressed)
		b.must(b.queue.Forget(b.Context()))
		resume(b.sender.Resume)
		stopped(0)
		b.enqueue("later")
		b.claim(1)
		b.must(b.queue.OptOut(b.Context(), number)) // and again: the last word counts
		b.enqueue("last")
		b.claim(0)
		stopped(1)
		if diff := cmp.Diff([]string{"opt-out", "opt-in", "opt-out"}, log); diff != "" {
			b.Error(diff)
		}
	})
}

func TestClaim_DespiteTheOptOut(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("plain")
		b.enqueue("goodbye")
		b.exec(`UPDATE message SET despite = 1 WHERE id = 'goodbye'`)
		b.must(b.queue.MarkNumbers(b.Context()))
		b.must(b.queue.OptOut(b.Context(), number))
		b.want("plain", queue.Suppressed)
		if got := b.claim(1)[0]; got.ID != "goodbye" {
			b.Errorf("%s left", got.ID)
		}
	})
}

const otherNumber = "+33639980077"

func (b *bench) redirect(to string, ids ...string) {
	b.Helper()
	b.must(b.write(func(tx database.Handle) error { return b.sender.Redirect(b.Context(), tx, ids, to) }))
}

func TestRedirect_Planned(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.enqueue("kept")
		b.redirect(otherNumber, "m", "no such message")
		for _, d := range b.claim(2) {
			if want := map[string]string{"m": otherNumber, "kept": number}[d.ID]; d.To != want {
				b.Errorf("%s went to the wrong number", d.ID)
			}
			b.answer(d, "SM-"+d.ID, nil)
			b.report(d.ID, 1, "SM-"+d.ID, queue.Delivered, true)
		}
		b.redirect(number, "m") // final: nothing to do
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Errorf("%d numbers outlive their messages", n)
		}
	})
}

// A request that is out is asked about at the number to which it went; only when
// it did not arrive the message goes to the new one.
func TestRedirect_InFlight(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("absent")
		b.enqueue("arrived")
		claimed := b.claim(2)
		b.redirect("+33639980066", "absent", "arrived")
		b.redirect(otherNumber, "absent", "arrived") // once more
		for _, d := range claimed {
			b.answer(d, "", errDoubt)
		}
		b.clock.forward(2 * grace)
		for _, d := range b.doubts(2) {
			if d.To != number {
				b.Fatalf("the carrier is asked about another number")
			}
			var found []queue.Receipt
			if d.ID == "arrived" {
				found = []queue.Receipt{{CarrierID: "SM1", State: queue.Delivered}}
			}
			b.must(b.queue.Resolve(b.Context(), d, found, nil))
		}
		b.want("arrived", queue.Delivered)
		again := b.claim(1)[0]
		if again.ID != "absent" || again.To != otherNumber {
			b.Errorf("%s did not go to the new number", again.ID)
		}
		b.answer(again, "SM2", nil)
		b.report("absent", 2, "SM2", queue.Delivered, true)
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Errorf("%d numbers outlive their messages", n)
		}
	})
}

func TestRedirect_Held(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "", errDoubt)
		b.redirect("+33639980066", "m")
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], nil, queue.ErrCannotTell))
		b.redirect(otherNumber, "m")
		b.must(b.write(func(tx database.Handle) error {
			return queue.Decide(b.Context(), tx, "m", queue.SendAnyway, b.clock.at)
		}))
		if got := b.claim(1)[0]; got.To != otherNumber {
			b.Error("it went to the old number")
		}
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 1 {
			b.Errorf("%d numbers, want 1", n)
		}
	})
}

// Held, then redirected while it was still in doubt: the decision sends it there.
func TestRedirect_DecidedAfterwards(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "", errDoubt)
		b.redirect(otherNumber, "m")
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], nil, queue.ErrCannotTell))
		b.must(b.write(func(tx database.Handle) error {
			return queue.Decide(b.Context(), tx, "m", queue.SendAnyway, b.clock.at)
		}))
		if got := b.claim(1)[0]; got.To != otherNumber {
			b.Error("it went to the old number")
		}
	})
}

// fails reports that the carrier gave an attempt up for its number.
func (b *bench) fails(id string, attempt int, class queue.Class) {
	b.Helper()
	_, err := b.queue.Report(b.Context(), queue.Report{ID: id, Attempt: attempt, Receipt: queue.Receipt{
		CarrierID: fmt.Sprint("SM-", id, attempt), State: queue.Undelivered, Code: "30005", Class: class,
	}})
	b.must(err)
}

// A failure of the old number is one of that number alone: the message goes to
// the new one, whichever way the failure is told.
func TestRedirect_OldNumberFails(t *testing.T) {
	onBoth(t, func(b *bench) {
		tell := map[string]func(d queue.Delivery){
			"dead-later":    func(d queue.Delivery) { b.answer(d, "SM-"+d.ID+"1", nil); b.fails(d.ID, 1, queue.ClassNumber) },
			"dead-at-once":  func(d queue.Delivery) { b.answer(d, "", refusal(queue.ClassNumber)) },
			"opt-out":       func(d queue.Delivery) { b.answer(d, "", refusal(queue.ClassOptOut)) },
			"opt-out-later": func(d queue.Delivery) { b.answer(d, "SM-"+d.ID+"1", nil); b.fails(d.ID, 1, queue.ClassOptOut) },
		}
		i := 0
		for id := range tell {
			b.enqueueTo(fmt.Sprintf("+3363998011%d", i), b.message(id))
			i++
		}
		for _, d := range b.claim(len(tell)) {
			b.redirect(otherNumber, d.ID)
			tell[d.ID](d)
			b.want(d.ID, queue.Planned)
		}
		for _, d := range b.claim(len(tell)) {
			if d.To != otherNumber {
				b.Errorf("%s went to the old number", d.ID)
			}
			b.answer(d, "SM-"+d.ID+"2", nil)
			b.fails(d.ID, 1, queue.ClassNumber) // told again, of the old number
			b.want(d.ID, queue.Accepted)
			b.report(d.ID, 2, "SM-"+d.ID+"2", queue.Delivered, true)
		}
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Errorf("%d numbers outlive their messages", n)
		}
		sick, out := b.count(`SELECT COUNT(*) FROM number_health`), b.count(`SELECT COUNT(*) FROM opt_out`)
		if sick != 2 || out != 2 {
			b.Errorf("%d numbers are unwell and %d opted out, want two each", sick, out)
		}
	})
}

// What comes late about an older attempt says nothing about the number of today.
func TestRedirect_LateFailureOfAnOlderAttempt(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "", errDoubt)
		b.redirect(otherNumber, "m")
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], nil, nil))
		b.answer(b.claim(1)[0], "SM-m2", nil)
		b.fails("m", 1, queue.ClassNumber)
		b.want("m", queue.Accepted)
		if n := b.count(`SELECT COUNT(*) FROM number_health`); n != 0 {
			b.Error("the new number counts as dead")
		}
	})
}

// Redirected while it was held: the old number's failure does not end it.
func TestRedirect_OldNumberFailsWhileHeld(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "", errDoubt)
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], nil, queue.ErrCannotTell))
		b.redirect(otherNumber, "m")
		b.fails("m", 1, queue.ClassNumber)
		if got := b.claim(1)[0]; got.To != otherNumber {
			b.Error("it went to the old number")
		}
	})
}

// A message that was redirected and then taken back leaves neither number behind.
func TestRedirect_ThenCancelled(t *testing.T) {
	onBoth(t, func(b *bench) {
		for _, class := range []queue.Class{queue.ClassBusy, queue.ClassNumber, queue.ClassOptOut} {
			id := class.String()
			b.enqueueTo(fmt.Sprintf("+3363998012%d", class), b.message(id))
			d := b.claim(1)[0]
			b.redirect(otherNumber, id)
			b.cancel(id)
			b.redirect(otherNumber, id) // too late
			b.answer(d, "", refusal(class))
			if !b.status(id).State.Final() {
				b.Errorf("%s is not over", id)
			}
		}
		b.claim(0)
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Errorf("%d numbers outlive their messages", n)
		}
	})
}

// The number changes twice, each time while a request is out: the carrier is
// asked about the number to which the request went, and not about the newest.
func TestRedirect_AgainAndAgain(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		to := []string{number, otherNumber, "+33639980078", "+33639980079"}
		for i, next := range to[1:] {
			d := b.claim(1)[0]
			b.redirect("+33639980066", "m")
			b.redirect(next, "m")
			b.answer(d, "", errDoubt)
			b.clock.forward(grace)
			asked := b.doubts(1)[0]
			if d.To != to[i] || asked.To != to[i] {
				b.Fatalf("attempt %d: the carrier is asked about another number than the request's", i+1)
			}
			b.must(b.queue.Resolve(b.Context(), asked, nil, nil))
		}
		d := b.claim(1)[0]
		if d.To != to[3] {
			b.Error("it did not go to the newest number")
		}
		b.answer(d, "SM1", nil)
		b.redirect(number, "m")
		b.report("m", 4, "SM1", queue.Delivered, true)
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Errorf("%d numbers outlive their messages", n)
		}
	})
}

// The number changes again while the mark of the one before is being made: an
// opt-out of that one must not stop what goes to the newest.
func TestRedirect_AgainWhileMarked(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := b.inDoubt("m")
		b.redirect(otherNumber, "m")
		b.must(b.queue.MarkLate(b.Context(), func() { b.redirect("+33639980078", "m") }))
		b.must(b.queue.MarkNumbers(b.Context()))
		b.must(b.queue.OptOut(b.Context(), otherNumber))
		b.must(b.queue.Resolve(b.Context(), d, nil, nil))
		if d := b.claim(1)[0]; d.To != "+33639980078" {
			b.Errorf("it went to %s", d.To)
		}
	})
}
