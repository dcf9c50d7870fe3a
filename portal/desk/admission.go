package desk

import (
	"errors"
	"net/http"

	"consigne/portal/vault"
	"consigne/portal/web"
)

type admissionPage struct {
	frame
	Name string
}

// admission is where a new member waits until a colleague lets them in.
func (d *desk) admission(w http.ResponseWriter, r *http.Request) {
	m, err := d.vault.Member(r.Context(), web.CookieValue(r, memberCookie))
	switch {
	case errors.Is(err, vault.ErrSession):
		d.forget(w, r)
		d.sendAway(w, r, "/desk/sign-in?note=ended")
	case err != nil:
		d.fail(w, r, nil, err)
	case m.Admitted():
		http.Redirect(w, r, "/desk/", http.StatusSeeOther)
	default:
		d.pages.Render(w, r, http.StatusOK, "admission", admissionPage{
			frame: frame{Title: "Un collègue doit encore vous admettre", Relay: m.Relay()}, Name: m.Name(),
		})
	}
}
