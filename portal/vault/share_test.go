package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

func TestDeposit_is_read_by_its_holder_and_not_by_who_deposited_it(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		id := w.deposit(s, "domiciliation", "1")
		p, err := w.holder(s).Paper(id)
		must(t, err)
		if p.Kind != "domiciliation" || p.Pages != 1 || p.By != w.relay.ID || p.Validity(vault.Date{Year: 2026, Month: 11, Day: 23}) != vault.Soon {
			t.Errorf("paper %+v", p)
		}
		c, err := w.holder(s).OpenPage(t.Context(), id, 1)
		if page := readPage(t, c, err); !bytes.HasPrefix(page, []byte("\xff\xd8")) {
			t.Error("the page is no JPEG")
		}
		_, err = w.holder(s).OpenPage(t.Context(), id, 2)
		wantErr(t, "page 2 of 1", err, vault.ErrNotFound)
		_, err = w.member().OpenPage(t.Context(), id, 1)
		wantErr(t, "the relay that deposited", err, vault.ErrForbidden)
		_, err = w.member().Paper(t.Context(), "nothing")
		wantErr(t, "a paper that is not there", err, vault.ErrForbidden)
		if n := w.count("SELECT count(*) FROM access WHERE item_id = ?", id); n != 0 {
			t.Errorf("%d keys to it exist at relays", n)
		}
	})
}

func TestDeposit_refusals_keep_nothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		good := scan(t)
		for name, c := range map[string]struct {
			body io.Reader
			want error
		}{
			"empty":     {strings.NewReader(""), vault.ErrFileEmpty},
			"text":      {strings.NewReader("Bonjour, je suis un PDF"), vault.ErrFileType},
			"cut":       {bytes.NewReader(good[:len(good)/2]), vault.ErrFileCut},
			"too large": {io.MultiReader(bytes.NewReader(good), io.LimitReader(zeros{}, vault.MaxUpload)), vault.ErrTooLarge},
		} {
			err := w.member().Deposit(t.Context(), s.id, vault.Deposit{Kind: "letter", Once: name}, c.body)
			wantErr(t, name, err, c.want)
		}
		wantErr(t, "somebody unknown", w.member().Deposit(t.Context(), "nobody", vault.Deposit{Kind: "letter", Once: "n"}, bytes.NewReader(good)), vault.ErrNotFound)
		var invalid *vault.Invalid
		if err := w.member().Deposit(t.Context(), s.id, vault.Deposit{Kind: "weapon", Once: "w"}, bytes.NewReader(good)); !errors.As(err, &invalid) {
			t.Errorf("unknown kind: %v", err)
		}
		w.deposit(s, "letter", "twice")
		wantErr(t, "form sent twice", w.member().Deposit(t.Context(), s.id, vault.Deposit{Kind: "letter", Once: "twice"}, bytes.NewReader(good)), vault.ErrRepeated)
		if n := len(w.holder(s).Papers()); n != 1 {
			t.Errorf("%d papers", n)
		}
		files := 0
		for _, err := range w.Blobs.List(t.Context()) {
			must(t, err)
			files++
		}
		if rows := w.count("SELECT count(*) FROM item_blob"); files != rows || rows != 2 {
			t.Errorf("%d blobs on disk, %d rows", files, rows)
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestShare_and_stop(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		id, closed := w.deposit(s, "domiciliation", "1"), w.deposit(s, "passport", "2")
		g, err := w.holder(s).Share(ctx, id, w.relay.ID, vault.Nights, "a")
		must(t, err)
		if want := time.Date(2026, 11, 30, 23, 59, 59, 0, paris(t)); !g.Ends.Equal(want) {
			t.Errorf("seven nights end %v", g.Ends)
		}
		_, err = w.holder(s).Share(ctx, id, w.relay.ID, vault.Nights, "a")
		wantErr(t, "form sent twice", err, vault.ErrRepeated)
		endless, err := w.holder(s).Share(ctx, id, w.relay.ID, vault.UntilStopped, "a2")
		must(t, err)
		if len(w.revoked) != 1 || w.revoked[0] != "access "+g.ID {
			t.Errorf("a replaced grant: revoked %v", w.revoked)
		}
		g = endless

		m := w.member()
		c, err := m.OpenPage(ctx, id, 1)
		readPage(t, c, err)
		_, err = m.OpenPage(ctx, closed, 1)
		wantErr(t, "the other paper", err, vault.ErrForbidden)
		shared, err := m.Shared(ctx, s.id)
		must(t, err)
		if len(shared) != 1 || shared[0].ID != id {
			t.Errorf("shared: %v", shared)
		}

		must(t, w.holder(s).Stop(ctx, g.ID))
		_, err = m.OpenPage(ctx, id, 1)
		wantErr(t, "the next read after the stop", err, vault.ErrForbidden)
		if n := w.count("SELECT count(*) FROM access WHERE id = ?", g.ID); n != 0 {
			t.Error("the grant's row stays")
		}
		if len(w.revoked) != 2 || w.revoked[1] != "access "+g.ID {
			t.Errorf("revoked: %v", w.revoked)
		}
		w.wantJournal(s, "stopped", "read "+w.relay.ID, "shared", "shared", "deposited "+w.relay.ID, "deposited "+w.relay.ID, "enrolled "+w.relay.ID)
	})
}

func TestOpenPage_every_reading_is_in_the_journal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		id := w.deposit(s, "domiciliation", "1")
		_, err := w.holder(s).Share(t.Context(), id, w.relay.ID, vault.Nights, "a")
		must(t, err)
		reads := func() (n int) {
			entries, err := w.holder(s).Journal(t.Context(), 50)
			must(t, err)
			for _, e := range entries {
				if e.Verb == vault.VerbRead {
					n++
				}
			}
			return n
		}
		for _, page := range []int{2, 1, 1} { // also a page that is asked for first, out of order
			if c, err := w.member().OpenPage(t.Context(), id, page); err == nil {
				readPage(t, c, err)
			}
		}
		if n := reads(); n != 1 {
			t.Errorf("one reading stands %d times", n)
		}
		w.now = w.now.Add(11 * time.Minute)
		_, err = w.Holder(t.Context(), w.device, s.cookie)
		wantErr(t, "idle", err, vault.ErrSession)
		c, err := w.member().OpenPage(t.Context(), id, 1)
		readPage(t, c, err)
		s.cookie, err = w.unlock(s, s.pictures)
		must(t, err)
		if n := reads(); n != 2 {
			t.Errorf("two readings stand %d times", n)
		}
	})
}

func TestDamagedRows_close_nothing_else(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		good, bad := w.deposit(s, "domiciliation", "1"), w.deposit(s, "passport", "2")
		for i, id := range []string{good, bad} {
			_, err := w.holder(s).Share(t.Context(), id, w.relay.ID, vault.Nights, string(rune('a'+i)))
			must(t, err)
		}
		must(t, w.exec("UPDATE item SET record = (SELECT record FROM item WHERE id = ?) WHERE id = ?", good, bad))
		if papers := w.holder(s).Papers(); len(papers) != 1 || papers[0].ID != good {
			t.Errorf("the holder sees %v", papers)
		}
		shared, err := w.member().Shared(t.Context(), s.id)
		must(t, err)
		if len(shared) != 1 || shared[0].ID != good {
			t.Errorf("the relay sees %v", shared)
		}
	})
}

func (w *world) wantJournal(s someone, want ...string) {
	w.t.Helper()
	entries, err := w.holder(s).Journal(w.t.Context(), 50)
	must(w.t, err)
	var got []string
	for _, e := range entries {
		got = append(got, strings.TrimSpace(e.Verb+" "+e.Actor))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		w.t.Errorf("journal %v, want %v", got, want)
	}
}

func TestShare_ends_by_itself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		id := w.deposit(s, "domiciliation", "1")
		g, err := w.holder(s).Share(ctx, id, w.relay.ID, vault.Today, "a")
		must(t, err)
		w.member()
		w.now = g.Ends.Add(-time.Minute)
		w.cookie = w.signIn()
		c, err := w.member().OpenPage(ctx, id, 1)
		readPage(t, c, err)
		w.now = g.Ends
		_, err = w.member().OpenPage(ctx, id, 1)
		wantErr(t, "the next read after the end", err, vault.ErrForbidden)
		must(t, w.Sweep(ctx))
		if n := w.count("SELECT count(*) FROM access WHERE id = ?", g.ID); n != 0 {
			t.Error("the grant's row stays after the sweep")
		}
	})
}

func (w *world) signIn() string {
	w.t.Helper()
	cookie, err := w.SignIn(w.t.Context(), "Claire@Example.org ", password, w.code(w.secret), nil)
	must(w.t, err)
	return cookie
}

func TestSweep_halts_when_the_clock_jumps(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		must(t, w.Sweep(t.Context()))
		w.now = w.now.AddDate(1, 0, 0)
		wantErr(t, "a year later", w.Sweep(t.Context()), vault.ErrClock)
		if n := w.count("SELECT count(*) FROM session"); n == 0 {
			t.Error("swept by a clock that jumped")
		}
		w.now = w.now.Add(11 * time.Hour)
		wantErr(t, "eleven hours after the jump", w.Sweep(t.Context()), vault.ErrClock)
		w.now = w.now.Add(time.Hour)
		must(t, w.Sweep(t.Context()))
		_, err := w.Holder(t.Context(), w.device, s.cookie)
		wantErr(t, "after the halt", err, vault.ErrSession)
		if n := w.count("SELECT count(*) FROM session"); n != 0 {
			t.Errorf("%d sessions stay", n)
		}
	})
}

func TestShare_other_people_and_relays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s, stranger := w.enrol(andrei), w.enrol(vault.Profile{Name: "Amina Warsame", Birth: vault.Date{Year: 1990, Month: 1, Day: 2}, Language: "ar"})
		id := w.deposit(s, "domiciliation", "1")
		_, err := w.holder(stranger).Share(ctx, id, w.relay.ID, vault.Nights, "a")
		wantErr(t, "somebody else's paper", err, vault.ErrNotFound)
		_, err = w.holder(s).Share(ctx, id, "nowhere", vault.Nights, "b")
		wantErr(t, "no relay", err, vault.ErrNotFound)
		unstaffed := w.addRelay("Médiathèque")
		_, err = w.holder(s).Share(ctx, id, unstaffed.ID, vault.Nights, "c")
		wantErr(t, "a relay without keys", err, vault.ErrNotFound)

		g, err := w.holder(s).Share(ctx, id, w.relay.ID, vault.UntilStopped, "d")
		must(t, err)
		must(t, w.holder(stranger).Stop(ctx, g.ID))
		if n := w.count("SELECT count(*) FROM access WHERE id = ?", g.ID); n != 1 {
			t.Error("a stranger stopped the grant")
		}
		otherCookie, _ := w.hire(w.addRelay("CCAS"), "paul@example.org")
		m, err := w.Member(ctx, otherCookie)
		must(t, err)
		_, err = m.OpenPage(ctx, id, 1)
		wantErr(t, "another relay", err, vault.ErrForbidden)
		_, err = m.Person(ctx, s.id)
		wantErr(t, "a person of another relay", err, vault.ErrNotFound)
	})
}

func TestGrant_key_exchanged_or_moved_in_the_store(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		id, closed := w.deposit(s, "domiciliation", "1"), w.deposit(s, "passport", "2")
		_, err := w.holder(s).Share(ctx, id, w.relay.ID, vault.Nights, "a")
		must(t, err)
		w.member()
		must(t, w.exec("UPDATE access SET item_id = ? WHERE item_id = ?", closed, id))
		if _, err := w.member().OpenPage(ctx, closed, 1); err == nil {
			t.Error("a grant moved to another paper opens it")
		}
		must(t, w.exec("UPDATE relay SET public = ?", []byte(seal.NewKey().Identity().Public())))
		if _, err := w.holder(s).Share(ctx, id, w.relay.ID, vault.Nights, "b"); err == nil {
			t.Error("sealed to a key that a thief put there")
		}
	})
}

func TestJournal_damage_is_found_without_a_key(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		w.deposit(s, "letter", "1")
		verify := func() (faults []string) {
			must(t, vault.VerifyJournal(t.Context(), w.db.Read(), func(f string) { faults = append(faults, f) }))
			return faults
		}
		if f := verify(); f != nil {
			t.Fatalf("a whole journal: %v", f)
		}
		for _, damage := range []string{
			"UPDATE journal SET day = day + 1 WHERE number = 1",
			"UPDATE journal SET day = day - 1, promise = chain WHERE number = 1",
			"DELETE FROM journal WHERE number = 1",
		} {
			must(t, w.exec(damage))
			if verify() == nil {
				t.Errorf("not found: %s", damage)
			}
		}
	})
}

func TestPlan(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		n := vault.NewAppointment{Day: vault.Date{Year: 2026, Month: 11, Day: 26}, Hour: 14, Minute: 30, Place: "CCAS du quartier Gare",
			Picture: "locomotive", Bring: []string{"domiciliation"}, Once: "1"}
		a, err := w.member().Plan(ctx, s.id, n)
		must(t, err)
		if len(a.Messages) != 2 || !a.Messages[0].Due.Equal(time.Date(2026, 11, 25, 18, 0, 0, 0, paris(t))) ||
			!a.Messages[1].Due.Equal(time.Date(2026, 11, 26, 12, 30, 0, 0, paris(t))) {
			t.Fatalf("reminders %+v", a.Messages)
		}
		states, err := w.member().MessageStates(ctx, []string{a.Messages[0].MessageID, a.Messages[1].MessageID})
		must(t, err)
		for _, r := range a.Messages {
			if states[r.MessageID].State != queue.Planned {
				t.Errorf("%s is %q", r.Kind, states[r.MessageID].State)
			}
		}
		_, err = w.member().Plan(ctx, s.id, n)
		wantErr(t, "form sent twice", err, vault.ErrRepeated)
		coming := w.holder(s).Appointments()
		if len(coming) != 1 || coming[0].Place != n.Place || coming[0].Start.Format("15:04") != "14:30" {
			t.Errorf("the holder sees %+v", coming)
		}
		if today, err := w.member().Today(ctx); err != nil || len(today) != 0 {
			t.Errorf("today: %v, %v", today, err)
		}
		w.now = time.Date(2026, 11, 26, 8, 0, 0, 0, paris(t))
		w.cookie = w.signIn()
		today, err := w.member().Today(ctx)
		must(t, err)
		if len(today) != 1 || today[0].Name != andrei.Name {
			t.Errorf("today: %+v", today)
		}
		rows, err := w.member().Messages(ctx)
		must(t, err)
		if len(rows) != 2 {
			t.Errorf("%d messages at the desk", len(rows))
		}
	})
}

func TestPlan_refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		good := vault.NewAppointment{Day: vault.Date{Year: 2026, Month: 11, Day: 23}, Hour: 11, Place: "CCAS", Picture: "locomotive", Once: "1"}
		a, err := w.member().Plan(ctx, s.id, good)
		must(t, err)
		if len(a.Messages) != 0 {
			t.Errorf("reminders in the past: %+v", a.Messages)
		}
		past := good
		past.Hour = 9
		_, err = w.member().Plan(ctx, s.id, past)
		wantErr(t, "an hour in the past", err, vault.ErrPast)
		for field, change := range map[string]func(*vault.NewAppointment){
			"day": func(n *vault.NewAppointment) { n.Day.Year = 2029 },
			"hour": func(n *vault.NewAppointment) {
				n.Day, n.Hour, n.Minute = vault.Date{Year: 2027, Month: 3, Day: 28}, 2, 30
			},
			"place":   func(n *vault.NewAppointment) { n.Place = " " },
			"picture": func(n *vault.NewAppointment) { n.Picture = "../x" },
			"bring":   func(n *vault.NewAppointment) { n.Bring = []string{"x"} },
		} {
			n := good
			change(&n)
			var invalid *vault.Invalid
			if _, err := w.member().Plan(ctx, s.id, n); !errors.As(err, &invalid) || invalid.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if n := w.count("SELECT count(*) FROM message"); n != 0 {
			t.Errorf("%d messages queued", n)
		}
	})
}

func TestPlan_no_phone_no_message(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := andrei
		p.Phone = ""
		s := w.enrol(p)
		a, err := w.member().Plan(t.Context(), s.id, vault.NewAppointment{Day: vault.Date{Year: 2026, Month: 11, Day: 26}, Hour: 14, Place: "CCAS", Picture: "bank", Once: "1"})
		must(t, err)
		if len(a.Messages) != 0 || w.count("SELECT count(*) FROM message") != 0 {
			t.Error("a message without a phone")
		}
		id := w.deposit(s, "letter", "2")
		wantErr(t, "a link", w.holder(s).SendLink(t.Context(), id, "3"), vault.ErrNoPhone)
	})
}

func TestSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.now = w.now.Add(time.Minute)
		code := w.code(w.secret)
		_, err := w.SignIn(ctx, "nobody@example.org", password, code, nil)
		wantErr(t, "nobody", err, vault.ErrSignIn)
		_, err = w.SignIn(ctx, "claire@example.org", password+"x", code, nil)
		wantErr(t, "wrong password", err, vault.ErrSignIn)
		_, err = w.SignIn(ctx, "claire@example.org", password, "000000", nil)
		wantErr(t, "wrong code", err, vault.ErrSignIn)
		_, err = w.SignIn(ctx, "claire@example.org", password, code, nil)
		must(t, err)
		_, err = w.SignIn(ctx, "claire@example.org", password, code, nil)
		wantErr(t, "a code twice", err, vault.ErrSignIn)
		for range 8 {
			_, err = w.SignIn(ctx, "claire@example.org", "wrong", code, nil)
			wantErr(t, "wrong, again", err, vault.ErrSignIn)
		}
		w.now = w.now.Add(time.Minute)
		w.signIn() // nothing keeps the member out
		if w.EmailMark("Claire@Example.org ") != w.EmailMark("claire@example.org") || w.EmailMark("a@b") == w.EmailMark("a@c") {
			t.Error("addresses are told apart otherwise than at sign-in")
		}
	})
}

func TestWatch_keeps_no_session_alive(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		start := w.now
		for range 4 {
			w.now = w.now.Add(9 * time.Minute)
			_, err := w.Watch(t.Context(), w.cookie)
			if alive := w.now.Before(start.Add(30 * time.Minute)); alive != (err == nil) {
				t.Fatalf("after %v: %v", w.now.Sub(start), err)
			}
		}
		_, err := w.Member(t.Context(), w.cookie)
		wantErr(t, "half an hour of watching", err, vault.ErrSession)
	})
}

func TestPhone_shared_gets_no_link(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := andrei
		p.Shared = true
		s := w.enrol(p)
		id := w.deposit(s, "letter", "1")
		if w.holder(s).HasPhone() {
			t.Error("a shared phone is offered links")
		}
		wantErr(t, "a link to a shared phone", w.holder(s).SendLink(t.Context(), id, "2"), vault.ErrNoPhone)
	})
}

func TestStaff_admission(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		letters, err := w.Invite(ctx, w.relay.ID, "paul@example.org", "Paul")
		must(t, err)
		var invalid *vault.Invalid
		if _, _, err := w.Accept(ctx, letters, "short"); !errors.As(err, &invalid) || invalid.Field != "password" {
			t.Errorf("a short password: %v", err)
		}
		cookie, _ := w.hire(w.relay, "lea@example.org")
		m, err := w.Member(ctx, cookie)
		must(t, err)
		if people, err := m.People(ctx); m.Admitted() || err != nil || len(people) != 0 {
			t.Error("somebody not admitted sees people")
		}
		wantErr(t, "admitting oneself", m.Admit(ctx, "x"), vault.ErrForbidden)
		pending, err := w.member().Pending(ctx)
		must(t, err)
		if len(pending) != 1 || pending[0].Email != "lea@example.org" {
			t.Fatalf("pending: %v", pending)
		}
		must(t, w.member().Admit(ctx, pending[0].ID))
		for range 2 { // the second time the seed is adopted already
			m, err = w.Member(ctx, cookie)
			must(t, err)
			if _, err := m.Person(ctx, s.id); err != nil {
				t.Errorf("after admission: %v", err)
			}
		}
		_, err = w.Invitation(ctx, "0000000000000000")
		wantErr(t, "no invitation", err, vault.ErrNotFound)
		w.now = w.now.Add(8 * 24 * time.Hour)
		_, err = w.Invitation(ctx, letters)
		wantErr(t, "an old invitation", err, vault.ErrNotFound)
	})
}

func TestCall(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, err := w.CallState(ctx, w.device)
		wantErr(t, "no call", err, vault.ErrNotFound)
		first, err := w.Call(ctx, w.device, "ar")
		must(t, err)
		again, err := w.Call(ctx, w.device, "ar")
		must(t, err)
		if first.ID != again.ID || !first.SeenAt.IsZero() {
			t.Errorf("calling twice: %v, %v", first, again)
		}
		calls, err := w.member().Calls(ctx)
		must(t, err)
		if len(calls) != 1 || calls[0].Language != "ar" {
			t.Fatalf("calls %v", calls)
		}
		if c, err := w.CallState(ctx, w.device); err != nil || c.SeenAt.IsZero() || !c.AnsweredAt.IsZero() {
			t.Errorf("seen: %v %v", c, err)
		}
		other, _ := w.hire(w.addRelay("CCAS"), "paul@example.org")
		m, err := w.Member(ctx, other)
		must(t, err)
		wantErr(t, "another relay's desk", m.AnswerCall(ctx, first.ID), vault.ErrNotFound)
		must(t, w.member().AnswerCall(ctx, first.ID))
		if c, err := w.CallState(ctx, w.device); err != nil || c.AnsweredAt.IsZero() {
			t.Errorf("answered: %v %v", c, err)
		}
		must(t, w.EndCall(ctx, w.device))
		_, err = w.CallState(ctx, w.device)
		wantErr(t, "after its end", err, vault.ErrNotFound)
	})
}

func TestStore_holds_nothing_in_clear(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		w.deposit(s, "domiciliation", "1")
		must(t, w.holder(s).SendLink(t.Context(), w.holder(s).Papers()[0].ID, "2"))
		all := w.dump()
		for _, secret := range []string{"Munteanu", "639981042", "39 98 10 42", "1951", "Attestation", "domiciliation", s.card.Text(), s.pictures[0], "claire@example.org", "Claire", "c.example", password} {
			if bytes.Contains(all, []byte(secret)) {
				t.Errorf("%q stands in clear", secret)
			}
		}
		if !bytes.Contains(all, []byte("Les Tilleuls")) {
			t.Error("the search does not even find what is in clear")
		}
	})
}

// dump gives every value of every column.
func (w *world) dump() []byte {
	w.t.Helper()
	tables, err := database.Tables(w.t.Context(), w.db.Read())
	must(w.t, err)
	var out bytes.Buffer
	for _, table := range tables {
		rows, err := w.db.Read().Query(w.t.Context(), "SELECT "+strings.Join(table.Columns, ", ")+" FROM "+table.Name)
		must(w.t, err)
		for rows.Next() {
			values := make([]any, len(table.Columns))
			for i := range values {
				values[i] = new(any)
			}
			must(w.t, rows.Scan(values...))
			for _, v := range values {
				if b, ok := (*v.(*any)).([]byte); ok {
					out.Write(b)
				} else {
					fmt.Fprintln(&out, *v.(*any))
				}
			}
		}
		must(w.t, rows.Err())
		must(w.t, rows.Close())
	}
	return out.Bytes()
}
