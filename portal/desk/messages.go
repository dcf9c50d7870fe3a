package desk

import (
	"net/http"
	"slices"
	"strconv"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

type messagesPage struct {
	frame
	Answers []answerLine // what people answered and nobody has seen to
	Counts  []stateCount
	Waiting []messageRow // held: somebody has to decide
	Rows    []messageRow
}

// stateCount is how many messages stand so; it leads to these alone.
type stateCount struct {
	Words, Href string
	Here        bool
}

type messageRow struct {
	ID           string
	Person       personLine
	Number       string // to call it
	Name, About  string
	Due, Expires string
	Tries        string
	Reason, Sick string
	State        state
	Help         remedy
	Old          bool // of an hour or a number that no longer holds: not to be sent again
	order        int
}

// What a template asks a row for.
func (r messageRow) CanChange() bool { return r.Help == change || r.Sick != "" && r.Help != cancel }
func (r messageRow) CanWarn() bool   { return r.Help == warn && r.Sick == "" }
func (r messageRow) CanCancel() bool { return r.Help == cancel }

// urgency puts first what somebody has to look at.
var urgency = []queue.State{
	queue.Held, queue.Unknown, queue.Undelivered, queue.Failed, queue.Suppressed, queue.Expired,
	queue.Claimed, queue.Accepted, queue.Sent, queue.Planned, queue.Delivered, queue.Cancelled,
}

// messages lists the answers that wait, and every reminder of the relay with how
// it stands. An address may ask for one state alone.
func (d *desk) messages(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	page := messagesPage{}
	var err error
	if page.frame, err = d.frame(r, m, "Messages", "messages"); err != nil {
		return err
	}
	sick, err := m.SickPhones(r.Context(), page.messages)
	if err != nil {
		return err
	}
	said, err := m.Wordings(r.Context(), page.messages)
	if err != nil {
		return err
	}
	answers, err := m.Answers(r.Context())
	if err != nil {
		return err
	}
	page.Answers = d.answerLines(answers, m.Relay())
	only := queue.State(r.URL.Query().Get("state"))
	page.Counts = countStates(page.messages, only)
	for _, row := range page.messages {
		line := d.lineMessage(row, sick[row.Person.ID])
		line.Tries = tries(row.Status, said[row.MessageID].Encoding)
		switch {
		case row.State == queue.Held:
			page.Waiting = append(page.Waiting, line)
		case only == "" || only == row.State:
			page.Rows = append(page.Rows, line)
		}
	}
	slices.SortStableFunc(page.Rows, func(a, b messageRow) int { return a.order - b.order })
	d.pages.Render(w, r, http.StatusOK, "messages", page)
	return nil
}

func (d *desk) lineMessage(row vault.MessageRow, health queue.Health) messageRow {
	zone := row.Start.Location()
	line := messageRow{
		ID: row.MessageID, Person: linePerson(row.Person), Number: row.Phone, Name: reminderName(row.Reminder.Kind),
		About: shortDay(row.Start, d.now().In(zone).Year()) + " à " + row.Start.Format("15:04"),
		Due:   moment(row.Reminder.Due, zone), Expires: moment(row.Status.Expires, zone),
		Reason: reason(row.Status), State: stateOf(row.State), Help: remedyFor(row.Status),
		Old: row.Old, order: slices.Index(urgency, row.State),
	}
	if row.Old {
		line.Name += " (ancien)"
	}
	if health != "" && row.State != queue.Delivered {
		line.Sick = sickWords[health]
	}
	if !row.Start.After(d.now()) && line.Help != change {
		line.Help = nothing // its hour has passed: nobody is called for that
	}
	return line
}

// tries writes "1 · 2 segments UCS-2".
func tries(s queue.Status, e locales.Encoding) string {
	text := strconv.Itoa(s.Attempts)
	if s.Segments > 0 {
		text += " · " + parts(s.Segments, e)
	}
	return text
}

// countStates counts the states in the order of their urgency.
func countStates(rows []vault.MessageRow, only queue.State) (out []stateCount) {
	number := map[queue.State]int{}
	for _, row := range rows {
		number[row.State]++
	}
	for _, s := range urgency {
		if n := number[s]; n > 0 {
			words := counted[s]
			out = append(out, stateCount{count(n, words[0], words[1]), "/desk/messages?state=" + string(s), s == only})
		}
	}
	return out
}

var counted = map[queue.State][2]string{
	queue.Held: {"retenu", "retenus"}, queue.Unknown: {"inconnu", "inconnus"}, queue.Undelivered: {"non remis", "non remis"},
	queue.Failed: {"échoué", "échoués"}, queue.Suppressed: {"désinscrit", "désinscrits"}, queue.Expired: {"expiré", "expirés"},
	queue.Planned: {"prévu", "prévus"}, queue.Delivered: {"remis", "remis"}, queue.Cancelled: {"annulé", "annulés"},
	queue.Claimed: {"pris", "pris"}, queue.Accepted: {"accepté", "acceptés"}, queue.Sent: {"parti", "partis"},
}
