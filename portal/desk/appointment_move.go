package desk

import (
	"errors"
	"net/http"
	"net/url"

	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

// moveForm is the form of an appointment, filled with how it stands.
func (d *desk) moveForm(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	a, err := appointmentOf(r, m)
	if err != nil {
		return err
	}
	f := newForm()
	f.values = url.Values{
		"day": {day(vault.DateOf(a.Start))}, "hour": {a.Start.Format("15:04")}, "place": {a.Place}, "picture": {a.Picture}, "bring": a.Bring,
	}
	return d.showAppointmentForm(w, r, m, http.StatusOK, f)
}

// appointmentOf finds the appointment that an address names, at its person.
func appointmentOf(r *http.Request, m *vault.Member) (vault.Appointment, error) {
	all, err := m.Appointments(r.Context(), chi.URLParam(r, "person"))
	if err != nil {
		return vault.Appointment{}, err
	}
	for _, a := range all {
		if a.ID == chi.URLParam(r, "appointment") {
			return a, nil
		}
	}
	return vault.Appointment{}, vault.ErrNotFound
}

// move gives an appointment another hour or place, and its reminders with it.
func (d *desk) move(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	if _, err := appointmentOf(r, m); err != nil {
		return err
	}
	f := typedForm(r.PostForm)
	wanted := readAppointment(&f)
	if !f.OK() {
		return d.showAppointmentForm(w, r, m, http.StatusUnprocessableEntity, f)
	}
	if f.Value("preview") != "" {
		return d.preview(w, r, m, f, wanted)
	}
	moved, err := m.Move(r.Context(), chi.URLParam(r, "appointment"), wanted)
	if errors.Is(err, vault.ErrRepeated) {
		moved, err = appointmentOf(r, m) // says again what it said the first time
	}
	done := "moved"
	switch {
	case err != nil:
		status, ok := f.refuse(err, "day", "hour", "place", "picture", "bring")
		if !ok || status == http.StatusNotFound {
			return err
		}
		return d.showAppointmentForm(w, r, m, status, f)
	case told(moved):
		done = "moved-told"
	}
	http.Redirect(w, r, "/desk/people/"+chi.URLParam(r, "person")+"?done="+done, http.StatusSeeOther)
	return nil
}

// told tells whether the person may have read an hour that no longer holds.
func told(a vault.Appointment) bool {
	for _, reminder := range a.Messages {
		if reminder.Old {
			return true
		}
	}
	return false
}

// cancelAppointment takes an appointment back, and its reminders with it.
func (d *desk) cancelAppointment(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	person := chi.URLParam(r, "person")
	if _, err := m.Person(r.Context(), person); err != nil {
		return err
	}
	left, err := m.CancelAppointment(r.Context(), person, chi.URLParam(r, "appointment"), r.PostForm.Get("once"))
	done := "cancelled"
	switch {
	case errors.Is(err, vault.ErrRepeated):
		done = "cancelled-before" // it is gone, and with it what had left
	case errors.Is(err, vault.ErrPast):
		done = "past"
	case err != nil:
		return err
	case left:
		done = "cancelled-told"
	}
	http.Redirect(w, r, "/desk/people/"+person+"?done="+done, http.StatusSeeOther)
	return nil
}
