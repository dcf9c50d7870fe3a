package holder

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
)

const (
	granteesEach = 2
	looksEach    = 3
	journalDepth = 60 // entries that are gone through for those that looked
	kindsShown   = 6
)

type whoView struct {
	frame
	Relays    []grantee
	Turn      *turn
	Closed    said
	Looks     []lookView
	LookTurn  *turn
	NotLooked said
}

// grantee is a relay with all that it can see.
type grantee struct {
	vault.Relay
	Href, Stop   string
	Say, SayStop said
	Items        []itemIcon
	Endless      bool
	Nights       int

	grants []vault.GrantView
}

type itemIcon struct{ Icon, Class string }

// who shows who can see what, and who looked.
func (s *server) who(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	v := whoView{frame: s.inside(w, r, h, "who", "who", "users-three")}
	relays, grants, err := s.granted(r, h)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	entries, err := h.Journal(r.Context(), journalDepth)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	now := s.today(r)
	looks := v.looks(entries, relays, now)
	v.Back, v.Closed, v.NotLooked = "home", v.Say("who.closed"), v.Say("who.not_looked")
	v.Line = v.whoLine(grants, looks, now)
	page, looked := number(r, "page"), number(r, "looks")
	from, to, t := v.pager(len(grants), granteesEach, page, pageOf("who", "looks", strconv.Itoa(looked)))
	for _, g := range grants[from:to] {
		v.Relays = append(v.Relays, v.drawn(g, now))
	}
	v.Turn = t
	from, to, v.LookTurn = v.pager(len(looks), looksEach, looked, func(n int) string {
		return "who?" + url.Values{"page": {strconv.Itoa(page)}, "looks": {strconv.Itoa(n)}}.Encode()
	})
	v.Looks = looks[from:to]
	s.kiosk.Render(w, r, http.StatusOK, "who", v)
}

// granted lists the relays that can see something, those with papers first.
func (s *server) granted(r *http.Request, h *vault.Holder) (map[string]vault.Relay, []grantee, error) {
	all, err := s.vault.Relays(r.Context())
	if err != nil {
		return nil, nil, err
	}
	views, err := h.Grants(r.Context())
	if err != nil {
		return nil, nil, err
	}
	relays := map[string]vault.Relay{}
	var out []grantee
	for _, relay := range all {
		relays[relay.ID] = relay
		g := grantee{Relay: relay}
		for _, view := range views {
			if view.RelayID == relay.ID {
				g.grants = append(g.grants, view)
			}
		}
		if len(g.grants) > 0 {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b grantee) int { return cmp.Compare(len(b.papers()), len(a.papers())) })
	return relays, out, nil
}

// papers are the grants of papers.
func (g grantee) papers() []vault.GrantView {
	var out []vault.GrantView
	for _, v := range g.grants {
		if v.ItemKind == "paper" {
			out = append(out, v)
		}
	}
	return out
}

// stoppable are the grants that one touch on "stop" ends: the papers, and where
// there are none, all the rest.
func (g grantee) stoppable() []vault.GrantView {
	if papers := g.papers(); len(papers) > 0 {
		return papers
	}
	return g.grants
}

// drawn makes a relay's row: its items, and the nights until the last one ends.
func (f frame) drawn(g grantee, now time.Time) grantee {
	q := url.Values{"relay": {g.ID}}.Encode()
	g.Href, g.Stop = "relay?"+q, "stop?"+q
	args := locales.Args{"relay": relayName(g.Relay)}
	g.Say, g.SayStop = f.say("hear.relay", args), f.say("hear.stop", args)
	for _, v := range g.stoppable() {
		if v.Ends.IsZero() {
			g.Endless = true
		}
		g.Nights = max(g.Nights, nightsBetween(now, v.Ends.In(now.Location())))
	}
	for _, v := range g.grants {
		if item := iconOf(v); !slices.Contains(g.Items, item) && len(g.Items) < kindsShown {
			g.Items = append(g.Items, item)
		}
	}
	return g
}

func iconOf(v vault.GrantView) itemIcon {
	switch v.ItemKind {
	case "paper":
		return itemIcon{kindIcon(v.PaperKind), "of-papers"}
	case "appointment":
		return itemIcon{"calendar-dots", "of-appointments"}
	case "profile":
		return itemIcon{"user", "of-profile"}
	}
	return itemIcon{"file", "of-profile"}
}

// whoLine says how many can see papers, and who looked last.
func (f frame) whoLine(grants []grantee, looks []lookView, now time.Time) said {
	n := 0
	for _, g := range grants {
		if len(g.papers()) > 0 {
			n++
		}
	}
	if n == 0 {
		return f.Say("who.nobody")
	}
	last := locales.Sentence{}
	for _, l := range looks {
		if l.verb == vault.VerbRead {
			last = f.lastLook(l, now)
			break
		}
	}
	return f.say("who.voice", locales.Args{"n": n, "looked": last})
}

func (f frame) lastLook(l lookView, now time.Time) locales.Sentence {
	args := locales.Args{"relay": relayName(l.Relay), "n": l.Ago}
	switch {
	case l.Ago > 0:
		return f.locale.Say("seen.before", args)
	case l.at.Hour() < 12:
		return f.locale.Say("seen.morning", args)
	case l.at.Hour() < 18:
		return f.locale.Say("seen.afternoon", args)
	}
	return f.locale.Say("seen.evening", args)
}

// lookView is one line of the journal.
type lookView struct {
	Relay             vault.Relay
	Own               itemIcon // who it was where that was no relay
	Verb, Icon, Class string
	Ago               int // nights
	Clock             string
	Say               said

	verb string
	at   time.Time
}

// lookVerbs are what relays, the phone that a link was sent to, and who answers at
// a kiosk, do with a vault, with the sign of each.
var lookVerbs = map[string]string{
	vault.VerbRead: "eye", vault.VerbDeposited: "plus", vault.VerbPlanned: "plus", vault.VerbLinkOpened: "eye",
	vault.VerbMoved: "arrow-right", vault.VerbCancelled: "x", vault.VerbDecided: "check",
	vault.VerbPhone: "arrow-right", vault.VerbConfirmed: "check", vault.VerbResumed: "check",
	vault.VerbAnswered: "check", vault.VerbLinkAnswered: "check",
}

// ownLooks are those of them that no relay does: a phone, or whoever opened this
// vault, with their sign and what is said of it.
var ownLooks = map[string]struct {
	who itemIcon
	key string
}{
	vault.VerbLinkOpened: {byPhone, "seen.link-opened"}, vault.VerbLinkAnswered: {byPhone, "seen.link-answered"},
	vault.VerbAnswered: {byHolder, "seen.answered"}, vault.VerbConfirmed: {byHolder, "seen.confirmed_here"},
	vault.VerbResumed: {byHolder, "seen.resumed_here"},
}

var byPhone, byHolder = itemIcon{"device-mobile", "by-phone"}, itemIcon{"user", "by-holder"}

// lookThings are what an entry is about where that is no paper.
var lookThings = map[string]itemIcon{
	vault.VerbPlanned: {"calendar-dots", "of-appointments"}, vault.VerbMoved: {"calendar-dots", "of-appointments"},
	vault.VerbCancelled: {"calendar-dots", "of-appointments"}, vault.VerbDecided: {"device-mobile", "of-appointments"},
	vault.VerbPhone: {"device-mobile", "of-profile"}, vault.VerbConfirmed: {"device-mobile", "of-profile"},
	vault.VerbResumed:  {"device-mobile", "of-profile"},
	vault.VerbAnswered: {"calendar-dots", "of-appointments"}, vault.VerbLinkAnswered: {"calendar-dots", "of-appointments"},
}

func (f frame) looks(entries []vault.Entry, relays map[string]vault.Relay, now time.Time) []lookView {
	var out []lookView
	for _, e := range entries {
		sign, ok := lookVerbs[e.Verb]
		relay, known := relays[e.Actor]
		key := "seen." + e.Verb
		var own itemIcon
		if o, ours := ownLooks[e.Verb]; ours && e.Actor == "" {
			own, key, known = o.who, o.key, true
		}
		if !ok || !known {
			continue
		}
		at := e.At.In(now.Location())
		kind := cmp.Or(e.PaperKind, "other")
		l := lookView{Relay: relay, Own: own, Verb: sign, verb: e.Verb, at: at, Icon: kindIcon(kind), Class: "of-papers",
			Ago: max(0, nightsBetween(at, now)), Clock: at.Format("15:04")}
		if thing, ok := lookThings[e.Verb]; ok {
			l.Icon, l.Class = thing.Icon, thing.Class
		}
		l.Say = f.say(key, locales.Args{"relay": relayName(relay), "paper": locales.Kind(kind), "n": l.Ago, "t": at})
		out = append(out, l)
	}
	return out
}
