package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"consigne/e2e/browser"
	"consigne/e2e/stage"
	"consigne/locales"
)

// TestLinks tries to burn the links of two reminders in a real browser, in all ways
// but the right one, and then uses them. It needs no kiosk and no window.
func TestLinks(t *testing.T) {
	w := &walk{t: t, ctx: t.Context(), lang: "fr", language: locales.Must("fr")}
	var err error
	w.house, err = stage.Open(w.ctx, stage.Options{Bin: bin, Dir: t.TempDir(), Env: []string{"CONSIGNE_SMSD_SENDER_CAPABILITY=one-way"}})
	w.must(err)
	t.Cleanup(func() { w.closed(w.house.Close()) })
	w.desk, err = browser.Open(w.ctx, 1366, 768, 1)
	w.must(err)
	t.Cleanup(w.desk.Close)
	phone, other := w.phone(), w.phone()

	start := w.planned()
	evening := w.reminded(phone, start.AddDate(0, 0, -1), 18, 0)
	w.lookedAt(phone, other, evening)
	w.double(phone, evening)
	w.backButton(phone, evening)
	w.onAnother(other, evening)
	hours := w.reminded(phone, start, start.Hour()-2, start.Minute())
	w.must(phone.Go(hours))
	w.must(phone.See(w.says("answer.yes")))
	w.must(w.house.Advance(3 * time.Hour))
	w.must(phone.Touch(w.says("answer.yes"))) // the page was left open until it was too late
	w.must(phone.See(w.says("link.expired")))
	w.must(phone.Go(w.house.PortalURL + "/l/AAAAAAAAAAAAAAAA"))
	w.must(phone.See(w.says("link.gone")))
	for _, p := range []*stage.Process{w.house.Portal, w.house.SMS} {
		for _, link := range []string{evening, hours} {
			if strings.Contains(string(p.Said()), link[strings.LastIndex(link, "/")+1:]) {
				t.Errorf("%s logs a link's letters", p.Name)
			}
		}
	}
}

// planned plans an appointment in three days for somebody of the demo.
func (w *walk) planned() (start time.Time) {
	w.t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	w.must(err)
	day := w.house.Now().In(paris).AddDate(0, 0, 3)
	w.signIn()
	w.openFile(person{name: w.house.Demo.People[0].Name})
	w.must(w.desk.Press("Nouveau rendez-vous"))
	w.must(w.desk.Fill("day", day.Format("02/01/2006")))
	w.must(w.desk.Fill("hour", "16:45"))
	w.must(w.desk.Fill("place", "Mairie"))
	w.must(w.desk.Choose("picture", "locomotive"))
	w.must(w.desk.Press("Enregistrer"))
	w.must(w.desk.See("Prévu"))
	return time.Date(day.Year(), day.Month(), day.Day(), 16, 45, 0, 0, paris)
}

// reminded waits for the reminder of an hour, and gives the link in it.
func (w *walk) reminded(phone *browser.Browser, day time.Time, hour, minute int) (link string) {
	w.t.Helper()
	due := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 2, 0, day.Location())
	w.must(w.house.Advance(due.Sub(w.house.Now())))
	w.reminders++
	links := `[...document.querySelectorAll('a[href^="` + w.house.PortalURL + `/l/"]')]`
	w.must(phone.Go(w.house.PhoneURL))
	w.must(phone.UntilReloaded("the reminder", fmt.Sprintf("%s.length >= %d", links, w.reminders)))
	link, err := browser.Ask[string](phone, links+".pop().href")
	w.must(err)
	w.snap(phone, "phone-reminder-link")
	return link
}

// lookedAt: previews and robots, GET and HEAD, leave a link fresh.
func (w *walk) lookedAt(phone, other *browser.Browser, link string) {
	w.t.Helper()
	for _, b := range []*browser.Browser{other, phone, other, phone} {
		w.must(b.Go(link))
		w.must(b.See(w.says("answer.yes")))
	}
	w.snap(phone, "phone-asked")
	for range 3 {
		r, err := http.NewRequestWithContext(w.ctx, http.MethodHead, link, nil)
		w.must(err)
		res, err := http.DefaultClient.Do(r)
		w.must(err)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			w.t.Errorf("HEAD: %d", res.StatusCode)
		}
	}
}

// double: both touches of a double one are one answer.
func (w *walk) double(phone *browser.Browser, link string) {
	w.t.Helper()
	if _, err := browser.Ask[bool](phone, `(b => { b.click(); b.click(); return true })(document.querySelector('button[value="yes"]'))`); err != nil {
		w.t.Fatal(err)
	}
	w.must(phone.See("C’est noté."))
	w.snap(phone, "phone-answered")
	w.must(phone.Go(link))
	w.must(phone.See("C’est noté."))
}

// backButton: whoever goes back and touches again says the same, or something else.
func (w *walk) backButton(phone *browser.Browser, link string) {
	w.t.Helper()
	if _, err := browser.Ask[bool](phone, `(history.back(), true)`); err != nil {
		w.t.Fatal(err)
	}
	w.must(phone.See(w.says("answer.no")))
	w.must(phone.Go(link))
	w.must(phone.Touch(w.says("answer.no")))
	w.must(phone.See(w.says("answer.noted_no")))
}

// onAnother: in another phone the link is over, by a page that was open there before,
// too.
func (w *walk) onAnother(other *browser.Browser, link string) {
	w.t.Helper()
	w.must(other.Touch(w.says("answer.yes")))
	w.must(other.See("Déjà répondu"))
	w.must(other.Go(link))
	w.must(other.See("Déjà répondu"))
	w.snap(other, "phone-answered-elsewhere")
	w.must(w.house.Advance(11 * time.Minute))
}
