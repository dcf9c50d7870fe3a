package holder

import (
	"net/http"
	"strings"
	"time"

	"consigne/cards"
	"consigne/locales"
	"consigne/portal/vault"
)

// said is a sentence as a page shows and plays it.
type said struct{ Caption, Voice string }

// saidOf joins sentences into one line with one voice.
func saidOf(sentences ...locales.Sentence) said {
	var captions, clips []string
	for _, s := range sentences {
		if s.Caption != "" {
			captions = append(captions, s.Caption)
		}
		clips = append(clips, s.Clips...)
	}
	line := said{Caption: strings.Join(captions, " ")}
	if len(clips) > 0 {
		line.Voice = "voice?c=" + strings.Join(clips, "+")
	}
	return line
}

// frame is what every kiosk page has around its own room.
type frame struct {
	Page, Room, Chip string
	Line             said
	LineBelow        bool // the page shows its line itself
	Owner            cards.Mark
	Back             string // where "back" leads; "" for no such button
	Leave            bool
	Reader           string // on which side of the screen the card reader is
	CallState        string
	Idle, Countdown  int // seconds
	End              int // seconds until a last page closes by itself

	locale *locales.Locale
}

// Lang and Dir are the page's language and direction.
func (f frame) Lang() string { return f.locale.Tag() }

// Dir is "ltr" or "rtl".
func (f frame) Dir() string { return f.locale.Dir() }

// T gives the words of a message without arguments.
func (f frame) T(key string) string { return f.locale.Text(key, nil) }

// Say gives a message without arguments as line and voice.
func (f frame) Say(key string) said { return saidOf(f.locale.Say(key, nil)) }

func (f frame) say(key string, args locales.Args) said { return saidOf(f.locale.Say(key, args)) }

// Headers by which the kiosk's own program knows what a page is for.
const (
	headerScan    = "Consigne-Scan"    // what a card shown meanwhile is: "card", "enrol-card" or "none"
	headerSession = "Consigne-Session" // "ended" on a last page
	headerReader  = "Consigne-Reader"  // asked by the kiosk: "right", "left" or "below"
)

// goodbyeSeconds is how long a last page stays.
const goodbyeSeconds = 8

// frame begins a page in a language.
func (s *server) frame(w http.ResponseWriter, r *http.Request, page string, l *locales.Locale) frame {
	w.Header().Set("Content-Language", l.Tag())
	w.Header().Set(headerScan, "none")
	f := frame{Page: page, Room: "ink", Reader: "right", locale: l, End: goodbyeSeconds,
		Idle: int(s.idle.Seconds()), Countdown: int(s.countdown.Seconds())}
	if side := r.Header.Get(headerReader); side == "left" || side == "below" {
		f.Reader = side
	}
	return f
}

// inside begins a page of an open vault.
func (s *server) inside(w http.ResponseWriter, r *http.Request, h *vault.Holder, page, room, chip string) frame {
	f := s.frame(w, r, page, locales.Must(h.Language()))
	f.Room, f.Chip, f.Owner, f.Leave = room, chip, h.Mark(), true
	return f
}

// relayName is a relay's name with the clip that says it.
func relayName(r vault.Relay) locales.Own { return locales.Own{Text: r.Name, Clip: "relay/" + r.ID} }

// placeName is an appointment's place with the clip that says it.
func placeName(a vault.Appointment) locales.Own {
	return locales.Own{Text: a.Place, Clip: "place/" + a.ID}
}

// nightsBetween counts the nights between two days, in their own zones.
func nightsBetween(from, to time.Time) int {
	return int(vault.DateOf(to).Number() - vault.DateOf(from).Number())
}

// turn is the arrow to another page of a list.
type turn struct {
	Href, Label string
	Dots        []bool
}

// pager cuts a list into pages. page counts from 1; after the last comes the
// first again.
func (f frame) pager(total, each, page int, href func(page int) string) (from, to int, t *turn) {
	pages := max(1, (total+each-1)/each)
	page = min(max(page, 1), pages)
	from, to = (page-1)*each, min(page*each, total)
	if pages == 1 {
		return from, to, nil
	}
	t = &turn{Href: href(page%pages + 1), Label: f.T("bar.next"), Dots: make([]bool, pages)}
	t.Dots[page-1] = true
	return from, to, t
}
