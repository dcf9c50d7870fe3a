package desk

import (
	"context"
	"errors"
	"net/http"

	"consigne/portal/vault"
	"consigne/portal/web"
)

// The two cookies of the desk. Both are opaque strings of the vault's.
const (
	memberCookie = "consigne_member" // a signed-in member
	setupCookie  = "consigne_setup"  // a member who still has to show a code
	cookiePath   = "/desk"
)

// action is what a signed-in and admitted member does. An error that it returns
// has no form to be shown in; it becomes a page of its own.
type action func(w http.ResponseWriter, r *http.Request, m *vault.Member) error

// signed runs an action for an admitted member and sends everybody else to where
// they have to go first.
func (d *desk) signed(a action) http.HandlerFunc { return d.opened(d.vault.Member, a) }

// watched is signed for what a page asks by itself: it keeps no session alive.
func (d *desk) watched(a action) http.HandlerFunc { return d.opened(d.vault.Watch, a) }

func (d *desk) opened(open func(context.Context, string) (*vault.Member, error), a action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		cookie := web.CookieValue(r, memberCookie)
		if cookie == "" {
			d.sendAway(w, r, "/desk/sign-in")
			return
		}
		m, err := open(r.Context(), cookie)
		switch {
		case errors.Is(err, vault.ErrSession):
			d.forget(w, r)
			d.sendAway(w, r, "/desk/sign-in?note=ended")
		case err != nil:
			d.fail(w, r, nil, err)
		case !m.Admitted():
			d.sendAway(w, r, "/desk/admission")
		default:
			d.run(w, r, m, a)
		}
	}
}

func (d *desk) run(w http.ResponseWriter, r *http.Request, m *vault.Member, a action) {
	err := a(w, r, m)
	if errors.Is(err, vault.ErrSession) {
		d.forget(w, r)
		d.sendAway(w, r, "/desk/sign-in?note=ended")
		return
	}
	if err != nil {
		d.fail(w, r, m, err)
	}
}

// sendAway redirects a browser, and tells a script where its page has to go: a
// script that followed the redirect would read the sign-in page as its answer.
func (d *desk) sendAway(w http.ResponseWriter, r *http.Request, address string) {
	if wantsJSON(r) {
		answerJSON(w, http.StatusUnauthorized, map[string]string{"next": address})
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}

func (d *desk) remember(w http.ResponseWriter, r *http.Request, name, value string) {
	http.SetCookie(w, web.Cookie(r, name, value, cookiePath, 0))
}

// forget takes back both cookies.
func (d *desk) forget(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{memberCookie, setupCookie} {
		http.SetCookie(w, web.Cookie(r, name, "", cookiePath, -1))
	}
}
