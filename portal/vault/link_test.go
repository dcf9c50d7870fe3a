package vault_test

import (
	"regexp"
	"sync"
	"testing"
	"time"

	"consigne/portal/vault"
)

var lettersPattern = regexp.MustCompile(`https://c\.example/l/([0-9A-Za-z]{16})\b`)

// leave lets the daemon take what is due, and gives the letters of the link in
// it.
func (w *world) leave() string {
	w.t.Helper()
	out, err := w.queue.Claim(w.t.Context(), 10, "test")
	must(w.t, err)
	if len(out) != 1 || out[0].To != "+33639981042" {
		w.t.Fatalf("%d messages leave", len(out))
	}
	m := lettersPattern.FindStringSubmatch(out[0].Text)
	if m == nil {
		w.t.Fatal("the message has no link")
	}
	return m[1]
}

func (w *world) sendLink(s someone, paper, once string) {
	w.t.Helper()
	must(w.t, w.holder(s).SendLink(w.t.Context(), paper, once))
}

func (w *world) wantLink(letters string, want vault.LinkState) {
	w.t.Helper()
	l, err := w.Link(w.t.Context(), letters)
	must(w.t, err)
	if l.State != want {
		w.t.Errorf("link is in state %d, want %d", l.State, want)
	}
}

func TestLink_opens_once_in_one_browser_for_ten_minutes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		id := w.deposit(s, "domiciliation", "1")
		w.sendLink(s, id, "2")
		wantErr(t, "form sent twice", w.holder(s).SendLink(ctx, id, "2"), vault.ErrRepeated)
		letters := w.leave()
		for range 5 {
			w.wantLink(letters, vault.LinkFresh) // looking burns nothing
		}
		l, err := w.Link(ctx, letters)
		must(t, err)
		if l.Mark != s.card.Mark() || l.Language != "fr" {
			t.Errorf("the link shows %+v", l)
		}
		_, err = w.LinkPage(ctx, letters, "", 1)
		wantErr(t, "a page before it is opened", err, vault.ErrLinkDead)
		browser, paper, until, err := w.OpenLink(ctx, letters, "")
		must(t, err)
		if paper.ID != id || paper.Pages != 1 || !until.Equal(w.now.Add(10*time.Minute).Truncate(time.Millisecond)) {
			t.Errorf("opened %+v until %v", paper, until)
		}
		w.wantLink(letters, vault.LinkUsed)
		c, err := w.LinkPage(ctx, letters, browser, 1)
		readPage(t, c, err)
		for _, other := range []string{"", "x", browser + "A"} {
			_, _, _, err = w.OpenLink(ctx, letters, other)
			wantErr(t, "another browser", err, vault.ErrLinkOther)
			_, err = w.LinkPage(ctx, letters, other, 1)
			wantErr(t, "another browser's page", err, vault.ErrLinkOther)
		}
		w.now = w.now.Add(9 * time.Minute)
		if _, _, _, err = w.OpenLink(ctx, letters, browser); err != nil {
			t.Errorf("again in the same browser: %v", err)
		}
		w.now = w.now.Add(2 * time.Minute)
		_, _, _, err = w.OpenLink(ctx, letters, browser)
		wantErr(t, "after ten minutes", err, vault.ErrLinkDead)
		_, err = w.LinkPage(ctx, letters, browser, 1)
		wantErr(t, "its page after ten minutes", err, vault.ErrLinkDead)
		must(t, w.Sweep(ctx))
		if n := w.count("SELECT count(*) FROM link WHERE item_key IS NOT NULL"); n != 0 {
			t.Error("the key stays in the link's row")
		}
		w.wantLink(letters, vault.LinkUsed)
	})
}

func TestLink_not_before_its_message_left_nor_after_a_day(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		w.sendLink(s, w.deposit(s, "letter", "1"), "2")
		letters := w.leave()
		must(t, w.exec("DELETE FROM attempt"))
		must(t, w.exec("UPDATE message SET attempts = 0, state = 'planned'"))
		w.wantLink(letters, vault.LinkNotYet)
		_, _, _, err := w.OpenLink(ctx, letters, "")
		wantErr(t, "before its message left", err, vault.ErrLinkDead)
		if again := w.leave(); again != letters {
			t.Fatal("another link left")
		}
		w.now = w.now.Add(25 * time.Hour)
		w.wantLink(letters, vault.LinkExpired)
		_, _, _, err = w.OpenLink(ctx, letters, "")
		wantErr(t, "after a day", err, vault.ErrLinkDead)
		w.wantLink("0000000000000000", vault.LinkGone)
		_, _, _, err = w.OpenLink(ctx, "0000000000000000", "")
		wantErr(t, "guessed", err, vault.ErrLinkDead)
	})
}

func TestLink_two_browsers_at_once(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		w.sendLink(s, w.deposit(s, "letter", "1"), "2")
		letters := w.leave()
		var wait sync.WaitGroup
		one, two := vault.NewBrowser(), vault.NewBrowser()
		opened := make(chan string, 8)
		for i := range 8 {
			browser := []string{one, two}[i%2]
			wait.Go(func() {
				if got, _, _, err := w.OpenLink(t.Context(), letters, browser); err == nil {
					opened <- got
				}
			})
		}
		wait.Wait()
		close(opened)
		winner := <-opened
		if len(opened) != 3 || winner != one && winner != two {
			t.Errorf("%d touches more of %q opened it", len(opened), winner)
		}
		for got := range opened {
			if got != winner {
				t.Error("two browsers opened it")
			}
		}
	})
}
