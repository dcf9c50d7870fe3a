package holder

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
)

const papersEach = 6

type papersView struct {
	frame
	Papers []paperTile
	Turn   *turn
}

type paperTile struct {
	ID, Kind, Icon, Sign, Label string
	Say                         said
}

// papers shows six papers a page, the newest deposit first.
func (s *server) papers(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	v := papersView{frame: s.inside(w, r, h, "papers", "papers", "files")}
	v.Back = "home"
	all, today := h.Papers(), vault.DateOf(s.today(r))
	if len(all) == 0 {
		s.tell(w, r, toldView{frame: v.frame, Drawing: "no-papers", CallToo: true}, "papers.empty", nil)
		return
	}
	v.Line = v.countPapers(all, today)
	from, to, t := v.pager(len(all), papersEach, number(r, "page"), pageOf("papers"))
	if v.Turn = t; from > 0 {
		v.Line = v.Say("common.more")
	}
	for _, p := range all[from:to] {
		v.Papers = append(v.Papers, paperTile{ID: p.ID, Kind: p.Kind, Icon: kindIcon(p.Kind), Sign: signOf(p, today),
			Label: v.kindName(p.Kind), Say: v.say("hear.paper", locales.Args{"paper": locales.Kind(p.Kind), "validity": v.validity(p, today)})})
	}
	s.kiosk.Render(w, r, http.StatusOK, "papers", v)
}

// countPapers says how many there are, and how many are expired or end soon.
func (f frame) countPapers(all []vault.Paper, today vault.Date) said {
	var expired, soon int
	for _, p := range all {
		switch p.Validity(today) {
		case vault.Expired:
			expired++
		case vault.Soon:
			soon++
		}
	}
	return f.say("papers.voice", locales.Args{"n": len(all), "expired": expired, "soon": soon})
}

// signOf is the drawing of a paper's validity: three shapes, three colours.
func signOf(p vault.Paper, today vault.Date) string {
	switch p.Validity(today) {
	case vault.Expired:
		return "expired"
	case vault.Soon:
		return "soon"
	}
	return "valid"
}

// validity says until when a paper is valid.
func (f frame) validity(p vault.Paper, today vault.Date) locales.Sentence {
	args := locales.Args{"t": p.ValidUntil.In(time.UTC)}
	switch p.Validity(today) {
	case vault.Unlimited:
		return f.locale.Say("paper.unlimited", nil)
	case vault.Expired:
		return f.locale.Say("paper.expired", args)
	case vault.Soon:
		return f.locale.Say("paper.left", locales.Args{"n": p.DaysLeft(today)})
	}
	return f.locale.Say("paper.until", args)
}

func (f frame) kindName(kind string) string { return f.locale.Text("kind."+kind+".name", nil) }

// pageOf makes the addresses of a list's pages, with the query that stays.
func pageOf(name string, query ...string) func(int) string {
	return func(page int) string {
		q := url.Values{"page": {strconv.Itoa(page)}}
		for i := 0; i+1 < len(query); i += 2 {
			q.Set(query[i], query[i+1])
		}
		return name + "?" + q.Encode()
	}
}
