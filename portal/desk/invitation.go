package desk

import (
	"errors"
	"net/http"

	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

type invitationPage struct {
	frame
	Invitation vault.Invitation
	Form       form
}

func (d *desk) invitationForm(w http.ResponseWriter, r *http.Request) {
	d.showInvitation(w, r, http.StatusOK, newForm())
}

func (d *desk) showInvitation(w http.ResponseWriter, r *http.Request, status int, f form) {
	invitation, err := d.vault.Invitation(r.Context(), chi.URLParam(r, "letters"))
	if errors.Is(err, vault.ErrNotFound) {
		d.pages.Render(w, r, http.StatusNotFound, "trouble", troublePage{
			frame: frame{Title: "Cette invitation ne vaut plus"},
			Text:  "Elle a déjà servi, ou elle a plus de sept jours. Demandez-en une nouvelle à votre relais.",
		})
		return
	}
	if err != nil {
		d.fail(w, r, nil, err)
		return
	}
	d.pages.Render(w, r, status, "invitation", invitationPage{
		frame: frame{Title: "Bienvenue au guichet"}, Invitation: invitation, Form: f,
	})
}

// accept takes the new member's password and sends them on to set up the codes of
// their phone.
func (d *desk) accept(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, nil)
		return
	}
	f := typedForm(r.PostForm)
	password := r.PostForm.Get("password")
	if password != r.PostForm.Get("again") {
		f.mark("again")
		d.showInvitation(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	cookie, _, err := d.vault.Accept(r.Context(), chi.URLParam(r, "letters"), password)
	switch {
	case err == nil:
		d.remember(w, r, setupCookie, cookie)
		http.Redirect(w, r, "/desk/setup", http.StatusSeeOther)
	case errors.Is(err, vault.ErrNotFound):
		d.showInvitation(w, r, http.StatusNotFound, f)
	default:
		status, ok := f.refuse(err, "password")
		if !ok {
			d.fail(w, r, nil, err)
			return
		}
		d.showInvitation(w, r, status, f)
	}
}
