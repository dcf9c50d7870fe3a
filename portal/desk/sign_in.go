package desk

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"consigne/portal/vault"
	"consigne/portal/web"
)

type signInPage struct {
	frame
	Form form
}

// signInNotes say why somebody finds themselves at the sign-in page.
var signInNotes = map[string]string{
	"ended": "Votre session est terminée. Ce qui n’était pas envoyé n’est pas enregistré. Entrez de nouveau.",
	"left":  "Votre session est fermée.",
}

func (d *desk) signInForm(w http.ResponseWriter, r *http.Request) {
	page := signInPage{frame: frame{Title: "Entrer au guichet"}, Form: newForm()}
	page.Notice = signInNotes[r.URL.Query().Get("note")]
	d.pages.Render(w, r, http.StatusOK, "sign-in", page)
}

func (d *desk) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, nil)
		return
	}
	f := typedForm(r.PostForm)
	try, wait := d.takeTry(r, f.Value("email"))
	if wait > 0 {
		d.pages.Render(w, r, slowed(w, &f, wait), "sign-in", signInPage{frame: frame{Title: "Entrer au guichet"}, Form: f})
		return
	}
	guessed := false
	cookie, err := d.vault.SignIn(r.Context(), f.Value("email"), r.PostForm.Get("password"), plainDigits(f.Value("code")), func() bool {
		if d.places.has(try) {
			return true
		}
		guessed = d.codes.Take(try.email) == 0
		return guessed
	})
	if guessed && !errors.Is(err, vault.ErrSignIn) {
		d.codes.Give(try.email)
	}
	if err == nil {
		d.giveBack(try)
		d.tries.Forget(try)
		d.places.add(try)
		d.remember(w, r, memberCookie, cookie)
		http.Redirect(w, r, "/desk/", http.StatusSeeOther)
		return
	}
	status, ok := f.refuse(err)
	if !ok {
		d.giveBack(try) // the fault is ours
		d.fail(w, r, nil, err)
		return
	}
	d.pages.Render(w, r, status, "sign-in", signInPage{frame: frame{Title: "Entrer au guichet"}, Form: f})
}

// Wrong tries to sign in before it slows down. They are counted by e-mail address
// and network, so that somebody elsewhere cannot hold up a member, and for
// addresses that nobody has as for others; and by network alone, for who tries many
// addresses. A whole relay may be one network.
//
// Codes beside the right password are counted by e-mail address alone: who has the
// password has six digits left to guess, and perhaps many networks to guess from.
// Beyond the count every code is a wrong one, which tells nobody that the password was
// right; but not where the member has signed in before, so that nobody holds them up.
const (
	triesEach    = 5
	tryEvery     = time.Minute
	triesNetwork = 30
	networkEvery = 10 * time.Second
)

// A signInTry is what a try is counted by.
type signInTry struct {
	email   emailMark
	network netip.Prefix
}

type emailMark [32]byte

// takeTry counts a try before it is made, so that trying in parallel gains
// nothing, or tells how long to wait.
func (d *desk) takeTry(r *http.Request, email string) (signInTry, time.Duration) {
	try := signInTry{d.vault.EmailMark(email), web.ClientNetwork(r)}
	if wait := d.tries.Take(try); wait > 0 {
		return try, wait
	}
	wait := d.networks.Take(try.network)
	if wait > 0 {
		d.tries.Give(try) // it was not made
	}
	return try, wait
}

// giveBack is for a try that was not a wrong one.
func (d *desk) giveBack(try signInTry) {
	d.tries.Give(try)
	d.networks.Give(try.network)
}

// places are where members have signed in since the program's start.
type places struct {
	mu  sync.Mutex
	all map[signInTry]bool
}

const maxPlaces = 5000

func newPlaces() *places { return &places{all: map[signInTry]bool{}} }

func (p *places) has(t signInTry) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all[t]
}

// add remembers one more; of too many it forgets any.
func (p *places) add(t signInTry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for old := range p.all {
		if len(p.all) < maxPlaces {
			break
		}
		delete(p.all, old)
	}
	p.all[t] = true
}

// slowed tells somebody who tried too often how long to wait.
func slowed(w http.ResponseWriter, f *form, wait time.Duration) (status int) {
	seconds := (wait + time.Second - 1).Truncate(time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(int(seconds.Seconds())))
	f.Top = "Trop d’essais. Attendez " + span(seconds) + ", puis recommencez. Votre compte n’est pas bloqué."
	return http.StatusTooManyRequests
}

func (d *desk) signOut(w http.ResponseWriter, r *http.Request) {
	m, err := d.vault.Member(r.Context(), web.CookieValue(r, memberCookie))
	if err == nil {
		err = m.SignOut(r.Context())
	}
	if err != nil && !errors.Is(err, vault.ErrSession) {
		d.fail(w, r, nil, err)
		return
	}
	d.forget(w, r)
	http.Redirect(w, r, "/desk/sign-in?note=left", http.StatusSeeOther)
}
