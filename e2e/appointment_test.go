package e2e

import (
	"time"

	"consigne/e2e/browser"
)

// appointment: planned at the desk, seen at the kiosk, reminded of the evening
// before and two hours before; the desk sees how each message stands.
func (w *walk) appointment(p person) {
	w.t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	w.must(err)
	day := w.house.Now().In(paris).AddDate(0, 0, 3)
	w.signIn() // the clock was moved
	w.openFile(p)
	w.must(w.desk.Press("Nouveau rendez-vous"))
	w.must(w.desk.Fill("day", day.Format("02/01/2006")))
	w.must(w.desk.Fill("hour", "14:30"))
	w.must(w.desk.Fill("place", "CCAS du quartier Gare"))
	w.must(w.desk.Choose("picture", "locomotive"))
	w.must(w.desk.Choose("bring", "domiciliation"))
	w.snap(w.desk, "desk-appointment")
	w.must(w.desk.Press("Enregistrer"))
	w.must(w.desk.See("Prévu"))

	w.home()
	w.open(w.says("tile.appointments"))
	w.see("14:30")
	w.photograph("appointment")
	w.leave()

	start := time.Date(day.Year(), day.Month(), day.Day(), 14, 30, 0, 0, paris)
	evening := time.Date(day.Year(), day.Month(), day.Day()-1, 18, 0, 0, 0, paris)
	for _, due := range []time.Time{evening, start.Add(-2 * time.Hour)} {
		w.must(w.house.Advance(due.Add(2 * time.Second).Sub(w.house.Now())))
		w.delivered(p)
	}
}

// delivered waits until one more message is on the phone, and the desk knows.
func (w *walk) delivered(p person) {
	w.t.Helper()
	w.reminders++
	phone := w.phone()
	w.must(phone.Go(w.house.PhoneURL))
	w.must(phone.UntilReloaded("the reminder", `[...document.querySelectorAll('.message')].filter(m => m.innerText.includes("14")).length >= `+string(rune('0'+w.reminders))))
	w.snap(phone, "phone-reminder")
	w.signIn()
	w.openFile(p)
	w.must(w.desk.UntilReloaded("the desk knows", `document.body.innerText.split("Remis").length > `+string(rune('0'+w.reminders))))
	w.snap(w.desk, "desk-delivered")
	if ok, err := browser.Ask[bool](w.desk, `document.body.innerText.includes("Rappel de la veille")`); err != nil || !ok {
		w.t.Errorf("the desk does not name the reminder: %v", err)
	}
}
