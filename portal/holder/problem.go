package holder

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/portal/web"
)

// trouble is one way in which something did not work, as a person meets it: a
// picture, a sentence, what to do. The name stands in the address of the page.
type trouble struct {
	name    string
	status  int
	chip    string
	drawing string
	key     string
	hints   []hintOf
	way     string // "home", "number" or "rest": where else than to somebody's help
}

type hintOf struct{ drawing, key string }

var cardHints = []hintOf{{"wipe-card", "card.wipe"}, {"flat-card", "card.flat"}}

// troubles are all of them; the first one stands in for what is none.
var troubles = []trouble{
	{"error", http.StatusInternalServerError, "plugs", "machine-stuck", "error.again", nil, "home"},
	{"network", http.StatusServiceUnavailable, "plugs", "network-down", "machine.down", nil, ""},
	{"busy", http.StatusServiceUnavailable, "hourglass-medium", "machine-busy", "machine.busy", nil, "home"},
	{"full", http.StatusInsufficientStorage, "vault", "machine-full", "error.full", nil, "home"},
	{"unread", http.StatusUnprocessableEntity, "credit-card", "card-unread", "card.unread", cardHints, ""},
	{"notcard", http.StatusUnprocessableEntity, "credit-card", "not-a-card", "card.foreign", nil, ""},
	{"unknown", http.StatusNotFound, "credit-card", "card-unknown", "card.unknown", nil, ""},
	{"stopped", http.StatusForbidden, "hand-palm", "card-stopped", "card.stopped", nil, ""},
	{"blocked", http.StatusForbidden, "lock-key", "card-blocked", "card.blocked", nil, ""},
	{"taken", http.StatusConflict, "credit-card", "card-taken", "card.taken", nil, ""},
	{"enrol", http.StatusConflict, "identification-card", "machine-stuck", "error.enrol", nil, "rest"},
	{"gone", http.StatusNotFound, "file-x", "paper-gone", "error.gone", nil, "home"},
	{"page", http.StatusUnprocessableEntity, "file-x", "paper-gone", "error.page", nil, "home"},
	{"phone", http.StatusConflict, "device-mobile", "no-phone", "phone.none", nil, "home"},
	{"sick", http.StatusConflict, "device-mobile", "phone-sick", "phone.sick", nil, "number"},
	{"no-messages", http.StatusConflict, "device-mobile", "phone-silent", "phone.stopped", nil, "number"},
	{"enough", http.StatusTooManyRequests, "device-mobile", "links-enough", "phone.enough", nil, "home"},
}

// causes says which trouble an error of the vault is. What is not here is a
// fault of ours: "error", and in the log.
var causes = []struct {
	err  error
	name string
}{
	{vault.ErrCardText, "notcard"}, {vault.ErrCardUnknown, "unknown"}, {vault.ErrCardStopped, "stopped"},
	{vault.ErrCardBlocked, "blocked"}, {vault.ErrCardTaken, "taken"}, {vault.ErrBusy, "busy"}, {vault.ErrFull, "full"},
	{vault.ErrNoPhone, "phone"}, {vault.ErrSick, "sick"}, {vault.ErrStopped, "no-messages"}, {vault.ErrEnough, "enough"}, {vault.ErrNotFound, "gone"}, {vault.ErrForbidden, "gone"}, {vault.ErrFileDamaged, "page"},
}

func troubleOf(err error) trouble {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return troubleNamed(c.name)
		}
	}
	return troubleNamed("error")
}

func troubleNamed(name string) trouble {
	for _, t := range troubles {
		if t.name == name {
			return t
		}
	}
	return troubles[0]
}

type problemView struct {
	frame
	Drawing string
	Hints   []hintView
	Way     *wayView
}

type hintView struct {
	Number        int
	Drawing, Text string
}

// wayView is a button that leads on.
type wayView struct {
	Href, Icon, Label string
	Say               said
}

// fail answers a request that could not be carried out with the page of its
// trouble. An ended session has a page of its own.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, vault.ErrSession) {
		s.showEnded(w, r, http.StatusForbidden)
		return
	}
	t := troubleOf(err)
	var invalid *vault.Invalid
	if errors.As(err, &invalid) {
		t.status = http.StatusUnprocessableEntity
	} else if t.name == "error" {
		logFault(r, err)
	}
	s.showTrouble(w, r, t, t.status)
}

// problem shows a trouble that the kiosk's own program, or a card, met.
func (s *server) problem(w http.ResponseWriter, r *http.Request) {
	s.showTrouble(w, r, troubleNamed(r.URL.Query().Get("what")), http.StatusOK)
}

func (s *server) showTrouble(w http.ResponseWriter, r *http.Request, t trouble, status int) {
	_, err := s.vault.Holder(r.Context(), deviceOf(r), web.CookieValue(r, cookieHolder))
	inside, enrolling := err == nil, web.CookieValue(r, cookieEnrol) != ""
	page := "problem"
	if t.name == "network" {
		page = "network"
	}
	v := problemView{frame: s.frame(w, r, page, localeOf(r)), Drawing: t.drawing}
	v.Chip, v.Line, v.Leave = t.chip, v.Say(t.key), inside || enrolling
	if page == "network" {
		v.Idle = 0 // it goes away by itself
	}
	switch {
	case inside:
		v.Back = "home"
	case enrolling:
		v.Back = "enrol"
		w.Header().Set(headerScan, "enrol-card")
	default:
		v.Back = "rest"
		w.Header().Set(headerScan, "card")
	}
	for i, h := range t.hints {
		v.Hints = append(v.Hints, hintView{Number: i + 1, Drawing: h.drawing, Text: v.T(h.key)})
	}
	if t.way == "home" && inside {
		v.Way = &wayView{Href: "home", Icon: "house-line", Label: v.T("tile.home")}
	}
	if t.way == "number" && inside {
		v.Way = &wayView{Href: "number", Icon: "device-mobile", Label: v.T("tile.number")}
	}
	s.kiosk.Render(w, r, status, v.page(), v)
}

// page is the template of a trouble: one for all of them.
func (problemView) page() string { return "problem" }

// said answers with the sentence of a trouble; tests go through all of them.
func (t trouble) said(l *locales.Locale) said { return saidOf(l.Say(t.key, nil)) }

// failPlain answers what has no page of its own.
func (s *server) failPlain(w http.ResponseWriter, r *http.Request, err error) {
	logFault(r, err)
	status := troubleOf(err).status
	http.Error(w, http.StatusText(status), status)
}

// logFault writes that something of ours went wrong: where, and the error's type.
// Its own text may quote a visitor, and so may the request's path.
func logFault(r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "request failed", "cause", web.RootType(err), "route", chi.RouteContext(r.Context()).RoutePattern())
}

// noPicture answers for a page image that is not to be had, and says no more than
// that. What is a fault of ours, not of the asker, is logged.
func noPicture(w http.ResponseWriter, r *http.Request, err error) {
	asked := []error{vault.ErrNotFound, vault.ErrLinkDead, vault.ErrLinkOther, vault.ErrSession}
	if !slices.ContainsFunc(asked, func(known error) bool { return errors.Is(err, known) }) {
		logFault(r, err)
	}
	http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
}
