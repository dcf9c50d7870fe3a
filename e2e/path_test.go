package e2e

import (
	"testing"
)

// TestPath walks all five slices, in French and right to left: a person of the
// desk's making enrols at the kiosk, gets a paper, shares it and stops, sends it
// to a phone, and is reminded of an appointment.
func TestPath(t *testing.T) {
	for _, lang := range []string{"fr", "ar"} {
		t.Run(lang, func(t *testing.T) {
			w := newWalk(t, lang)
			w.must(w.house.StartKiosk(w.ctx))
			w.rest()
			w.signIn()
			p := w.enrol()
			w.papers(p)
			w.call()
			w.share(p)
			w.stop(p)
			w.link()
			w.leave()
			w.unlock(p)
			w.appointment(p)
		})
	}
}

// rest: the screen for the next person, heard at a loudspeaker.
func (w *walk) rest() {
	w.t.Helper()
	w.see("Réécouter")
	ear, err := w.screen.Listen(w.ctx)
	w.must(err)
	w.touch(w.language.Name())
	w.reads("rest.voice")
	w.heard()
	loud, err := ear.Stop()
	w.must(err)
	if loud < -40 {
		w.t.Errorf("the loudspeaker was silent: %.0f dBFS", loud)
	}
	w.t.Logf("the voice was as loud as %.0f dBFS", loud)
}

func (w *walk) signIn() {
	w.t.Helper()
	staff := w.house.Demo.Staff[0]
	code, err := w.house.Code(0)
	w.must(err)
	w.must(w.desk.Go(w.house.PortalURL + "/desk/sign-in"))
	w.must(w.desk.Fill("email", staff.Email))
	w.must(w.desk.Fill("password", staff.Password))
	w.must(w.desk.Fill("code", code))
	w.must(w.desk.Press("Entrer"))
}

// call: a person is called, the desk sees it without reloading, somebody comes.
func (w *walk) call() {
	w.t.Helper()
	w.must(w.desk.Go(w.house.PortalURL + "/desk"))
	w.touch(w.says("bar.call"))
	w.must(w.desk.See("Une personne attend"))
	w.reads("call.called")
	w.snap(w.desk, "desk-call")
	w.must(w.desk.Touch("J’y vais"))
	w.reads("call.coming")
	w.touch(w.says("bar.back"))
}

// leave: everything is wiped, and the next person finds the rest screen.
func (w *walk) leave() {
	w.t.Helper()
	w.touch(w.says("bar.leave"))
	w.reads("bye.card")
	w.see("Montrez votre carte")
}

// unlock: card, five pictures, home in the person's language.
func (w *walk) unlock(p person) {
	w.t.Helper()
	w.must(w.house.ShowCard(w.ctx, p.card.Text()))
	w.reads("code.voice")
	w.pick(p.pictures)
	page := w.reads("tile.papers")
	leave, ok := page.Find(w.says("bar.leave"))
	if !ok || (w.language.Dir() == "rtl") != (leave.Min.X < 640) {
		w.t.Errorf("the way out is on the wrong side: %v", leave)
	}
}
