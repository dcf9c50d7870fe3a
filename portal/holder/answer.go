package holder

import (
	"errors"
	"html/template"
	"net/http"
	"strings"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/portal/web"
	"consigne/smsd/queue"
)

// whenOf draws the day and hour of a link's appointment; the place and the relay
// are not told.
func (s *server) whenOf(view vault.LinkView, l *locales.Locale) *stripView {
	nights := max(0, nightsBetween(s.now().In(view.Start.Location()), view.Start))
	return &stripView{Nights: nights, Day: view.Start.Day(), Weekday: l.Day(view.Start).Caption,
		Hour: hourOf(view.Start), Clock: view.Start.Format("15:04")}
}

// showAsk asks by a link whether one comes.
func (s *server) showAsk(w http.ResponseWriter, r *http.Request, view vault.LinkView, l *locales.Locale) {
	line := l.Say("answer.link", locales.Args{"t": view.Start})
	s.phone.Render(w, r, http.StatusOK, "ask", phoneView{locale: l, Title: l.Text("answer.title", nil), Mark: view.Mark,
		Line: said{line.Caption, saidOf(line, l.Say("answer.signs", nil)).Voice}, When: s.whenOf(view, l)})
}

// endsAs are the answers that a link does not take back, with the sign of each and
// what is said, before it is given, of what follows.
var endsAs = map[queue.Meaning]struct {
	key  string
	sign sign
}{
	queue.WrongOne: {"answer.sure_not_me", sign{"user", "duotone"}},
	queue.Stop:     {"answer.sure_stop", sign{"hand-palm", "bold"}},
}

// askSure says what follows from an answer that ends everything, and asks whether
// that is meant. It burns nothing. Who may not give the answer sees how the link
// stands.
func (s *server) askSure(w http.ResponseWriter, r *http.Request, letters string, meant queue.Meaning) {
	view, err := s.vault.Link(r.Context(), letters)
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	if !s.mayEnd(r, view, letters) {
		s.link(w, r)
		return
	}
	if view.State == vault.LinkFresh {
		handOut(w, r, view, letters)
	}
	l, end := locales.Must(view.Language), endsAs[meant]
	line := l.Say(end.key, nil)
	s.phone.Render(w, r, http.StatusOK, "sure", phoneView{locale: l, Title: l.Text("answer.title", nil), Mark: view.Mark,
		Said: string(meant), Sign: end.sign, Line: said{line.Caption, saidOf(line, l.Say("answer.sure_signs", nil)).Voice}})
}

// mayEnd tells whether an answer that ends everything would be taken from this
// browser.
func (s *server) mayEnd(r *http.Request, view vault.LinkView, letters string) bool {
	if view.Purpose != vault.ToAppointment {
		return false
	}
	browser := web.CookieValue(r, cookieLink)
	if view.State != vault.LinkUsed || browser == "" {
		return view.State == vault.LinkFresh
	}
	a, err := s.vault.AnsweredLink(r.Context(), letters, browser)
	return err == nil && endsAs[a.Said].key == ""
}

// notedAs are what is said, and drawn, once something was answered by a link.
var notedAs = map[queue.Meaning]struct{ key, drawing string }{
	queue.Yes:      {"answer.noted_yes", "valid"},
	queue.No:       {"answer.noted_no", "expired"},
	queue.WrongOne: {"answer.noted_not_me", "valid"},
	queue.Stop:     {"answer.noted_stop", "stop-sign"},
}

// showAnswered tells the one browser what it answered, and lets it say otherwise.
// To whoever said that they are somebody else it tells neither hour nor number.
func (s *server) showAnswered(w http.ResponseWriter, r *http.Request, view vault.LinkView, letters, browser string) {
	a, err := s.vault.AnsweredLink(r.Context(), letters, browser)
	if errors.Is(err, vault.ErrLinkDead) || errors.Is(err, vault.ErrLinkOther) {
		s.showClosed(w, r, view, err)
		return
	}
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	l := locales.Must(view.Language)
	noted := notedAs[a.Said]
	line := l.Say(noted.key, locales.Args{"t": a.Start})
	v := phoneView{locale: l, Title: l.Text("answer.title", nil), Mark: view.Mark, Said: string(a.Said), Drawing: noted.drawing, Line: saidOf(line)}
	if a.Phone != "" {
		view.Start = a.Start
		v.When = s.whenOf(view, l)
		phone := locales.Args{"phone": dialled(a.Phone)}
		v.Call = phoneCall{dialURL(a.Phone), l.Text("call.number", phone)}
		v.Line.Voice = saidOf(line, l.Say("link.call_voice", phone)).Voice
	}
	s.phone.Render(w, r, http.StatusOK, "answered", v)
}

// dialURL is the address by which a phone dials a relay's number.
func dialURL(number string) template.URL {
	keep := func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}
	return template.URL("tel:" + strings.Map(keep, string(dialled(number)))) // digits alone
}

// answer says at the kiosk whether one comes.
func (s *server) answer(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	id := r.PostFormValue("id")
	if err := h.Answer(r.Context(), id, queue.Meaning(r.PostFormValue("say"))); err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, appointmentPage("answered", id))
}

// answered says that it was noted.
func (s *server) answered(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	a, err := coming(h, r.URL.Query().Get("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	noted, ok := notedAs[a.Answer.Said]
	if !ok {
		s.fail(w, r, vault.ErrNotFound)
		return
	}
	v := toldView{frame: s.inside(w, r, h, "answered", "appointments", "calendar-dots"),
		Story: &story{Icon: "calendar-dots", Done: noted.drawing}}
	v.Back = appointmentPage("appointment", a.ID)
	v.Ways = []wayView{v.wayTo("appointments"), v.wayTo("home")}
	s.tell(w, r, v, noted.key, locales.Args{"t": a.Start})
}
