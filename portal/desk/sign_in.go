package desk

import (
	"errors"
	"net/http"
	"strconv"
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
	cookie, err := d.vault.SignIn(r.Context(), f.Value("email"), r.PostForm.Get("password"), plainDigits(f.Value("code")))
	if err == nil {
		d.remember(w, r, memberCookie, cookie)
		http.Redirect(w, r, "/desk/", http.StatusSeeOther)
		return
	}
	status, ok := d.slowed(w, &f, err)
	if !ok {
		status, ok = f.refuse(err)
	}
	if !ok {
		d.fail(w, r, nil, err)
		return
	}
	d.pages.Render(w, r, status, "sign-in", signInPage{frame: frame{Title: "Entrer au guichet"}, Form: f})
}

// slowed tells somebody who tried too often how long to wait.
func (d *desk) slowed(w http.ResponseWriter, f *form, err error) (status int, ok bool) {
	var soon *vault.TooSoon
	if !errors.As(err, &soon) {
		return 0, false
	}
	wait := max(soon.Until.Sub(d.now()), time.Second).Round(time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	f.Top = "Trop d’essais. Attendez " + span(wait) + ", puis recommencez. Votre compte n’est pas bloqué."
	return http.StatusTooManyRequests, true
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
