package vault_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"consigne/portal/vault"
	"consigne/smsd/queue"
)

// remind lets time go by until a person's next reminder leaves, and gives its text
// and the letters of the link in it, empty for none.
func (w *world) remind(a vault.Appointment) (text, letters string) {
	w.t.Helper()
	for _, r := range a.Messages {
		if r.Due.After(w.now) {
			w.now = r.Due.Add(time.Second)
			break
		}
	}
	out, err := w.queue.Claim(w.t.Context(), 10, "test")
	must(w.t, err)
	if len(out) != 1 {
		w.t.Fatalf("%d messages leave", len(out))
	}
	if m := lettersPattern.FindStringSubmatch(out[0].Text); m != nil {
		letters = m[1]
	}
	return out[0].Text, letters
}

// open unlocks a person's vault again, after their session ended.
func (w *world) open(s someone) string {
	w.t.Helper()
	cookie, err := w.unlock(s, s.pictures)
	must(w.t, err)
	return cookie
}

func (w *world) said(s someone) (out []queue.Meaning) {
	w.t.Helper()
	w.cookie = w.signIn()
	all, err := w.member().Appointments(w.t.Context(), s.id)
	must(w.t, err)
	for _, a := range all {
		out = append(out, a.Answer.Said)
	}
	return out
}

func TestAnswerLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		_, letters := w.remind(w.appoint(s, 26, 14, "1"))
		l, err := w.Link(ctx, letters)
		must(t, err)
		if l.State != vault.LinkFresh || l.Purpose != vault.ToAppointment || l.Mark != s.card.Mark() || l.Start.Format("02 15:04 MST") != "26 14:30 CET" {
			t.Errorf("the link shows %+v", l)
		}
		_, _, _, err = w.OpenLink(ctx, letters, "")
		wantErr(t, "opened like a paper's", err, vault.ErrLinkDead)
		_, err = w.LinkPage(ctx, letters, "", 1)
		wantErr(t, "a page of it", err, vault.ErrLinkDead)
		_, err = w.AnsweredLink(ctx, letters, vault.NewBrowser())
		wantErr(t, "asked before it is answered", err, vault.ErrLinkDead)
		var invalid *vault.Invalid
		if _, _, err := w.AnswerLink(ctx, letters, "", queue.Start); !errors.As(err, &invalid) {
			t.Errorf("an answer that is none: %v", err)
		}
		browser, a, err := w.AnswerLink(ctx, letters, "", queue.Yes)
		must(t, err)
		if a.Said != queue.Yes || a.Phone != w.relay.Phone || !a.Until.Equal(w.now.Add(10*time.Minute).Truncate(time.Millisecond)) {
			t.Errorf("answered %+v", a)
		}
		if n := w.count("SELECT count(*) FROM journal"); n != 3 { // enrolled, planned, answered
			t.Errorf("%d journal entries", n)
		}
		_, _, err = w.AnswerLink(ctx, letters, "", queue.No)
		wantErr(t, "another browser", err, vault.ErrLinkOther)
		_, _, err = w.AnswerLink(ctx, letters, browser, queue.No)
		must(t, err)
		if got := w.said(s); len(got) != 1 || got[0] != queue.No || w.count("SELECT count(*) FROM answer") != 2 {
			t.Errorf("the desk sees %v", got)
		}
		w.now = w.now.Add(11 * time.Minute)
		_, _, err = w.AnswerLink(ctx, letters, browser, queue.Yes)
		wantErr(t, "after ten minutes", err, vault.ErrLinkDead)
		must(t, w.Sweep(ctx))
		if n := w.count("SELECT count(*) FROM link WHERE opened <> 0 AND item_key IS NOT NULL"); n != 0 {
			t.Error("the key stays in the link's row")
		}
		w.wantLink(letters, vault.LinkUsed)
		if got := w.said(s); got[0] != queue.No {
			t.Errorf("the desk sees %v", got)
		}
	})
}

func TestAnswerLink_two_browsers_at_once(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		_, letters := w.remind(w.appoint(s, 26, 14, "1"))
		browsers := []string{vault.NewBrowser(), vault.NewBrowser()}
		won := make(chan string, 8)
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				if _, _, err := w.AnswerLink(t.Context(), letters, browsers[i%2], queue.Yes); err == nil {
					won <- browsers[i%2]
				} else if !errors.Is(err, vault.ErrLinkOther) {
					t.Errorf("touch %d: %v", i, err)
				}
			})
		}
		wait.Wait()
		close(won)
		if len(won) != 4 {
			t.Errorf("%d touches of the one browser, want 4", len(won))
		}
		if n := w.count("SELECT count(*) FROM answer"); n != 1 {
			t.Errorf("%d answers, want 1", n)
		}
	})
}

func TestAnswerLink_not_before_its_message_left_nor_after_the_hour(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		_, letters := w.remind(w.appoint(s, 26, 14, "1"))
		must(t, w.exec("DELETE FROM attempt"))
		must(t, w.exec("UPDATE message SET attempts = 0, state = 'planned'"))
		w.wantLink(letters, vault.LinkNotYet)
		_, _, err := w.AnswerLink(ctx, letters, "", queue.Yes)
		wantErr(t, "before its message left", err, vault.ErrLinkDead)
		_, err = w.queue.Claim(ctx, 10, "test")
		must(t, err)
		w.wantLink(letters, vault.LinkFresh)
		w.now = time.Date(2026, 11, 26, 14, 30, 0, 0, paris(t))
		w.wantLink(letters, vault.LinkExpired)
		_, _, err = w.AnswerLink(ctx, letters, "", queue.Yes)
		wantErr(t, "at the hour", err, vault.ErrLinkDead)
		_, _, err = w.AnswerLink(ctx, "0000000000000000", "", queue.Yes)
		wantErr(t, "guessed", err, vault.ErrLinkDead)
		if n := w.count("SELECT count(*) FROM answer"); n != 0 {
			t.Errorf("%d answers", n)
		}
	})
}

// Who is told what depends on the phone and on what the sender can do.
func TestReminder_offers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		own := w.enrol(andrei)
		text, letters := w.remind(w.appoint(own, 24, 14, "1"))
		if letters == "" || !strings.HasPrefix(text, "Rappel : demain mardi 24 novembre, 14:30, CCAS du quartier Gare. Répondre : https://c.example/l/") {
			t.Errorf("one-way: %q", text)
		}
		if n := w.count("SELECT count(*) FROM reply"); n != 2 {
			t.Errorf("%d messages expect an answer, want 2", n)
		}
		must(t, w.queue.SetCapability(ctx, queue.TwoWay))
		w.now = w.now.Add(24 * time.Hour)
		w.cookie = w.signIn()
		text, letters = w.remind(w.appoint(own, 26, 14, "2"))
		if letters != "" || text != "Rappel : demain jeudi 26 novembre, 14:30, CCAS du quartier Gare. Répondez 1 oui, 2 non." {
			t.Errorf("two-way: %q", text)
		}
	})
}

func TestReminder_shared_phone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := andrei
		p.Shared = true
		s := w.enrol(p)
		text, letters := w.remind(w.appoint(s, 26, 14, "1"))
		if letters != "" || text != "Rappel : jeudi 26 novembre, 14:30." {
			t.Errorf("%q", text)
		}
		if n := w.count("SELECT count(*) FROM reply") + w.count("SELECT count(*) FROM link"); n != 0 {
			t.Errorf("%d links and expected answers", n)
		}
	})
}

func TestPhoneHealth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		a := w.appoint(s, 26, 14, "1")
		_, letters := w.remind(a)
		_, _, err := w.AnswerLink(ctx, letters, "", queue.WrongOne)
		must(t, err)
		w.cookie, s.cookie = w.signIn(), w.open(s)
		if why, err := w.member().PhoneHealth(ctx, s.id); err != nil || why != queue.NotMe {
			t.Errorf("the desk hears %q, %v", why, err)
		}
		if why, err := w.holder(s).PhoneHealth(ctx); err != nil || why != queue.NotMe {
			t.Errorf("the holder hears %q, %v", why, err)
		}
		id := w.deposit(s, "letter", "2")
		wantErr(t, "a link to a sick phone", w.holder(s).SendLink(ctx, id, "3"), vault.ErrSick)
		b := w.appoint(s, 30, 14, "4")
		if n := w.count("SELECT count(*) FROM reply WHERE message_id = ?", b.Messages[0].MessageID); n != 0 {
			t.Error("an answer is expected from a sick phone")
		}
		w.now = w.now.Add(time.Second)
		must(t, w.holder(s).ConfirmPhone(ctx))
		if why, err := w.holder(s).PhoneHealth(ctx); err != nil || why != "" {
			t.Errorf("confirmed, the holder hears %q, %v", why, err)
		}
		if why, err := w.member().PhoneHealth(ctx, s.id); err != nil || why != "" {
			t.Errorf("confirmed, the desk hears %q, %v", why, err)
		}
		must(t, w.holder(s).SendLink(ctx, id, "3"))
		p := andrei
		p.Phone = ""
		none := w.enrol(p)
		wantErr(t, "no phone", w.holder(none).ConfirmPhone(ctx), vault.ErrNoPhone)
	})
}

func TestSendLink_ten_a_day(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		id := w.deposit(s, "letter", "0")
		for i := range 10 {
			must(t, w.holder(s).SendLink(ctx, id, string(rune('a'+i))))
		}
		wantErr(t, "the eleventh", w.holder(s).SendLink(ctx, id, "k"), vault.ErrEnough)
		if n := w.count("SELECT count(*) FROM link"); n != 10 || w.count("SELECT count(*) FROM message") != 10 {
			t.Errorf("%d links", n)
		}
		w.now = w.now.Add(25 * time.Hour)
		s.cookie = w.open(s)
		must(t, w.holder(s).SendLink(ctx, id, "k"))
	})
}

func TestAnswer_at_the_kiosk(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s, other := w.enrol(andrei), w.enrol(andrei)
		a := w.appoint(s, 26, 14, "1")
		for _, said := range []queue.Meaning{queue.Yes, queue.Yes, queue.No} {
			w.now = w.now.Add(time.Second)
			must(t, w.holder(s).Answer(ctx, a.ID, said))
			if got := w.holder(s).Appointments()[0].Answer; got.Said != said || got.By != "kiosk" {
				t.Errorf("answered %+v, want %s", got, said)
			}
		}
		if n := w.count("SELECT count(*) FROM answer"); n != 2 {
			t.Errorf("%d answers, want 2", n)
		}
		wantErr(t, "somebody else's", w.holder(other).Answer(ctx, a.ID, queue.Yes), vault.ErrNotFound)
		var invalid *vault.Invalid
		if err := w.holder(s).Answer(ctx, a.ID, queue.Stop); !errors.As(err, &invalid) {
			t.Errorf("no yes or no: %v", err)
		}
		w.now = time.Date(2026, 11, 26, 14, 30, 0, 0, paris(t))
		s.cookie = w.open(s)
		wantErr(t, "a past one", w.holder(s).Answer(ctx, a.ID, queue.Yes), vault.ErrNotFound)
	})
}
