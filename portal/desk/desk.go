// Package desk serves the pages on which a relay's staff work: appointments,
// people, papers shared with the relay, messages, colleagues and kiosks. All of
// it is in French and lives under /desk.
//
// New returns a handler for the portal's router:
//
//	router.Mount("/desk", desk.New(v, desk.Options{Now: service.Now}))
//
// routes.go shows every address; each action has its own file. The package knows
// HTTP and words; what is allowed is decided in portal/vault alone.
package desk

import (
	"embed"
	"io/fs"
	"net/http"
	"net/netip"
	"time"

	"consigne/portal/vault"
	"consigne/portal/web"

	"github.com/go-chi/chi/v5"
)

var (
	//go:embed pages
	pageFiles embed.FS
	//go:embed static
	staticFiles embed.FS
)

// pageNames are the pages that must exist; the renderer refuses to start when one
// is missing or undeclared.
var pageNames = []string{
	"sign-in", "invitation", "setup", "admission", "today", "people", "person-new", "person",
	"appointment-new", "phone", "paper", "messages", "team", "trouble",
}

// Options says what the desk takes from its surroundings.
type Options struct {
	Now func() time.Time // the program's one clock; nil is time.Now
}

// desk holds what every action needs.
type desk struct {
	vault    *vault.Vault
	pages    *web.Renderer
	static   http.Handler
	now      func() time.Time
	tries    *web.Limiter[signInTry]
	codes    *web.Limiter[emailMark]
	places   *places
	networks *web.Limiter[netip.Prefix]
}

// New makes the desk's handler. It panics when its own embedded pages are broken,
// which is a fault of the build, not of a visitor.
func New(v *vault.Vault, o Options) http.Handler {
	d := newDesk(v, o)
	r := chi.NewRouter()
	d.routes(r)
	return r
}

func newDesk(v *vault.Vault, o Options) *desk {
	d := &desk{vault: v, now: o.Now}
	if d.now == nil {
		d.now = time.Now
	}
	d.tries = web.NewLimiter[signInTry](d.now, triesEach, tryEvery)
	d.codes = web.NewLimiter[emailMark](d.now, triesEach, tryEvery)
	d.places = newPlaces()
	d.networks = web.NewLimiter[netip.Prefix](d.now, triesNetwork, networkEvery)
	assets, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic("desk: static files: " + err.Error())
	}
	var address func(string) string
	d.static, address = web.Static(assets)
	pages, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		panic("desk: pages: " + err.Error())
	}
	d.pages, err = web.NewRenderer(pages, pageNames, pageFuncs(address))
	if err != nil {
		panic("desk: " + err.Error())
	}
	return d
}

// nowAt is the present in a relay's own hours.
func (d *desk) nowAt(r vault.Relay) time.Time { return d.now().In(zoneOf(r)) }
