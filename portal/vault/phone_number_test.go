package vault_test

import (
	"errors"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

func TestSetPhone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		w.plan(s)
		w.now = w.now.Add(time.Minute)
		must(t, w.member().SetPhone(ctx, s.id, " 06 39 98 10 77 ", false, "1"))
		wantErr(t, "form sent twice", w.member().SetPhone(ctx, s.id, "0639981078", false, "1"), vault.ErrRepeated)
		p, err := w.member().Person(ctx, s.id)
		must(t, err)
		if p.Phone != "+33639981077" || p.Shared || p.Name != andrei.Name || !p.PhoneSince.Equal(w.now) {
			t.Errorf("profile %+v", p)
		}
		w.wantJournal(s, "phone "+w.relay.ID, "planned "+w.relay.ID, "enrolled "+w.relay.ID)
		all, err := w.member().Appointments(ctx, s.id)
		must(t, err)
		to := w.numbers(time.Date(2026, 11, 26, 12, 30, 0, 0, paris(t)))
		for _, r := range all[0].Messages {
			if r.Kind == "hours" && to[r.MessageID] != "+33639981077" {
				t.Errorf("a reminder goes to %q", to[r.MessageID])
			}
		}
	})
}

func TestSetPhone_none_shared_and_back(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		paper := w.deposit(s, "letter", "paper")
		must(t, w.holder(s).SendLink(ctx, paper, "link"))
		a := w.plan(s)
		open := func() int { return w.count("SELECT count(*) FROM message WHERE state = 'planned'") }

		must(t, w.member().SetPhone(ctx, s.id, "06 39 98 10 42", true, "1"))
		if w.holder(s).HasPhone() {
			t.Error("a shared phone is offered links")
		}
		if n := open(); n != 2 {
			t.Errorf("%d messages wait for a shared phone: a link among them?", n)
		}
		w.wantStates(map[string]queue.State{a.Messages[0].MessageID: queue.Cancelled, a.Messages[1].MessageID: queue.Cancelled})

		must(t, w.member().SetPhone(ctx, s.id, "", true, "2"))
		if p, err := w.member().Person(ctx, s.id); err != nil || p.Phone != "" || p.Shared {
			t.Errorf("without a phone: %+v %v", p.Profile, err)
		}
		if n := open(); n != 0 {
			t.Errorf("%d messages wait without a phone", n)
		}
		wantErr(t, "confirming no number", w.member().ConfirmPhone(ctx, s.id, "3"), vault.ErrNoPhone)

		must(t, w.member().SetPhone(ctx, s.id, "0639981042", false, "4"))
		if n := open(); n != 2 || !w.holder(s).HasPhone() {
			t.Errorf("%d messages wait for the new phone", n)
		}
	})
}

func TestSetPhone_refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		for _, number := range []string{"12", "plus tard", "0899 12 34 56", "06 39 98 10 4x"} {
			var invalid *vault.Invalid
			if err := w.member().SetPhone(ctx, s.id, number, false, number); !errors.As(err, &invalid) || invalid.Field != "phone" {
				t.Errorf("%s: %v", number, err)
			}
		}
		wantErr(t, "another relay", w.stranger().SetPhone(ctx, s.id, "0639981077", false, "1"), vault.ErrNotFound)
		wantErr(t, "nobody", w.member().SetPhone(ctx, "nobody", "0639981077", false, "2"), vault.ErrNotFound)
		wantErr(t, "nobody's number", w.member().ConfirmPhone(ctx, "nobody", "3"), vault.ErrNotFound)
		if p, err := w.member().Person(ctx, s.id); err != nil || p.Phone != "+33639981042" {
			t.Errorf("the number became %q, %v", p.Phone, err)
		}
		w.wantJournal(s, "enrolled "+w.relay.ID)
	})
}

func (w *world) sick() map[string]queue.Health {
	w.t.Helper()
	rows, err := w.member().Messages(w.t.Context())
	must(w.t, err)
	sick, err := w.member().SickPhones(w.t.Context(), rows)
	must(w.t, err)
	return sick
}

func TestSickPhones(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		if got := w.sick(); len(got) != 0 {
			t.Errorf("a phone nothing went to: %v", got)
		}
		w.depart(time.Date(2026, 11, 25, 18, 0, 0, 0, paris(t)), queue.Receipt{State: queue.Delivered})
		must(t, w.db.Write(ctx, func(tx database.Handle) error { return w.SMS.NotMeAfter(ctx, tx, a.Messages[0].MessageID) }))
		if got := w.sick(); got[s.id] != queue.NotMe {
			t.Errorf("somebody else reads there: %v", got)
		}
		w.now = time.Date(2026, 11, 26, 9, 0, 0, 0, paris(t))
		w.cookie = w.signIn()
		must(t, w.member().ConfirmPhone(ctx, s.id, "1"))
		if got := w.sick(); len(got) != 0 {
			t.Errorf("after it was confirmed: %v", got)
		}
		var confirmed int
		must(t, w.db.Read().QueryRow(ctx, "SELECT count(*) FROM number WHERE confirmed > 0").Scan(&confirmed))
		if confirmed != 1 {
			t.Errorf("%d numbers are confirmed to smsd", confirmed)
		}
		s.cookie, _ = w.unlock(s, s.pictures)
		w.wantJournal(s, "opened", "confirmed "+w.relay.ID, "planned "+w.relay.ID, "enrolled "+w.relay.ID)
	})
}

// TestSickPhones_Stopped: that messages were stopped is told, until the person wants
// them again; that a number is dead outweighs it.
func TestSickPhones_Stopped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		w.depart(time.Date(2026, 11, 25, 18, 0, 0, 0, paris(t)), queue.Receipt{State: queue.Delivered})
		must(t, w.db.Write(ctx, func(tx database.Handle) error { return w.SMS.StopAfter(ctx, tx, a.Messages[0].MessageID, nil) }))
		if got := w.sick(); got[s.id] != queue.Stopped {
			t.Errorf("messages were stopped: %v", got)
		}
		w.now = time.Date(2026, 11, 26, 9, 0, 0, 0, paris(t))
		w.cookie = w.signIn()
		wantErr(t, "nobody's number", w.member().ResumePhone(ctx, "nobody", "0"), vault.ErrNotFound)
		must(t, w.member().ResumePhone(ctx, s.id, "1"))
		wantErr(t, "a double touch", w.member().ResumePhone(ctx, s.id, "1"), vault.ErrRepeated)
		if got := w.sick(); len(got) != 0 {
			t.Errorf("after they were wanted again: %v", got)
		}
		var resumed int
		must(t, w.db.Read().QueryRow(ctx, "SELECT count(*) FROM number WHERE resumed > 0 AND confirmed > 0").Scan(&resumed))
		if resumed != 1 {
			t.Errorf("%d numbers are resumed to smsd", resumed)
		}
		s.cookie, _ = w.unlock(s, s.pictures)
		w.wantJournal(s, "opened", "resumed "+w.relay.ID, "planned "+w.relay.ID, "enrolled "+w.relay.ID)
	})
}

// A reminder that was tried once and waits for its next try is past its hour: it
// must follow to the new number, not be lost. Its link went to the old one perhaps:
// it leaves with another.
func TestSetPhone_what_waits_for_another_try_follows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		evening := time.Date(2026, 11, 25, 18, 0, 0, 0, paris(t))
		w.now = evening
		due, err := w.queue.Claim(ctx, 10, "test")
		must(t, err)
		must(t, w.queue.Settle(ctx, []queue.Result{{Delivery: due[0], Err: &queue.Refusal{Code: "30003", Class: queue.ClassTemporary}}}))
		w.cookie = w.signIn()
		must(t, w.member().SetPhone(ctx, s.id, "06 39 98 10 77", false, "1"))
		old := lettersPattern.FindStringSubmatch(due[0].Text)[1]
		w.wantLink(old, vault.LinkGone)
		all, err := w.member().Appointments(ctx, s.id)
		must(t, err)
		again := all[0].Messages[0]
		if len(all[0].Messages) != 2 || again.Kind != "evening" || again.Old || again.MessageID == a.Messages[0].MessageID {
			t.Errorf("reminders %+v", all[0].Messages)
		}
		w.now = evening.Add(time.Hour)
		due, err = w.queue.Claim(ctx, 10, "test")
		must(t, err)
		if len(due) != 1 || due[0].ID != again.MessageID || due[0].To != "+33639981077" {
			t.Fatalf("after an hour %d messages leave: %v", len(due), due)
		}
		w.wantLink(lettersPattern.FindStringSubmatch(due[0].Text)[1], vault.LinkFresh)
	})
}

func TestSetPhone_what_had_arrived_is_old(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		w.depart(time.Date(2026, 11, 25, 18, 0, 0, 0, paris(t)), queue.Receipt{State: queue.Delivered})
		must(t, w.member().SetPhone(ctx, s.id, "06 39 98 10 77", false, "1"))
		all, err := w.member().Appointments(ctx, s.id)
		must(t, err)
		if m := all[0].Messages; len(m) != 2 || !m[0].Old || m[1].Old || m[1].MessageID != a.Messages[1].MessageID {
			t.Errorf("reminders %+v", m)
		}
		got := w.numbers(time.Date(2026, 11, 26, 12, 30, 0, 0, paris(t)))
		if got[a.Messages[1].MessageID] != "+33639981077" {
			t.Errorf("they go to %v", got)
		}
	})
}
