package desk

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"consigne/portal/vault"
	"consigne/smsd/queue"
)

type messagesPage struct {
	frame
	Summary string
	Waiting []messageRow // held: somebody has to decide
	Rows    []messageRow
}

type messageRow struct {
	Person       personLine
	Name, About  string
	Due, Expires string
	Tries        string
	Reason       string
	State        state
	order        int
}

// urgency puts first what somebody has to look at.
var urgency = []queue.State{
	queue.Held, queue.Unknown, queue.Undelivered, queue.Failed, queue.Suppressed, queue.Expired,
	queue.Claimed, queue.Accepted, queue.Sent, queue.Planned, queue.Delivered, queue.Cancelled,
}

// messages lists every reminder of the relay with how it stands.
func (d *desk) messages(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	rows, err := m.Messages(r.Context())
	if err != nil {
		return err
	}
	page := messagesPage{Summary: summary(rows)}
	if page.frame, err = d.frameWith(r, m, "Messages", "messages", rows); err != nil {
		return err
	}
	for _, row := range rows {
		line := d.lineMessage(row)
		if row.State == queue.Held {
			page.Waiting = append(page.Waiting, line)
		} else {
			page.Rows = append(page.Rows, line)
		}
	}
	slices.SortStableFunc(page.Rows, func(a, b messageRow) int { return a.order - b.order })
	d.pages.Render(w, r, http.StatusOK, "messages", page)
	return nil
}

func (d *desk) lineMessage(row vault.MessageRow) messageRow {
	zone := row.Start.Location()
	tries := strconv.Itoa(row.Attempts)
	if row.Segments > 0 {
		tries += " · " + count(row.Segments, "segment", "segments")
	}
	return messageRow{
		Person: linePerson(row.Person), Name: reminderName(row.Reminder.Kind),
		About: shortDay(row.Start, d.now().In(zone).Year()) + " à " + row.Start.Format("15:04"),
		Due:   moment(row.Reminder.Due, zone), Expires: moment(row.Status.Expires, zone),
		Tries: tries, Reason: reason(row.Status), State: stateOf(row.State),
		order: slices.Index(urgency, row.State),
	}
}

// summary counts the states in the order of their urgency.
func summary(rows []vault.MessageRow) string {
	number := map[queue.State]int{}
	for _, row := range rows {
		number[row.State]++
	}
	plural := map[queue.State][2]string{
		queue.Held: {"retenu", "retenus"}, queue.Unknown: {"inconnu", "inconnus"}, queue.Undelivered: {"non remis", "non remis"},
		queue.Failed: {"échoué", "échoués"}, queue.Planned: {"prévu", "prévus"}, queue.Delivered: {"remis", "remis"},
	}
	var parts []string
	for _, s := range urgency {
		if words, ok := plural[s]; ok && number[s] > 0 {
			parts = append(parts, count(number[s], words[0], words[1]))
		}
	}
	return strings.Join(parts, " · ")
}
