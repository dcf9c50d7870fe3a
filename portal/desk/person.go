package desk

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/smsd/queue"

	"github.com/go-chi/chi/v5"
)

type personPage struct {
	frame
	Person       personRow
	Number       string // the whole number, for a call; shown on demand
	Answers      []answerLine
	Cards        []cardLine
	Shared       []sharedLine
	Appointments []appointmentLine
	Form         form // of the deposit
	Kinds        []choice
	MaxUpload    int64
}

type sharedLine struct {
	ID, Kind, Title, Validity, Until, Rest string
}

type appointmentLine struct {
	ID                   string
	When, Place, Picture string
	Answer               *state
	Bring                []string
	Past                 bool
	Messages             []messageLine
	NoPhone              bool
}

type messageLine struct {
	Name, Parts, Reason string
	Text                string // what it says, while it has not come to its end
	State               state
	Steps               []step
}

func (d *desk) person(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	return d.showPerson(w, r, m, http.StatusOK, newForm())
}

// backToPerson is for somebody who reloads or bookmarks the address to which the
// deposit form was sent.
func (d *desk) backToPerson(w http.ResponseWriter, r *http.Request, _ *vault.Member) error {
	http.Redirect(w, r, "/desk/people/"+chi.URLParam(r, "person"), http.StatusSeeOther)
	return nil
}

func (d *desk) showPerson(w http.ResponseWriter, r *http.Request, m *vault.Member, status int, f form) error {
	ctx, id := r.Context(), chi.URLParam(r, "person")
	person, err := m.Person(ctx, id)
	if err != nil {
		return err
	}
	page := personPage{Form: f, Kinds: kindChoices(f), MaxUpload: vault.MaxUpload}
	if page.frame, err = d.frame(r, m, person.Name, "people"); err != nil {
		return err
	}
	sick, err := m.SickPhones(ctx, page.messages)
	if err != nil {
		return err
	}
	page.Person, page.Number = rowPerson(person, sick), person.Phone
	cards, err := m.Cards(ctx, id)
	if err != nil {
		return err
	}
	page.Cards = cardLines(cards)
	shared, err := m.Shared(ctx, id)
	if err != nil {
		return err
	}
	page.Shared = sharedLines(shared, d.nowAt(m.Relay()))
	if err := d.fillVisits(r, m, id, &page); err != nil {
		return err
	}
	d.pages.Render(w, r, status, "person", page)
	return nil
}

func kindChoices(f form) []choice {
	var out []choice
	for _, kind := range locales.PaperKinds {
		out = append(out, choice{kind, kindName(kind), f.Value("kind") == kind})
	}
	return out
}

func sharedLines(papers []vault.SharedPaper, now time.Time) []sharedLine {
	lines := make([]sharedLine, 0, len(papers))
	for _, p := range papers {
		line := sharedLine{ID: p.ID, Kind: p.Kind, Title: paperTitle(p.Paper), Validity: validity(p.Paper, vault.DateOf(now))}
		line.Until, line.Rest = "jusqu’à nouvel ordre", "la personne peut dire stop"
		if !p.Ends.IsZero() {
			ends := p.Ends.In(now.Location())
			line.Until, line.Rest = "jusqu’au "+ends.Format("02/01"), nightsLeft(ends, now)
		}
		lines = append(lines, line)
	}
	return lines
}

// nightsLeft counts the nights until a grant's last day.
func nightsLeft(ends, now time.Time) string {
	midnight := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	nights := int(midnight(ends).Sub(midnight(now)).Hours() / 24)
	if nights <= 0 {
		return "dernier jour"
	}
	return count(nights, "nuit", "nuits")
}

// paperTitle is what a paper is called: its title, or its kind where it has none.
func paperTitle(p vault.Paper) string {
	if title := strings.TrimSpace(p.Title); title != "" {
		return title
	}
	return kindName(p.Kind)
}

// validity says until when a paper is worth something.
func validity(p vault.Paper, today vault.Date) string {
	switch p.Validity(today) {
	case vault.Expired:
		return "périmé depuis le " + day(p.ValidUntil)
	case vault.Soon:
		return "finit bientôt : " + day(p.ValidUntil)
	case vault.Unlimited:
		return "sans date de fin"
	}
	return "valable jusqu’au " + day(p.ValidUntil)
}

// fillVisits adds the person's appointments, and what they answered.
func (d *desk) fillVisits(r *http.Request, m *vault.Member, person string, page *personPage) error {
	appointments, err := m.Appointments(r.Context(), person)
	if err != nil {
		return err
	}
	comingFirst(appointments, d.now())
	answers, err := m.Answers(r.Context())
	if err != nil {
		return err
	}
	page.Answers = answersOf(d.answerLines(answers, m.Relay()), person)
	said, err := m.Wordings(r.Context(), page.messages)
	if err != nil {
		return err
	}
	statuses := map[string]queue.Status{}
	for _, row := range page.messages {
		statuses[row.MessageID] = row.Status
	}
	for _, a := range appointments {
		line := lineAppointment(a, statuses, said, d.now())
		line.Answer = answerTo(a, answers, d.now())
		page.Appointments = append(page.Appointments, line)
	}
	return nil
}

// comingFirst puts the next appointment on top, then the later ones, then the
// past from the latest back.
func comingFirst(appointments []vault.Appointment, now time.Time) {
	slices.SortStableFunc(appointments, func(a, b vault.Appointment) int {
		pastA, pastB := a.Start.Before(now), b.Start.Before(now)
		switch {
		case pastA && pastB:
			return b.Start.Compare(a.Start)
		case pastA:
			return 1
		case pastB:
			return -1
		}
		return a.Start.Compare(b.Start)
	})
}

func lineAppointment(a vault.Appointment, statuses map[string]queue.Status, said map[string]vault.Wording, now time.Time) appointmentLine {
	zone := a.Start.Location()
	line := appointmentLine{
		ID: a.ID, When: shortDay(a.Start, now.In(zone).Year()) + " à " + a.Start.Format("15:04"), Place: a.Place,
		Picture: a.Picture, Bring: a.Bring, Past: a.Start.Before(now), NoPhone: len(a.Messages) == 0,
	}
	for _, reminder := range a.Messages {
		status := statuses[reminder.MessageID]
		message := messageLine{
			Name: reminderName(reminder.Kind), State: stateOf(status.State),
			Steps: way(status, zone),
		}
		if reminder.Old {
			message.Name += ", ancienne heure ou ancien numéro"
		}
		message.Parts = parts(status.Segments, said[reminder.MessageID].Encoding)
		if !status.State.Final() && !reminder.Old {
			message.Text = said[reminder.MessageID].Text
		}
		if status.State != queue.Delivered {
			message.Reason = reason(status)
		}
		line.Messages = append(line.Messages, message)
	}
	return line
}
