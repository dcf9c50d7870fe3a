package desk

import (
	"fmt"
	"net/http"

	"consigne/portal/plan"
	"consigne/portal/vault"
)

// setQuiet chooses the hours in which no reminder of the relay leaves.
func (d *desk) setQuiet(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	f := typedForm(r.PostForm)
	var q plan.Quiet
	for field, minutes := range map[string]*int{"quiet_from": &q.From, "quiet_until": &q.Until} {
		hour, minute, ok := parseHour(f.Value(field))
		if !ok {
			f.mark(field)
		}
		*minutes = hour*60 + minute
	}
	if f.OK() {
		err := m.SetQuiet(r.Context(), q)
		if err == nil {
			http.Redirect(w, r, "/desk/team?done=quiet", http.StatusSeeOther)
			return nil
		}
		if _, ok := f.refuse(err); !ok {
			return err
		}
	}
	return d.showTeam(w, r, m, teamPage{Quiet: f}, http.StatusUnprocessableEntity)
}

// quietForm is the form filled with the hours as they are.
func quietForm(q plan.Quiet) form {
	f := newForm()
	f.values.Set("quiet_from", clock(q.From))
	f.values.Set("quiet_until", clock(q.Until))
	return f
}

// clock writes minutes after midnight as "08:30".
func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
