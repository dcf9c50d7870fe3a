package vault_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"consigne/portal/vault"
	"consigne/smsd/queue"
)

// nextWeek moves the appointment of most tests by a week.
func (w *world) nextWeek(a vault.Appointment, once string) vault.Appointment {
	w.t.Helper()
	n := thursday
	n.Day.Month, n.Day.Day, n.Once = 12, 3, once
	moved, err := w.member().Move(w.t.Context(), a.ID, n)
	must(w.t, err)
	return moved
}

func (w *world) standing(s someone) vault.Answer {
	w.t.Helper()
	all, err := w.member().Appointments(w.t.Context(), s.id)
	must(w.t, err)
	return all[0].Answer
}

// What was said of one hour is not said of another; of another place it is.
func TestMove_asks_anew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		must(t, w.holder(s).Answer(ctx, a.ID, queue.Yes))
		place := thursday
		place.Place, place.Once = "Préfecture", "place"
		_, err := w.member().Move(ctx, a.ID, place)
		must(t, err)
		if got := w.standing(s); got.Said != queue.Yes {
			t.Errorf("another place took back what was said: %+v", got)
		}
		if moved := w.nextWeek(a, "hour"); moved.Answer != (vault.Answer{}) {
			t.Errorf("another hour was answered before anybody was asked: %+v", moved.Answer)
		}
		w.now = w.now.Add(time.Second)
		must(t, w.holder(s).Answer(ctx, a.ID, queue.Yes))
		if got := w.standing(s); got.Said != queue.Yes {
			t.Errorf("yes to the new hour became %+v", got)
		}
	})
}

// An SMS that answers the reminder of an old hour says nothing of the new one,
// whether it comes before the move or after it.
func TestMove_answers_to_the_old_hour(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		must(t, w.queue.SetCapability(ctx, queue.TwoWay))
		s := w.enrol(andrei)
		a := w.plan(s)
		w.depart(time.Date(2026, 11, 25, 18, 0, 0, 0, paris(t)), queue.Receipt{State: queue.Delivered})
		heard, err := w.queue.Answered(ctx, queue.Inbound{CarrierID: "SMin1", From: "+33639981042", Text: "1"})
		must(t, err)
		if heard != queue.HeardYes {
			t.Fatalf("heard %s", heard)
		}
		w.nextWeek(a, "move")
		rows, err := w.member().Answers(ctx)
		must(t, err)
		if len(rows) != 1 || !rows[0].Old() || !rows[0].Start.Equal(a.Start) {
			t.Fatalf("answers %d, old %t", len(rows), len(rows) == 1 && rows[0].Old())
		}
		must(t, w.member().AnswerSeen(ctx, rows[0].ID))
		if got := w.standing(s); got != (vault.Answer{}) {
			t.Errorf("the new hour has %+v", got)
		}
		heard, err = w.queue.Answered(ctx, queue.Inbound{CarrierID: "SMin2", From: "+33639981042", Text: "1"})
		must(t, err)
		if heard != queue.HeardUnasked {
			t.Errorf("a yes to the old reminder was heard as %s", heard)
		}
		if n := w.count("SELECT count(*) FROM reply"); n != 2 {
			t.Errorf("%d messages expect an answer, want those of the new hour", n)
		}
		_, err = w.member().CancelAppointment(ctx, s.id, a.ID, "cancel")
		must(t, err)
		if n := w.count("SELECT count(*) FROM reply"); n != 0 {
			t.Errorf("%d messages of a cancelled appointment expect an answer", n)
		}
	})
}

// between lets something happen after a person was read and before the transaction.
func (w *world) between(do func()) {
	voice := w.Voice
	w.Voice = func(ctx context.Context, lang, text string) ([]byte, error) {
		w.Voice = voice
		do()
		return voice(ctx, lang, text)
	}
}

// An appointment that is planned or moved while the number changes does not go to
// the old one.
func TestPlan_while_the_number_changes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		noon := time.Date(2026, 11, 26, 12, 30, 0, 0, paris(t))
		w.between(func() { must(t, w.member().SetPhone(ctx, s.id, "06 39 98 10 77", false, "1")) })
		a := w.plan(s)
		w.between(func() { must(t, w.member().SetPhone(ctx, s.id, "06 39 98 10 78", false, "2")) })
		moved := w.nextWeek(a, "move")
		if got := w.numbers(noon.AddDate(0, 0, 7)); got[moved.Messages[1].MessageID] != "+33639981078" {
			t.Errorf("reminders go to %v", got)
		}
		w.between(func() { must(t, w.member().SetPhone(ctx, s.id, "", false, "3")) })
		n := thursday
		n.Once = "none"
		b, err := w.member().Plan(ctx, s.id, n)
		must(t, err)
		if len(b.Messages) != 0 {
			t.Errorf("%d reminders for no phone", len(b.Messages))
		}
	})
}

// A number changes while appointments are cancelled: both are done.
func TestSetPhone_while_an_appointment_is_cancelled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		for i := range 5 {
			once := strconv.Itoa(i)
			a := w.appoint(s, 26, 14, once)
			m := w.member()
			var wait sync.WaitGroup
			wait.Go(func() {
				if _, err := m.CancelAppointment(ctx, s.id, a.ID, once); err != nil {
					t.Errorf("cancelled: %v", err)
				}
			})
			if err := w.member().SetPhone(ctx, s.id, "06 39 98 10 7"+once, false, once); err != nil {
				t.Errorf("phone: %v", err)
			}
			wait.Wait()
			if got := w.state(a.Messages[1].MessageID); got != queue.Cancelled {
				t.Errorf("its reminder is %s", got)
			}
		}
	})
}
