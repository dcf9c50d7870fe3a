package desk

import (
	"net/http"
	"time"

	"consigne/portal/vault"
	"consigne/smsd/queue"
)

type todayPage struct {
	frame
	Clock   string
	Count   string
	Rows    []dayRow
	Waiting []heldLine // messages that somebody has to decide about
	Blocked []personLine
	Pending []vault.Colleague
	Kiosks  []kioskLine
}

// Settled is true when nothing waits for anybody.
func (p todayPage) Settled() bool { return len(p.Waiting)+p.Unseen+len(p.Blocked)+len(p.Pending) == 0 }

type dayRow struct {
	Hour      string
	Look      string // "past", "next" or ""
	Person    personLine
	Place     string
	Picture   string
	Bring     []string
	Reminders []reminderLine
	Answer    *state
}

type reminderLine struct {
	Name  string // "Veille" or "2 h avant"
	State state
}

type personLine struct {
	ID, Name, Language string
	Mark               string // address of the mark's drawing, "" for none
}

type heldLine struct{ Name, Hour, Reason string }

type kioskLine struct {
	Name, Seen string
	Well       bool
}

// day is the page with which a day at the desk begins.
func (d *desk) day(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	ctx := r.Context()
	now := d.nowAt(m.Relay())
	page := todayPage{Clock: now.Format("15:04")}
	var err error
	if page.frame, err = d.frame(r, m, longDay(now), "today"); err != nil {
		return err
	}
	page.Waiting = heldLines(page.messages)
	entries, err := m.Today(ctx)
	if err != nil {
		return err
	}
	statuses, err := m.MessageStates(ctx, messageIDs(entries))
	if err != nil {
		return err
	}
	answers, err := m.Answers(ctx)
	if err != nil {
		return err
	}
	page.Rows = dayRows(entries, statuses, answers, now)
	page.Count = countDay(page.Rows)
	blocked, err := m.Blocked(ctx)
	if err != nil {
		return err
	}
	for _, p := range blocked {
		page.Blocked = append(page.Blocked, linePerson(p))
	}
	if page.Pending, err = m.Pending(ctx); err != nil {
		return err
	}
	devices, err := m.Devices(ctx)
	if err != nil {
		return err
	}
	page.Kiosks = kioskLines(devices, d.now())
	d.pages.Render(w, r, http.StatusOK, "today", page)
	return nil
}

func countDay(rows []dayRow) string {
	past := 0
	for _, row := range rows {
		if row.Look == "past" {
			past++
		}
	}
	if len(rows) == 0 {
		return "aucun rendez-vous"
	}
	return count(len(rows), "rendez-vous", "rendez-vous") + ", " + count(past, "déjà passé", "déjà passés")
}

func messageIDs(entries []vault.DayEntry) (ids []string) {
	for _, e := range entries {
		for _, reminder := range e.Messages {
			ids = append(ids, reminder.MessageID)
		}
	}
	return ids
}

// dayRows marks the first appointment that has not begun: it is the next.
func dayRows(entries []vault.DayEntry, statuses map[string]queue.Status, answers []vault.AnswerRow, now time.Time) []dayRow {
	rows, next := make([]dayRow, 0, len(entries)), true
	for _, e := range entries {
		row := dayRow{
			Hour: e.Start.Format("15:04"), Person: linePerson(e.Person), Place: e.Place,
			Picture: e.Appointment.Picture, Bring: e.Bring, Reminders: reminderLines(e.Messages, statuses),
			Answer: answerTo(e.Appointment, answers, now),
		}
		switch {
		case e.Start.Before(now):
			row.Look = "past"
		case next:
			row.Look, next = "next", false
		}
		rows = append(rows, row)
	}
	return rows
}

func reminderLines(reminders []vault.Reminder, statuses map[string]queue.Status) []reminderLine {
	if len(reminders) == 0 {
		return []reminderLine{{"", noMessage}}
	}
	lines := make([]reminderLine, 0, len(reminders))
	for _, reminder := range reminders {
		if reminder.Old {
			continue
		}
		lines = append(lines, reminderLine{shortReminder[reminder.Kind], stateOf(statuses[reminder.MessageID].State)})
	}
	return lines
}

func linePerson(p vault.Person) personLine {
	return personLine{ID: p.ID, Name: p.Name, Language: languageName(p.Language), Mark: markAddress(p.Mark)}
}

func heldLines(rows []vault.MessageRow) (lines []heldLine) {
	for _, row := range rows {
		if row.State == queue.Held {
			lines = append(lines, heldLine{row.Name, row.Start.Format("02/01 15:04"), reason(row.Status)})
		}
	}
	return lines
}

// kioskSilence is after how long a kiosk that said nothing is shown as gone: it
// asks for its state every few seconds, and the vault notes it once a minute.
const kioskSilence = 3 * time.Minute

func kioskLines(devices []vault.Device, now time.Time) []kioskLine {
	lines := make([]kioskLine, 0, len(devices))
	for _, dev := range devices {
		silent := now.Sub(dev.SeenAt)
		line := kioskLine{Name: dev.Name, Well: silent < kioskSilence, Seen: "En marche."}
		if !line.Well {
			line.Seen = "Ne répond plus depuis " + span(silent) + ". Est-elle allumée ? Le réseau marche-t-il ?"
		}
		lines = append(lines, line)
	}
	return lines
}
