package desk

import (
	"net/http"
	"time"

	"consigne/locales"
	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

// previewLine is a reminder as it would leave, or why it would not.
type previewLine struct {
	Name, When, Why string
	Text, Parts     string
}

// whyNot says why a reminder is not planned.
var whyNot = map[vault.NoReminder]string{
	vault.NoPhone: "Ne part pas : la personne n’a pas de téléphone.",
	vault.TooLate: "Ne part pas : son heure est déjà passée.",
	vault.InQuiet: "Ne part pas : ce serait pendant vos heures calmes.",
}

// preview shows the form again with what would leave, and keeps nothing.
func (d *desk) preview(w http.ResponseWriter, r *http.Request, m *vault.Member, f form, wanted vault.NewAppointment) error {
	previews, err := m.Preview(r.Context(), chi.URLParam(r, "person"), wanted)
	if err != nil {
		status, ok := f.refuse(err, "day", "hour", "place", "picture", "bring")
		if !ok || status == http.StatusNotFound {
			return err
		}
		return d.showAppointmentForm(w, r, m, status, f)
	}
	return d.showAppointmentForm(w, r, m, http.StatusOK, f, previewLines(previews, zoneOf(m.Relay()))...)
}

func previewLines(previews []vault.Preview, zone *time.Location) (lines []previewLine) {
	for _, p := range previews {
		line := previewLine{Name: reminderName(p.Kind), Why: whyNot[p.Why], Text: p.Text}
		if p.Why == "" {
			at := p.Due.In(zone)
			line.When = shortDay(at, at.Year()) + " à " + at.Format("15:04")
			line.Parts = parts(p.Segments, p.Encoding)
		}
		lines = append(lines, line)
	}
	return lines
}

// parts writes "2 segments UCS-2". GSM-7, the usual alphabet, is not named where
// it makes one segment: there is nothing to know.
func parts(segments int, e locales.Encoding) string {
	if segments == 0 {
		return ""
	}
	text := count(segments, "segment", "segments")
	if e == locales.UCS2 || segments > 1 {
		text += " " + string(e)
	}
	return text
}
