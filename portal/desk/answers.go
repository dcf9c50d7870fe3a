package desk

import (
	"net/http"
	"net/url"
	"time"

	"consigne/portal/vault"
	"consigne/smsd/queue"

	"github.com/go-chi/chi/v5"
)

// answerLine is what somebody answered, as the desk reads it.
type answerLine struct {
	ID      string
	Person  *personLine // nil: several people share that phone, or it is nobody's here
	Number  string      // to call it
	State   state
	Text    string // their own words, in whatever language
	About   string // the appointment
	When    string // and by what way
	WrongOf bool   // whoever reads there is somebody else
	Sealed  bool   // it no longer opens
	item    string // the appointment's id
	back    string
}

// meanings are the answers as a sign and a word.
var meanings = map[queue.Meaning]state{
	queue.Yes:      {"check-circle", "Vient", "good"},
	queue.No:       {"x-circle", "Ne vient pas", "bad"},
	queue.WrongOne: {"device-mobile", "Ce n’est pas elle", "held"},
	queue.Stop:     {"prohibit", "A répondu STOP", "held"},
	queue.Start:    {"bell", "Veut de nouveau des SMS", "good"},
	queue.Words:    {"info", "A écrit", "unsure"},

	queue.Unreadable: {"question", "Illisible", "unsure"},
}

// unanswered stands where a coming appointment was not answered.
var unanswered = state{"question", "Sans réponse", "plain"}

// ways say how an answer came.
var ways = map[string]string{"sms": "par SMS", "link": "par le lien", "kiosk": "à la borne"}

func meaningOf(m queue.Meaning) state {
	if st, ok := meanings[m]; ok {
		return st
	}
	return meanings[queue.Words]
}

func (d *desk) answerLines(rows []vault.AnswerRow, relay vault.Relay) []answerLine {
	zone := zoneOf(relay)
	lines := make([]answerLine, 0, len(rows))
	for _, row := range rows {
		line := answerLine{
			ID: row.ID, State: meaningOf(row.Meaning), Text: row.Text, WrongOf: row.Meaning == queue.WrongOne, Sealed: row.Meaning == queue.Unreadable,
			When: moment(row.At, zone),
		}
		if way, ok := ways[row.By]; ok {
			line.When += ", " + way
		}
		if row.Person != nil {
			person := linePerson(*row.Person)
			line.Person, line.Number = &person, row.Person.Phone
		}
		if row.Appointment != nil {
			start := row.Appointment.Start
			if row.Old() {
				start = row.Start.In(start.Location())
			}
			line.item, line.About = row.Appointment.ID, shortDay(start, d.now().In(start.Location()).Year())+" à "+start.Format("15:04")
			if row.Old() {
				line.About += ", pour l’ancienne heure"
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// Back is where the form leads once the answer was seen to; "" is the list.
func (a answerLine) Back() string { return a.back }

// answersOf keeps the answers of one person, for that person's page.
func answersOf(lines []answerLine, person string) (out []answerLine) {
	for _, line := range lines {
		if line.Person != nil && line.Person.ID == person {
			line.back = person
			out = append(out, line)
		}
	}
	return out
}

// latest is what was answered about an appointment last: what stands in its
// record, or what waits for somebody to see to it.
func latest(a vault.Appointment, waiting []vault.AnswerRow) (queue.Meaning, bool) {
	meaning, at := a.Answer.Said, a.Answer.At
	for _, row := range waiting {
		told := row.Meaning == queue.Yes || row.Meaning == queue.No
		if told && !row.Old() && row.Appointment != nil && row.Appointment.ID == a.ID && row.At.After(at) {
			meaning, at = row.Meaning, row.At
		}
	}
	return meaning, !at.IsZero()
}

// answerTo says what was answered about an appointment, as a sign and a word. Of
// a past one that was not answered there is nothing to say.
func answerTo(a vault.Appointment, waiting []vault.AnswerRow, now time.Time) *state {
	meaning, answered := latest(a, waiting)
	if !answered && !a.Start.After(now) {
		return nil
	}
	st := unanswered
	if answered {
		st = meaningOf(meaning)
	}
	return &st
}

// answerSeen notes that somebody has seen to an answer.
func (d *desk) answerSeen(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	if err := m.AnswerSeen(r.Context(), chi.URLParam(r, "answer")); err != nil {
		return err
	}
	next := "/desk/messages"
	if person := r.PostForm.Get("back"); person != "" {
		next = "/desk/people/" + url.PathEscape(person)
	}
	http.Redirect(w, r, next+"?done=seen", http.StatusSeeOther)
	return nil
}
