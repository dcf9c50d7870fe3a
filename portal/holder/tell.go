package holder

import (
	"net/http"

	"consigne/locales"
	"consigne/portal/vault"
)

// toldView is a page that tells one thing and shows the ways on.
type toldView struct {
	frame
	Story   *story
	Drawing string // where there is no story
	Ways    []wayView
	CallToo bool
}

// story is what was done, in pictures: paper, sign, relay, card or thing, done.
type story struct {
	Kind, Sign string
	Relay      vault.Relay
	Icon       string
	Mine       bool // the holder's own card
	Done       string
}

// tell shows such a page with its sentence.
func (s *server) tell(w http.ResponseWriter, r *http.Request, v toldView, key string, args locales.Args) {
	v.Line = v.say(key, args)
	s.kiosk.Render(w, r, http.StatusOK, "told", v)
}

// wayTo is the button to one of the rooms, or home.
func (f frame) wayTo(room string) wayView {
	icons := map[string]string{"home": "house-line", "papers": "files", "appointments": "calendar-dots", "who": "users-three"}
	return wayView{Href: room, Icon: icons[room], Label: f.T("tile." + room), Say: f.Say("hear." + room)}
}
