package vault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

var thursday = vault.NewAppointment{Day: vault.Date{Year: 2026, Month: 11, Day: 26}, Hour: 14, Minute: 30, Place: "CCAS du quartier Gare",
	Picture: "locomotive", Bring: []string{"domiciliation"}, Once: "plan"}

// plan makes the appointment of most tests.
func (w *world) plan(s someone) vault.Appointment {
	w.t.Helper()
	a, err := w.member().Plan(w.t.Context(), s.id, thursday)
	must(w.t, err)
	if len(a.Messages) != 2 {
		w.t.Fatalf("reminders %+v", a.Messages)
	}
	return a
}

// stranger is a member of another relay's staff.
func (w *world) stranger() *vault.Member {
	w.t.Helper()
	cookie, _ := w.hire(w.addRelay("CCAS"), "paul@example.org")
	m, err := w.Member(w.t.Context(), cookie)
	must(w.t, err)
	return m
}

func (w *world) state(id string) queue.State {
	w.t.Helper()
	states, err := queue.States(w.t.Context(), w.db.Read(), []string{id})
	must(w.t, err)
	return states[id].State
}

func (w *world) wantStates(want map[string]queue.State) {
	w.t.Helper()
	got := map[string]queue.State{}
	for id := range want {
		got[id] = w.state(id)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("states (-want +got):\n%s", diff)
	}
}

// hold lets a message be in the state in which a person has to decide.
func (w *world) hold(id string) {
	w.t.Helper()
	must(w.t, w.exec("UPDATE message SET state = 'held', attempts = 1, error = 'carrier-cannot-tell' WHERE id = ?", id))
}

// depart lets what is due go to the carrier, which says what became of it.
func (w *world) depart(at time.Time, end queue.Receipt) {
	w.t.Helper()
	now := w.now
	w.now = at
	due, err := w.queue.Claim(w.t.Context(), 10, "test")
	must(w.t, err)
	for _, d := range due {
		must(w.t, w.queue.Settle(w.t.Context(), []queue.Result{{Delivery: d, Receipt: queue.Receipt{CarrierID: "SM" + d.ID, State: queue.Sent}}}))
		end.CarrierID = "SM" + d.ID
		_, err := w.queue.Report(w.t.Context(), queue.Report{ID: d.ID, Attempt: d.Attempt, Receipt: end})
		must(w.t, err)
	}
	w.now = now
}

// numbers gives to which number each waiting message would go now.
func (w *world) numbers(at time.Time) map[string]string {
	w.t.Helper()
	now := w.now
	w.now = at
	defer func() { w.now = now }()
	out := map[string]string{}
	for {
		due, err := w.queue.Claim(w.t.Context(), 10, "test")
		must(w.t, err)
		if len(due) == 0 {
			return out
		}
		for _, d := range due {
			out[d.ID] = d.To
		}
	}
}

func TestDecide(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		for decision, want := range map[queue.Decision]queue.State{
			queue.SendAnyway: queue.Planned, queue.ItArrived: queue.Delivered, queue.LetExpire: queue.Expired,
		} {
			n := thursday
			n.Once = string(decision)
			a, err := w.member().Plan(t.Context(), s.id, n)
			must(t, err)
			id := a.Messages[0].MessageID
			w.hold(id)
			must(t, w.member().Decide(t.Context(), id, decision, "d"+n.Once))
			if got := w.state(id); got != want {
				t.Errorf("%s: %s, want %s", decision, got, want)
			}
			wantErr(t, "form sent twice", w.member().Decide(t.Context(), id, decision, "d"+n.Once), vault.ErrRepeated)
			wantErr(t, "decided twice", w.member().Decide(t.Context(), id, decision, "other"+n.Once), queue.ErrNotHeld)
		}
		decided := 0
		entries, err := w.holder(s).Journal(t.Context(), 50)
		must(t, err)
		for _, e := range entries {
			if e.Verb == vault.VerbDecided && e.Actor == w.relay.ID {
				decided++
			}
		}
		if decided != 3 {
			t.Errorf("%d decisions stand in the journal", decided)
		}
	})
}

func TestDecide_refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		id := a.Messages[0].MessageID
		wantErr(t, "not held", w.member().Decide(ctx, id, queue.SendAnyway, "1"), queue.ErrNotHeld)
		w.hold(id)
		var invalid *vault.Invalid
		if err := w.member().Decide(ctx, id, queue.SendAnyway, ""); !errors.As(err, &invalid) {
			t.Errorf("without the number of a form: %v", err)
		}
		wantErr(t, "no such message", w.member().Decide(ctx, "nothing", queue.SendAnyway, "2"), vault.ErrNotFound)
		wantErr(t, "another relay", w.stranger().Decide(ctx, id, queue.SendAnyway, "3"), vault.ErrNotFound)
		if err := w.member().Decide(ctx, id, "burn", "4"); err == nil {
			t.Error("an unknown decision was carried out")
		}

		// The holder's own link is no matter of the relay's.
		paper := w.deposit(s, "letter", "5")
		must(t, w.holder(s).SendLink(ctx, paper, "6"))
		var link string
		must(t, w.db.Read().QueryRow(ctx, "SELECT message_id FROM link WHERE purpose = 'paper'").Scan(&link))
		w.hold(link)
		wantErr(t, "the holder's own link", w.member().Decide(ctx, link, queue.SendAnyway, "7"), vault.ErrNotFound)
		w.wantStates(map[string]queue.State{id: queue.Held, link: queue.Held})
	})
}

func TestMove(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		friday := thursday
		friday.Day.Day, friday.Hour, friday.Place, friday.Once = 27, 16, "Préfecture", "move"
		moved, err := w.member().Move(ctx, a.ID, friday)
		must(t, err)
		if moved.ID != a.ID || moved.Start.Format("2006-01-02 15:04") != "2026-11-27 16:30" || len(moved.Messages) != 2 {
			t.Fatalf("moved to %+v", moved)
		}
		w.wantStates(map[string]queue.State{
			a.Messages[0].MessageID: queue.Cancelled, a.Messages[1].MessageID: queue.Cancelled,
			moved.Messages[0].MessageID: queue.Planned, moved.Messages[1].MessageID: queue.Planned,
		})
		_, err = w.member().Move(ctx, a.ID, friday)
		wantErr(t, "form sent twice", err, vault.ErrRepeated)
		coming := w.holder(s).Appointments()
		if len(coming) != 1 || coming[0].Place != "Préfecture" || !coming[0].Start.Equal(moved.Start) {
			t.Errorf("the holder sees %+v", coming)
		}
		w.wantJournal(s, "moved "+w.relay.ID, "planned "+w.relay.ID, "enrolled "+w.relay.ID)

		for want, day := range []int{26, 27} {
			w.now = time.Date(2026, 11, day, 8, 0, 0, 0, paris(t))
			w.cookie = w.signIn()
			if today, err := w.member().Today(ctx); err != nil || len(today) != want {
				t.Errorf("%d appointments on the %dth: %v", len(today), day, err)
			}
		}
		w.now = time.Date(2026, 12, 4, 8, 0, 0, 0, paris(t)) // a week after the new hour, not yet over
		w.cookie = w.signIn()
		if all, err := w.member().Appointments(ctx, s.id); err != nil || len(all) != 1 {
			t.Errorf("%d appointments a week later: %v", len(all), err)
		}
	})
}

func TestMove_what_has_left_stays_as_old(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		a := w.plan(s)
		w.depart(time.Date(2026, 11, 25, 18, 0, 0, 0, paris(t)), queue.Receipt{State: queue.Delivered})
		next := thursday
		next.Day.Month, next.Day.Day, next.Once = 12, 3, "move"
		moved, err := w.member().Move(t.Context(), a.ID, next)
		must(t, err)
		if len(moved.Messages) != 3 || !moved.Messages[0].Old || moved.Messages[0].MessageID != a.Messages[0].MessageID || moved.Messages[1].Old {
			t.Errorf("reminders %+v", moved.Messages)
		}
		told, err := w.member().CancelAppointment(t.Context(), s.id, a.ID, "cancel")
		must(t, err)
		if !told {
			t.Error("a reminder had arrived, and nobody is told")
		}
	})
}

func TestMove_refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		paper := w.deposit(s, "letter", "paper")
		_, err := w.holder(s).Share(ctx, paper, w.relay.ID, vault.Nights, "share")
		must(t, err)
		next := thursday
		next.Hour, next.Once = 15, "move"
		for what, id := range map[string]string{"no item": "nothing", "a paper": paper} {
			_, err := w.member().Move(ctx, id, next)
			wantErr(t, what, err, vault.ErrNotFound)
		}
		_, err = w.stranger().Move(ctx, a.ID, next)
		wantErr(t, "another relay", err, vault.ErrNotFound)
		past := next
		past.Day.Day = 22
		_, err = w.member().Move(ctx, a.ID, past)
		wantErr(t, "into the past", err, vault.ErrPast)
		for field, change := range map[string]func(*vault.NewAppointment){
			"day": func(n *vault.NewAppointment) { n.Day.Year = 2029 }, "hour": func(n *vault.NewAppointment) { n.Hour = 24 },
			"place": func(n *vault.NewAppointment) { n.Place = " " }, "picture": func(n *vault.NewAppointment) { n.Picture = "../x" },
			"bring": func(n *vault.NewAppointment) { n.Bring = []string{"x"} }, "once": func(n *vault.NewAppointment) { n.Once = "" },
		} {
			n := next
			change(&n)
			var invalid *vault.Invalid
			if _, err := w.member().Move(ctx, a.ID, n); !errors.As(err, &invalid) || invalid.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		w.wantStates(map[string]queue.State{a.Messages[0].MessageID: queue.Planned, a.Messages[1].MessageID: queue.Planned})
		if coming := w.holder(s).Appointments(); !coming[0].Start.Equal(a.Start) {
			t.Errorf("a refused form moved it to %v", coming[0].Start)
		}

		w.now = a.Start.Add(time.Hour) // past: moved into the future it lives again, into the past it does not
		w.cookie = w.signIn()
		_, err = w.member().Move(ctx, a.ID, thursday)
		wantErr(t, "a past one into the past", err, vault.ErrPast)
		later := thursday
		later.Day.Day, later.Once = 30, "later"
		moved, err := w.member().Move(ctx, a.ID, later)
		must(t, err)
		if len(moved.Messages) != 2 {
			t.Errorf("reminders %+v", moved.Messages)
		}
	})
}

func TestCancelAppointment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		_, err := w.stranger().CancelAppointment(ctx, s.id, a.ID, "1")
		wantErr(t, "another relay", err, vault.ErrNotFound)
		_, err = w.member().CancelAppointment(ctx, s.id, "nothing", "2")
		wantErr(t, "no item", err, vault.ErrNotFound)
		_, err = w.member().CancelAppointment(ctx, w.enrol(andrei).id, a.ID, "5")
		wantErr(t, "somebody else's", err, vault.ErrNotFound)
		told, err := w.member().CancelAppointment(ctx, s.id, a.ID, "3")
		must(t, err)
		if told {
			t.Error("nothing had left")
		}
		_, err = w.member().CancelAppointment(ctx, s.id, a.ID, "3")
		wantErr(t, "form sent twice", err, vault.ErrRepeated)
		_, err = w.member().CancelAppointment(ctx, s.id, a.ID, "4")
		wantErr(t, "cancelled twice", err, vault.ErrNotFound)
		w.wantStates(map[string]queue.State{a.Messages[0].MessageID: queue.Cancelled, a.Messages[1].MessageID: queue.Cancelled})
		if coming := w.holder(s).Appointments(); len(coming) != 0 {
			t.Errorf("the holder sees %+v", coming)
		}
		if n := w.count("SELECT count(*) FROM access_mark WHERE access_id NOT IN (SELECT id FROM access)"); n != 0 {
			t.Errorf("%d marks stay", n)
		}
		noted := map[string]int{}
		for _, line := range w.revoked {
			kind, _, _ := strings.Cut(line, " ")
			noted[kind]++
		}
		if diff := cmp.Diff(map[string]int{"item": 1, "message": 2, "access": 1}, noted); diff != "" {
			t.Errorf("noted for a restore (-want +got):\n%s", diff)
		}
		w.wantJournal(s, "cancelled "+w.relay.ID, "planned "+w.relay.ID, "enrolled "+w.relay.ID)
	})
}

func TestCancelAppointment_past(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		a := w.plan(s)
		w.now = a.Start
		w.cookie = w.signIn()
		_, err := w.member().CancelAppointment(t.Context(), s.id, a.ID, "1")
		wantErr(t, "its hour has come", err, vault.ErrPast)
	})
}

// tell leaves an answer as smsd does.
func (w *world) tell(relay vault.Relay, a queue.Answer) {
	w.t.Helper()
	var public []byte
	must(w.t, w.db.Read().QueryRow(w.t.Context(), "SELECT public FROM relay WHERE id = ?", relay.ID).Scan(&public))
	w.now = w.now.Add(time.Second)
	must(w.t, w.db.Write(w.t.Context(), func(tx database.Handle) error {
		return queue.Tell(w.t.Context(), tx, relay.ID, seal.PublicKey(public), a, w.now)
	}))
}

func TestAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		w.tell(w.relay, queue.Answer{Meaning: queue.Yes, Person: s.id, Item: a.ID, By: "sms"})
		w.tell(w.relay, queue.Answer{Meaning: queue.Words, Text: "je serai en retard", Person: s.id, Item: a.ID, By: "sms"})
		w.tell(w.relay, queue.Answer{Meaning: queue.No, By: "sms"})                     // two people share the number
		w.tell(w.relay, queue.Answer{Meaning: queue.Yes, Person: "gone", Item: "gone"}) // somebody the relay no longer knows
		rows, err := w.member().Answers(ctx)
		must(t, err)
		var got []string
		for _, row := range rows {
			line := string(row.Meaning) + " " + row.Text
			if row.Person != nil {
				line += " of " + row.Person.Name
			}
			if row.Appointment != nil {
				line += " about " + row.Appointment.Place
			}
			got = append(got, line)
		}
		want := []string{"yes  of Andrei Munteanu about CCAS du quartier Gare", "words je serai en retard of Andrei Munteanu about CCAS du quartier Gare", "no ", "yes "}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		if n, err := w.member().AnswersWaiting(ctx); err != nil || n != 4 {
			t.Errorf("%d wait, %v", n, err)
		}
		for _, row := range rows {
			must(t, w.member().AnswerSeen(ctx, row.ID))
			must(t, w.member().AnswerSeen(ctx, row.ID)) // a colleague was a moment late
		}
		if n, err := w.member().AnswersWaiting(ctx); err != nil || n != 0 {
			t.Errorf("%d wait after all were seen, %v", n, err)
		}
		all, err := w.member().Appointments(ctx, s.id)
		must(t, err)
		if all[0].Answer.Said != queue.Yes || all[0].Answer.By != "sms" || all[0].Answer.At.IsZero() {
			t.Errorf("with the appointment stays %+v", all[0].Answer)
		}
	})
}

func TestAnswers_of_another_relay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.plan(s)
		w.tell(w.relay, queue.Answer{Meaning: queue.Yes, Person: s.id, Item: a.ID, By: "sms"})
		rows, err := w.member().Answers(ctx)
		must(t, err)
		other := w.stranger()
		if theirs, err := other.Answers(ctx); err != nil || len(theirs) != 0 {
			t.Errorf("another relay reads %d answers, %v", len(theirs), err)
		}
		must(t, other.AnswerSeen(ctx, rows[0].ID))
		if n, err := w.member().AnswersWaiting(ctx); err != nil || n != 1 {
			t.Errorf("another relay took an answer away: %d wait, %v", n, err)
		}

		// An answer that names an appointment of the relay for somebody else changes nothing.
		w.tell(w.relay, queue.Answer{Meaning: queue.No, Person: "somebody", Item: a.ID, By: "sms"})
		rows, err = w.member().Answers(ctx)
		must(t, err)
		if rows[1].Appointment != nil {
			t.Error("an answer of somebody else stands at the appointment")
		}
		must(t, w.member().AnswerSeen(ctx, rows[1].ID))
		all, err := w.member().Appointments(ctx, s.id)
		must(t, err)
		if all[0].Answer != (vault.Answer{}) {
			t.Errorf("with the appointment stays %+v", all[0].Answer)
		}

		// Of a yes and a no the later one stays, in whatever order they are seen to.
		w.tell(w.relay, queue.Answer{Meaning: queue.No, Person: s.id, Item: a.ID, By: "link"})
		rows, err = w.member().Answers(ctx)
		must(t, err)
		must(t, w.member().AnswerSeen(ctx, rows[1].ID))
		must(t, w.member().AnswerSeen(ctx, rows[0].ID))
		if all, err = w.member().Appointments(ctx, s.id); err != nil || all[0].Answer.Said != queue.No {
			t.Errorf("stays %+v, %v", all[0].Answer, err)
		}
	})
}
