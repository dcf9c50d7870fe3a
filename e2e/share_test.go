package e2e

import (
	"fmt"
	"strings"
	"time"

	"consigne/e2e/browser"
	"consigne/locales"
)

// share: for seven nights; the desk then reads the paper, and no other.
func (w *walk) share(p person) {
	w.t.Helper()
	w.home()
	w.openPaper("domiciliation")
	w.open(w.says("action.share"))
	w.open(w.house.Demo.Staff[0].Relay)
	w.open(w.says("term.nights", "n", 7))
	w.open(w.says("common.yes"))
	w.find(w.says("tile.who"))
	w.photograph("shared")

	w.openFile(p)
	w.must(w.desk.Press("Lire"))
	w.must(w.desk.Until("the page's image", loaded))
	w.snap(w.desk, "desk-paper")
	w.unshared()
}

// loaded tells whether all the images of a page are there.
const loaded = `(i => i.length > 0 && i.every(e => e.complete && e.naturalWidth > 200))([...document.querySelectorAll('img[src*="/page/"], img.sheet')])`

// unshared: a paper of somebody else that this relay may not read.
func (w *walk) unshared() {
	w.t.Helper()
	for _, doc := range w.house.Demo.People[2].Documents {
		for _, page := range []string{"", "/page/1"} {
			status, err := browser.Ask[int](w.desk, fmt.Sprintf(`(x => { x.open("GET", "/desk/paper/%s%s", false); x.send(); return x.status })(new XMLHttpRequest())`, doc.ID, page))
			w.must(err)
			if status != 403 && !contains(doc.SharedWith, w.house.Demo.Staff[0].Relay) {
				w.t.Errorf("a paper that was not shared: status %d", status)
			}
		}
	}
}

func contains(all []string, one string) bool {
	for _, a := range all {
		if a == one {
			return true
		}
	}
	return false
}

// stop: at the next read the desk has no key any more.
func (w *walk) stop(p person) {
	w.t.Helper()
	address, err := browser.Ask[string](w.desk, "location.href")
	w.must(err)
	w.home()
	w.open(w.says("tile.who"))
	w.reads("who.looked")
	w.open(w.says("who.stop"))
	w.open(w.says("common.yes"))
	relay := w.house.Demo.Staff[0].Relay
	before, _, _ := strings.Cut(w.says("who.stopped", "relay", locales.Own{Text: relay}), relay)
	w.see(strings.TrimSpace(before))
	w.must(w.desk.Go(address))
	if !w.desk.Shows("ne l’a pas partagé") {
		w.t.Errorf("after the stop the desk still shows:\n%s", w.desk.Text())
	}
	w.snap(w.desk, "desk-refused")
	w.openFile(p)
	if w.desk.Shows("Lire") {
		w.t.Error("after the stop the desk still offers to read")
	}
}

// link: a paper goes to the phone and opens there once.
func (w *walk) link() {
	w.t.Helper()
	w.home()
	w.openPaper("domiciliation")
	w.open(w.says("action.phone"))
	w.reads("phone.sent")

	phone := w.phone()
	w.must(phone.Go(w.house.PhoneURL))
	w.must(phone.UntilReloaded("the message", `!!document.querySelector('a[href*="/l/"]')`))
	w.snap(phone, "phone-messages")
	url, err := browser.Ask[string](phone, `document.querySelector('a[href*="/l/"]').href`)
	w.must(err)
	for range 3 { // looking burns nothing
		w.must(phone.Go(url))
		w.must(phone.See(w.says("link.open")))
	}
	w.snap(phone, "phone-link")
	w.must(phone.Press(w.says("link.open")))
	w.must(phone.Until("the paper", loaded))
	w.snap(phone, "phone-paper")
	w.must(phone.Go(url))
	w.must(phone.Until("the paper again", loaded))

	thief := w.phone()
	w.must(thief.Go(url))
	// By the button, not by its word: in Arabic that stands within "it was opened".
	if open, err := browser.Ask[bool](thief, `!!document.querySelector("form button")`); err != nil || open {
		w.t.Errorf("another phone may still open the link (%v)", err)
	}
	w.snap(thief, "phone-used")
	w.must(w.house.Advance(11 * time.Minute))
	w.must(phone.Go(url))
	if ok, err := browser.Ask[bool](phone, loaded); err != nil || ok {
		w.t.Errorf("after ten minutes the phone still shows the paper (%v)", err)
	}
}

func (w *walk) phone() *browser.Browser {
	w.t.Helper()
	b, err := browser.Open(w.ctx, 360, 720, 2)
	w.must(err)
	w.t.Cleanup(b.Close)
	return b
}
