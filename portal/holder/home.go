package holder

import (
	"net/http"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

type homeView struct {
	frame
	Next  *stripView
	Tiles []tileView
}

type tileView struct {
	Room, Href, Icon, Label string
	Count                   int
	Sign                    string // a drawing: something is not as it should be
	Say                     said
}

// stripView is an appointment in one line: nights, day, hour, place.
type stripView struct {
	Href                 string
	Say                  said
	Nights               int
	Day                  int
	Weekday, Away, Clock string
	Hour                 hour
	Place, Picture       string
}

// home shows the rooms that have been built, and the next appointment.
func (s *server) home(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	v := homeView{frame: s.inside(w, r, h, "home", "ink", "house-line")}
	// There is nothing before home; "back" takes a first touch back.
	v.Line, v.Back = v.Say("home.voice"), "home"
	grants, err := h.Grants(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	health, err := h.PhoneHealth(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	coming := h.Appointments()
	if len(coming) > 0 {
		next := v.strip(coming[0], s.now(), "home.strip_open")
		v.Next = &next
	}
	v.Tiles = []tileView{
		{Room: "papers", Href: "papers", Icon: "files", Label: v.T("tile.papers"), Count: len(h.Papers()), Say: v.Say("hear.papers")},
		{Room: "appointments", Href: "appointments", Icon: "calendar-dots", Label: v.T("tile.appointments"), Count: len(coming), Say: v.Say("hear.appointments")},
		{Room: "who", Href: "who", Icon: "users-three", Label: v.T("tile.who"), Count: relaysIn(grants), Say: v.Say("hear.who")},
	}
	if health != "" {
		v.Tiles = append(v.Tiles, tileView{Room: "appointments", Href: "number", Icon: "device-mobile", Label: v.T("tile.number"), Sign: "expired", Say: v.hearNumber(health)})
	}
	if health != "" && health != queue.Stopped { // who wants no messages need not hear it each time
		v.Line = v.Say("home.sick")
	}
	s.kiosk.Render(w, r, http.StatusOK, "home", v)
}

// relaysIn counts the relays that can see something.
func relaysIn(grants []vault.GrantView) int {
	seen := map[string]bool{}
	for _, g := range grants {
		seen[g.RelayID] = true
	}
	return len(seen)
}

// strip draws an appointment. Its words are those of the sentence key, so that
// what is read can be heard.
func (f frame) strip(a vault.Appointment, now time.Time, key string) stripView {
	nights := max(0, nightsBetween(now.In(a.Start.Location()), a.Start))
	return stripView{
		Href:   "appointment?id=" + a.ID,
		Say:    f.say(key, locales.Args{"t": a.Start, "n": nights, "place": placeName(a)}),
		Nights: nights, Day: a.Start.Day(),
		Weekday: f.locale.Day(a.Start).Caption, Away: f.locale.Nights(nights).Caption,
		Hour: hourOf(a.Start), Clock: a.Start.Format("15:04"),
		Place: a.Place, Picture: a.Picture,
	}
}
