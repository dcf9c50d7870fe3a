package holder

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/portal/web"
)

// The cookies of a kiosk. They live in the memory of the kiosk's own program and
// die with the session's process; the window never sees one.
const (
	cookieCard   = "card"
	cookieHolder = "holder"
	cookieEnrol  = "enrol"
	cookieLang   = "lang"
)

func setCookie(w http.ResponseWriter, r *http.Request, name, value string) {
	http.SetCookie(w, web.Cookie(r, name, value, "/k", 0))
}

func dropCookies(w http.ResponseWriter, r *http.Request, names ...string) {
	for _, name := range names {
		http.SetCookie(w, web.Cookie(r, name, "", "/k", -time.Second))
	}
}

type deviceKey struct{}

// device lets only enrolled kiosks through.
func (s *server) device(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := hex.DecodeString(r.Header.Get("Consigne-Token"))
		if err != nil || len(token) != 32 {
			http.Error(w, "not an enrolled kiosk", http.StatusForbidden)
			return
		}
		dev, err := s.vault.Device(r.Context(), r.Header.Get("Consigne-Device"), token)
		if errors.Is(err, vault.ErrForbidden) {
			http.Error(w, "not an enrolled kiosk", http.StatusForbidden)
			return
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), deviceKey{}, dev)))
	})
}

func deviceOf(r *http.Request) vault.Device {
	dev, _ := r.Context().Value(deviceKey{}).(vault.Device)
	return dev
}

// localeOf is the language of a page outside a vault: that of the card, or the
// one touched on the rest screen, or French.
func localeOf(r *http.Request) *locales.Locale {
	if l, ok := locales.Get(web.CookieValue(r, cookieLang)); ok {
		return l
	}
	return locales.Must(locales.Fallback)
}

// zone is where the kiosk stands: its relay's zone.
func (s *server) zone(r *http.Request) *time.Location {
	relay, err := s.vault.Relay(r.Context(), deviceOf(r).RelayID)
	if err != nil {
		return time.UTC
	}
	return zoneOf(relay)
}

func zoneOf(relay vault.Relay) *time.Location {
	loc, err := time.LoadLocation(relay.Zone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// today is the kiosk's day and hour.
func (s *server) today(r *http.Request) time.Time { return s.now().In(s.zone(r)) }

type holderHandler func(w http.ResponseWriter, r *http.Request, h *vault.Holder)

// opened lets only an open vault's holder through.
func (s *server) opened(next holderHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h, err := s.vault.Holder(r.Context(), deviceOf(r), web.CookieValue(r, cookieHolder))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next(w, r, h)
	}
}

type enrolHandler func(w http.ResponseWriter, r *http.Request, e *vault.Enrolment)

// enrolling lets only somebody through whose vault is being made.
func (s *server) enrolling(next enrolHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, err := s.vault.Enrolment(r.Context(), deviceOf(r), web.CookieValue(r, cookieEnrol))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next(w, r, e)
	}
}

// see answers a form that was carried out: the kiosk shows the page that follows.
func see(w http.ResponseWriter, r *http.Request, page string) {
	http.Redirect(w, r, "/k/"+page, http.StatusSeeOther)
}

// number reads a small number of a query, or 1.
func number(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 {
		return 1
	}
	return n
}
