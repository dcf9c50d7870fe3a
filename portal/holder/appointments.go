package holder

import (
	"net/http"
	"net/url"
	"slices"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

const appointmentsEach = 3 // with a phone that does not answer one less: its button takes the room

type appointmentsView struct {
	frame
	Strips []stripView
	Turn   *turn
	Number *wayView // to the number that does not answer any more
}

// appointments shows three coming appointments a page, the soonest first.
func (s *server) appointments(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	v := appointmentsView{frame: s.inside(w, r, h, "appointments", "appointments", "calendar-dots")}
	v.Back = "home"
	all := h.Appointments()
	health, err := h.PhoneHealth(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(all) == 0 {
		s.tell(w, r, toldView{frame: v.frame, Drawing: "no-appointments", CallToo: true}, "appointment.none", nil)
		return
	}
	each := appointmentsEach
	if health != "" {
		each--
		v.Number = &wayView{Href: "number", Icon: "device-mobile", Label: v.T("tile.number"), Say: v.hearNumber(health)}
	}
	from, to, t := v.pager(len(all), each, number(r, "page"), pageOf("appointments"))
	v.Turn, v.Line = t, v.say("appointment.list", locales.Args{"n": len(all)})
	for _, a := range all[from:to] {
		v.Strips = append(v.Strips, v.strip(a, s.now(), "hear.appointment"))
	}
	s.kiosk.Render(w, r, http.StatusOK, "appointments", v)
}

type appointmentView struct {
	frame
	ID, Said string // what was answered: "yes", "no" or nothing yet
	Strip    stripView
	Away     string
	Calendar calendar
	Needs    []needView
	Nothing  said
}

// asking is what an appointment's page says last: the question, or the answer.
var asking = map[queue.Meaning]string{"": "answer.ask", queue.Yes: "answer.was_yes", queue.No: "answer.was_no"}

func appointmentPage(page, id string) string { return page + "?" + url.Values{"id": {id}}.Encode() }

// coming finds one of the holder's coming appointments.
func coming(h *vault.Holder, id string) (vault.Appointment, error) {
	all := h.Appointments()
	i := slices.IndexFunc(all, func(a vault.Appointment) bool { return a.ID == id })
	if i < 0 {
		return vault.Appointment{}, vault.ErrNotFound
	}
	return all[i], nil
}

// needView is a paper to bring, and how the holder stands with it.
type needView struct{ Icon, Label, Sign string }

// appointment shows one: the day in its month, the hour, the place, what to bring.
func (s *server) appointment(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	a, err := coming(h, r.URL.Query().Get("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	now := s.now().In(a.Start.Location())
	v := appointmentView{frame: s.inside(w, r, h, "appointment", "appointments", "calendar-dots")}
	v.Back, v.Strip = "appointments", v.strip(a, s.now(), "hear.appointment")
	v.Away = v.locale.Text("when.count", locales.Args{"n": v.Strip.Nights})
	if v.Strip.Nights == 0 {
		v.Away = v.T("when.today")
	}
	v.Calendar = monthOf(a.Start, now, v.Dir() == "rtl", v.locale.Date(a.Start).Caption)
	v.Nothing = v.Say("bring.nothing")
	var bring locales.Sentence
	v.Needs, bring = v.needs(a.Bring, h.Papers(), vault.DateOf(now))
	v.ID, v.Said = a.ID, string(a.Answer.Said)
	v.Line = saidOf(v.locale.Say("appointment.voice", locales.Args{"t": a.Start, "place": placeName(a), "bring": bring}),
		v.locale.Say(asking[a.Answer.Said], nil))
	s.kiosk.Render(w, r, http.StatusOK, "appointment", v)
}

// needs compares what is to be brought with what is here. A kind that is here in
// several papers counts by its best one.
func (f frame) needs(bring []string, papers []vault.Paper, today vault.Date) ([]needView, locales.Sentence) {
	var out []needView
	var expired, missing int
	for _, kind := range bring {
		sign := "missing"
		for _, p := range papers {
			if p.Kind == kind && better(signOf(p, today), sign) {
				sign = signOf(p, today)
			}
		}
		switch sign {
		case "expired":
			expired++
		case "missing":
			missing++
		}
		out = append(out, needView{Icon: kindIcon(kind), Label: f.kindName(kind), Sign: sign})
	}
	return out, f.bringSentence(len(bring), expired, missing)
}

func better(a, b string) bool {
	order := []string{"missing", "expired", "soon", "valid"}
	return slices.Index(order, a) > slices.Index(order, b)
}

func (f frame) bringSentence(n, expired, missing int) locales.Sentence {
	args := locales.Args{"n": n, "expired": expired, "missing": missing}
	switch {
	case n == 0:
		return f.locale.Say("bring.nothing", nil)
	case expired > 0 && missing > 0:
		return f.locale.Say("bring.both", args)
	case expired > 0:
		return f.locale.Say("bring.expired", args)
	case missing > 0:
		return f.locale.Say("bring.missing", args)
	}
	return f.locale.Say("bring.ready", args)
}
