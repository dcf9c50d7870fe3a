package e2e

import (
	"testing"

	"consigne/e2e/screen"
)

// TestPath walks all five slices, in French and right to left.
func TestPath(t *testing.T) {
	for lang, person := range map[string]int{"fr": 0, "ar": 1} {
		t.Run(lang, func(t *testing.T) {
			w := newWalk(t, lang)
			w.must(w.house.StartKiosk(w.ctx))
			w.rest()
			w.unlock(person)
			w.signIn()
			w.call()
		})
	}
}

// rest: the screen for the next person, heard at a loudspeaker.
func (w *walk) rest() {
	w.t.Helper()
	ear, err := w.screen.Listen(w.ctx)
	w.must(err)
	if w.lang != "fr" {
		w.see("Réécouter")
		w.touch(w.language.Name())
	}
	w.see(w.says("rest.voice"))
	w.heard()
	loud, err := ear.Stop()
	w.must(err)
	if loud < -40 {
		w.t.Errorf("the loudspeaker was silent: %.0f dBFS", loud)
	}
}

// unlock: card, five pictures, home in the person's language.
func (w *walk) unlock(person int) {
	w.t.Helper()
	p := w.house.Demo.People[person]
	w.must(w.house.ShowCard(w.ctx, p.Card))
	w.see(w.says("code.voice"))
	w.pick(p.Pictures)
	page := w.see(w.says("tile.papers"))
	if w.language.Dir() == "rtl" {
		leave, ok := page.Find(w.says("bar.leave"))
		back, ok2 := page.Find(w.says("bar.back"))
		if !ok || ok2 && leave.Min.X > back.Min.X {
			w.t.Errorf("not mirrored: %v, %v", leave, back)
		}
	}
}

func (w *walk) signIn() {
	w.t.Helper()
	staff := w.house.Demo.Staff[0]
	code, err := w.house.Code(0)
	w.must(err)
	w.must(w.desk.Go(w.house.PortalURL + "/desk"))
	w.must(w.desk.Fill("email", staff.Email))
	w.must(w.desk.Fill("password", staff.Password))
	w.must(w.desk.Fill("code", code))
	w.must(w.desk.Press("Entrer"))
}

// call: a person is called, the desk sees it, somebody comes.
func (w *walk) call() {
	w.t.Helper()
	w.touch(w.says("bar.call"))
	w.must(w.desk.See("Une personne attend"))
	w.see(w.says("call.called"))
	w.must(w.desk.Touch("J’y vais"))
	w.see(w.says("call.coming"))
}

var _ = screen.Button
