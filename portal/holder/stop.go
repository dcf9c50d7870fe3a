package holder

import (
	"net/http"
	"net/url"
	"slices"

	"consigne/locales"
	"consigne/portal/vault"
)

type relayView struct {
	frame
	Items []grantTile
	Turn  *turn
}

type grantTile struct {
	Href, Room, Kind, Icon, Label string
	Say                           said
}

// granteeOf finds the relay that an address or form names among those that can
// see something.
func (s *server) granteeOf(r *http.Request, h *vault.Holder, id string) (grantee, error) {
	_, all, err := s.granted(r, h)
	if err != nil {
		return grantee{}, err
	}
	i := slices.IndexFunc(all, func(g grantee) bool { return g.ID == id })
	if i < 0 {
		return grantee{}, vault.ErrNotFound
	}
	return all[i], nil
}

// relay shows what one relay can see; each thing can be stopped alone.
func (s *server) relay(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	g, err := s.granteeOf(r, h, r.URL.Query().Get("relay"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := relayView{frame: s.inside(w, r, h, "relay", "who", "users-three")}
	v.Back, v.Line = "who", v.say("who.relay", locales.Args{"relay": relayName(g.Relay)})
	from, to, t := v.pager(len(g.grants), papersEach, number(r, "page"), pageOf("relay", "relay", g.ID))
	v.Turn = t
	for _, grant := range g.grants[from:to] {
		v.Items = append(v.Items, v.grantTile(g, grant))
	}
	s.kiosk.Render(w, r, http.StatusOK, "relay", v)
}

func (f frame) grantTile(g grantee, grant vault.GrantView) grantTile {
	q := url.Values{"relay": {g.ID}, "grant": {grant.ID}}
	tile := grantTile{Href: "stop?" + q.Encode(), Room: "ink", Icon: iconOf(grant).Icon}
	switch grant.ItemKind {
	case "paper":
		tile.Room, tile.Kind, tile.Label = "papers", grant.PaperKind, f.kindName(grant.PaperKind)
		tile.Say = f.say("hear.stop_paper", locales.Args{"paper": locales.Kind(grant.PaperKind)})
	case "appointment":
		tile.Room, tile.Label, tile.Say = "appointments", f.T("who.appointment"), f.Say("hear.stop_appointment")
	default:
		tile.Label, tile.Say = f.T("who.profile"), f.Say("hear.stop_profile")
	}
	return tile
}

type stopView struct {
	frame
	Relay      vault.Relay
	Kind, Icon string
	Grant, No  string
}

// chosen are the grants that a stop means: one, or all that one touch ends.
func (g grantee) chosen(id string) []vault.GrantView {
	if id == "" {
		return g.stoppable()
	}
	i := slices.IndexFunc(g.grants, func(v vault.GrantView) bool { return v.ID == id })
	if i < 0 {
		return nil
	}
	return g.grants[i : i+1]
}

// askStop asks whether to stop.
func (s *server) askStop(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	q := r.URL.Query()
	g, err := s.granteeOf(r, h, q.Get("relay"))
	chosen := g.chosen(q.Get("grant"))
	if err == nil && len(chosen) == 0 {
		err = vault.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := stopView{frame: s.inside(w, r, h, "stop", "who", "hand-palm"), Relay: g.Relay, Grant: q.Get("grant"), No: "who", Icon: "files"}
	v.Back = "who"
	args := locales.Args{"relay": relayName(g.Relay)}
	switch first := chosen[0]; {
	case first.ItemKind == "paper" && len(chosen) == 1:
		v.Kind, args["paper"] = first.PaperKind, locales.Kind(first.PaperKind)
		v.Line = v.say("who.ask_stop_paper", args)
	case first.ItemKind == "paper":
		v.Line = v.say("who.ask_stop", args)
	case first.ItemKind == "appointment" && len(chosen) == 1:
		v.Icon, v.Line = "calendar-dots", v.say("who.ask_stop_appointment", args)
	default:
		v.Icon, v.Line = "user", v.say("who.ask_stop_profile", args)
	}
	s.kiosk.Render(w, r, http.StatusOK, "stop", v)
}

// stop ends the grants. What is gone already is passed over, so that a form sent
// twice does nothing more.
func (s *server) stop(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	id := r.PostFormValue("relay")
	_, all, err := s.granted(r, h)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, g := range all {
		if g.ID != id {
			continue
		}
		var ids []string
		for _, v := range g.chosen(r.PostFormValue("grant")) {
			ids = append(ids, v.ID)
		}
		if err := h.Stop(r.Context(), ids...); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	see(w, r, "stopped?relay="+url.QueryEscape(id))
}

// stopped says that it was done.
func (s *server) stopped(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	relay, err := s.vault.Relay(r.Context(), r.URL.Query().Get("relay"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := toldView{frame: s.inside(w, r, h, "stopped", "who", "hand-palm"), Story: &story{Relay: relay, Icon: "lock-key", Done: "valid"}}
	v.Back = "who"
	v.Ways = []wayView{v.wayTo("who"), v.wayTo("home")}
	s.tell(w, r, v, "who.stopped", locales.Args{"relay": relayName(relay)})
}
