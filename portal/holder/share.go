package holder

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"consigne/locales"
	"consigne/portal/vault"
)

const relaysEach = 3

// The three steps of sharing, as the row of dots shows them.
func stepsAt(n int) []string {
	steps := []string{"", "", ""}
	for i := range n {
		steps[i] = "past"
	}
	steps[n] = "here"
	return steps
}

type shareView struct {
	frame
	Steps  []string
	Kind   string
	Relays []relayTile
	Turn   *turn
}

type relayTile struct {
	vault.Relay
	Href string
	Say  said
}

// shareWho asks to whom a paper is to be shown.
func (s *server) shareWho(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	p, err := h.Paper(r.URL.Query().Get("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	relays, err := s.vault.Staffed(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := shareView{frame: s.inside(w, r, h, "share", "papers", kindIcon(p.Kind)), Steps: stepsAt(0), Kind: p.Kind}
	v.Back = paperPage("paper", p.ID, 1)
	s.nearestFirst(r, relays)
	from, to, t := v.pager(len(relays), relaysEach, number(r, "page"), pageOf("share", "id", p.ID))
	if v.Turn, v.Line = t, v.say("share.who", locales.Args{"paper": locales.Kind(p.Kind)}); from > 0 {
		v.Line = v.Say("common.more")
	}
	for _, relay := range relays[from:to] {
		q := url.Values{"id": {p.ID}, "relay": {relay.ID}}
		v.Relays = append(v.Relays, relayTile{Relay: relay, Href: "term?" + q.Encode(),
			Say: v.say("hear.relay", locales.Args{"relay": relayName(relay)})})
	}
	s.kiosk.Render(w, r, http.StatusOK, "share", v)
}

// nearestFirst puts the kiosk's own relay before the others.
func (s *server) nearestFirst(r *http.Request, relays []vault.Relay) {
	own := deviceOf(r).RelayID
	slices.SortStableFunc(relays, func(a, b vault.Relay) int {
		switch own {
		case a.ID:
			return -1
		case b.ID:
			return 1
		}
		return 0
	})
}

// term is one of the four lengths of sharing.
type term struct {
	name, drawing, label, confirm string
	term                          vault.Term
	nights                        int
}

var terms = []term{
	{"today", "today", "term.today", "confirm.today", vault.Today, 0},
	{"nights", "week", "term.nights", "confirm.nights", vault.Nights, 7},
	{"month", "month", "term.month", "confirm.month", vault.Month, 0},
	{"until", "until", "term.until", "confirm.until", vault.UntilStopped, 0},
}

func termNamed(name string) (term, bool) {
	i := slices.IndexFunc(terms, func(t term) bool { return t.name == name })
	if i < 0 {
		return term{}, false
	}
	return terms[i], true
}

type termView struct {
	frame
	Steps []string
	Kind  string
	Relay vault.Relay
	Terms []termTile
}

type termTile struct {
	Href, Drawing, Label string
	Say                  said
}

// shareTerm asks for how long.
func (s *server) shareTerm(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	p, relay, err := s.shareOf(r, h, r.URL.Query())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := termView{frame: s.inside(w, r, h, "term", "papers", kindIcon(p.Kind)), Steps: stepsAt(1), Kind: p.Kind, Relay: relay}
	v.Back, v.Line = "share?id="+url.QueryEscape(p.ID), v.Say("share.how_long")
	for _, t := range terms {
		q := url.Values{"id": {p.ID}, "relay": {relay.ID}, "term": {t.name}}
		args := locales.Args{"n": t.nights}
		v.Terms = append(v.Terms, termTile{Href: "confirm?" + q.Encode(), Drawing: t.drawing, Label: v.locale.Text(t.label, args),
			Say: v.say("common.choose", locales.Args{"label": v.locale.Say(t.label, args)})})
	}
	s.kiosk.Render(w, r, http.StatusOK, "term", v)
}

// shareOf finds the paper and the relay that a form or address names.
func (s *server) shareOf(r *http.Request, h *vault.Holder, q url.Values) (vault.Paper, vault.Relay, error) {
	p, err := h.Paper(q.Get("id"))
	if err != nil {
		return p, vault.Relay{}, err
	}
	relay, err := s.vault.Relay(r.Context(), q.Get("relay"))
	return p, relay, err
}

type confirmView struct {
	frame
	Steps                          []string
	ID, Kind, Term, Drawing, Label string
	Relay                          vault.Relay
	No, Once                       string
}

// shareConfirm says what is about to be shared, and asks yes or no.
func (s *server) shareConfirm(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	p, relay, err := s.shareOf(r, h, r.URL.Query())
	t, ok := termNamed(r.URL.Query().Get("term"))
	if err == nil && !ok {
		err = vault.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := confirmView{frame: s.inside(w, r, h, "confirm", "papers", kindIcon(p.Kind)), Steps: stepsAt(2), ID: p.ID, Kind: p.Kind,
		Term: t.name, Drawing: t.drawing, Relay: relay, No: paperPage("paper", p.ID, 1), Once: rand.Text()}
	v.Label = v.locale.Text(t.label, locales.Args{"n": t.nights})
	v.Back = "term?" + url.Values{"id": {p.ID}, "relay": {relay.ID}}.Encode()
	v.Line = v.say(t.confirm, locales.Args{"relay": relayName(relay), "paper": locales.Kind(p.Kind), "n": t.nights})
	s.kiosk.Render(w, r, http.StatusOK, "confirm", v)
}

// share does it. A form sent twice is done once.
func (s *server) share(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	t, ok := termNamed(r.PostFormValue("term"))
	if !ok {
		s.fail(w, r, &vault.Invalid{Field: "term", Reason: "unknown"})
		return
	}
	id, relay := r.PostFormValue("id"), r.PostFormValue("relay")
	_, err := h.Share(r.Context(), id, relay, t.term, r.PostFormValue("once"))
	if err != nil && !errors.Is(err, vault.ErrRepeated) {
		s.fail(w, r, err)
		return
	}
	see(w, r, "shared?"+url.Values{"id": {id}, "relay": {relay}}.Encode())
}

// shared says that it was done.
func (s *server) shared(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	p, relay, err := s.shareOf(r, h, r.URL.Query())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := toldView{frame: s.inside(w, r, h, "shared", "papers", kindIcon(p.Kind)), Story: &story{Kind: p.Kind, Sign: "arrow-right", Relay: relay, Done: "valid"}}
	v.Back = "home"
	v.Ways = []wayView{v.wayTo("papers"), v.wayTo("who")}
	s.tell(w, r, v, "share.done", locales.Args{"relay": relayName(relay), "paper": locales.Kind(p.Kind)})
}
