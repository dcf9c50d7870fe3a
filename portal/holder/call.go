package holder

import (
	"net/http"

	"github.com/nyaruka/phonenumbers"

	"consigne/locales"
	"consigne/portal/web"
)

type calledView struct {
	frame
	Drawing, Phone string
}

// How long the page of a call stays untouched before it asks: with an open vault
// a person may wait three minutes, before a card is shown as long as a call lives.
const (
	idleCalledInside  = 180
	idleCalledOutside = 600
)

// call calls somebody to the kiosk. Calling twice is one call.
func (s *server) call(w http.ResponseWriter, r *http.Request) {
	if _, err := s.vault.Call(r.Context(), deviceOf(r), localeOf(r).Tag()); err != nil {
		logFault(r, err)
		s.showCalled(w, r, "failed")
		return
	}
	see(w, r, "called")
}

// called shows how the call stands. It is said that somebody comes only once a
// desk has the call; after a minute without an answer the number is said.
func (s *server) called(w http.ResponseWriter, r *http.Request) {
	state, err := s.callState(r)
	if err != nil {
		logFault(r, err)
		state = "failed"
	}
	s.showCalled(w, r, state)
}

// callPages are drawing and sentence of each state.
var callPages = map[string]struct{ drawing, key string }{
	callWaiting:  {"calling", "call.waiting"},
	callSeen:     {"someone-comes", "call.called"},
	callAnswered: {"someone-close", "call.coming"},
	callLate:     {"nobody-yet", "call.late"},
	callNone:     {"nobody-yet", "call.closed"},
	"failed":     {"nobody-yet", "call.failed"},
}

func (s *server) showCalled(w http.ResponseWriter, r *http.Request, state string) {
	v := calledView{frame: s.frame(w, r, "called", localeOf(r))}
	relay, err := s.vault.Relay(r.Context(), deviceOf(r).RelayID)
	if err == nil {
		v.Phone = v.locale.Text("call.number", locales.Args{"phone": dialled(relay.Phone)})
	}
	page := callPages[state]
	v.Chip, v.Drawing, v.CallState = "headset", page.drawing, state
	v.Line = v.say(page.key, locales.Args{"phone": dialled(relay.Phone)})
	v.Idle, v.Back = idleCalledOutside, "rest"
	h, err := s.vault.Holder(r.Context(), deviceOf(r), web.CookieValue(r, cookieHolder))
	switch {
	case err == nil:
		v.Idle, v.Back, v.Leave, v.Owner = idleCalledInside, "home", true, h.Mark()
	case web.CookieValue(r, cookieEnrol) != "":
		v.Idle, v.Back, v.Leave = idleCalledInside, "enrol", true
	case web.CookieValue(r, cookieCard) != "":
		v.Idle, v.Back, v.Leave = idleCalledInside, "code", true
	}
	s.kiosk.Render(w, r, http.StatusOK, "called", v)
}

// dialled is a relay's number as somebody beside it dials it: without the
// country's code.
func dialled(number string) locales.Phone {
	n, err := phonenumbers.Parse(number, "FR")
	if err != nil {
		return locales.Phone(number)
	}
	return locales.Phone(phonenumbers.Format(n, phonenumbers.NATIONAL))
}
