package desk

import (
	"net/http"
	"slices"

	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

type teamPage struct {
	frame
	Colleagues []vault.Colleague // who works here already
	Pending    []vault.Colleague
	Kiosks     []kioskLine
	Code       [2]string // eight digits in two groups, shown once
	Quiet      form      // the hours in which no reminder leaves
}

func (d *desk) team(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	return d.showTeam(w, r, m, teamPage{}, http.StatusOK)
}

// showTeam completes a page that may bring a code, or a form that was refused.
func (d *desk) showTeam(w http.ResponseWriter, r *http.Request, m *vault.Member, page teamPage, status int) error {
	var err error
	if page.frame, err = d.frame(r, m, "Équipe et accès", "team"); err != nil {
		return err
	}
	if page.Pending, err = m.Pending(r.Context()); err != nil {
		return err
	}
	all, err := d.vault.Staff(r.Context(), m.Relay().ID)
	if err != nil {
		return err
	}
	page.Colleagues = without(all, page.Pending)
	devices, err := m.Devices(r.Context())
	if err != nil {
		return err
	}
	page.Kiosks = kioskLines(devices, d.now())
	if page.Quiet.values == nil {
		quiet, err := m.Quiet(r.Context())
		if err != nil {
			return err
		}
		page.Quiet = quietForm(quiet)
	}
	d.pages.Render(w, r, status, "team", page)
	return nil
}

// backToTeam is for somebody who reloads the address at which a code was shown.
func (d *desk) backToTeam(w http.ResponseWriter, r *http.Request, _ *vault.Member) error {
	http.Redirect(w, r, "/desk/team", http.StatusSeeOther)
	return nil
}

// without leaves out those who still wait to be admitted.
func without(all, pending []vault.Colleague) []vault.Colleague {
	return slices.DeleteFunc(all, func(c vault.Colleague) bool { return slices.Contains(pending, c) })
}

// admit lets a colleague who accepted an invitation work at this relay.
func (d *desk) admit(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := m.Admit(r.Context(), chi.URLParam(r, "member")); err != nil {
		return err
	}
	http.Redirect(w, r, "/desk/team?done=admitted", http.StatusSeeOther)
	return nil
}

// deviceCode makes the code by which a kiosk is enrolled. It answers the POST
// with the page itself: the code is shown once and stands in no address.
func (d *desk) deviceCode(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	code, err := m.DeviceCode(r.Context())
	if err != nil {
		return err
	}
	half := len(code) / 2
	return d.showTeam(w, r, m, teamPage{Code: [2]string{code[:half], code[half:]}}, http.StatusOK)
}
