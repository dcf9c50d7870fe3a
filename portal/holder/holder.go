package holder

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"

	"consigne/portal/vault"
	"consigne/portal/web"
)

//go:embed assets
var assetFiles embed.FS

//go:embed kioskpages
var kioskFiles embed.FS

//go:embed phonepages
var phoneFiles embed.FS

// Options are what the room works with beside the vault.
type Options struct {
	// Now is the program's clock; time.Now when nil.
	Now func() time.Time
	// Idle is how long nobody touches a page before it asks "are you still
	// there?", Countdown how long it then waits. 60 and 30 seconds when zero.
	Idle, Countdown time.Duration
}

// A network may open five dead links, and try five wrong codes; then one a minute.
const (
	tokensEach = 5
	tokenEvery = time.Minute
)

// server holds what all handlers share.
type server struct {
	vault     *vault.Vault
	now       func() time.Time
	idle      time.Duration
	countdown time.Duration
	kiosk     *web.Renderer
	phone     *web.Renderer
	static    http.Handler
	dead      *web.Limiter[netip.Prefix] // who opens links that do not
	digits    *web.Limiter[netip.Prefix] // who enrols devices with wrong digits
	begun     *idSet
}

var kioskPages = []string{
	"rest", "code", "wrong", "problem", "home", "papers", "paper", "enlarge", "share", "term", "confirm", "told",
	"who", "relay", "stop", "appointments", "appointment", "number", "called", "goodbye", "consent", "stock", "learn",
}

var phonePages = []string{"closed", "open", "paper", "ask", "sure", "answered"}

// New makes the room's handler. It answers whole paths (/k/..., /l/...,
// /device/...), so it may be mounted at each of the three prefixes or at the
// root. It panics when a template is broken, which is a fault of the program.
func New(v *vault.Vault, o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Idle == 0 {
		o.Idle = time.Minute
	}
	if o.Countdown == 0 {
		o.Countdown = 30 * time.Second
	}
	static, url := web.Static(sub(assetFiles, "assets"))
	funcs := templateFuncs(url)
	s := &server{
		vault: v, now: o.Now, idle: o.Idle, countdown: o.Countdown, static: static,
		kiosk: renderer(sub(kioskFiles, "kioskpages"), kioskPages, funcs),
		phone: renderer(sub(phoneFiles, "phonepages"), phonePages, phoneFuncs(url)),
		dead:  web.NewLimiter[netip.Prefix](o.Now, tokensEach, tokenEvery), digits: web.NewLimiter[netip.Prefix](o.Now, tokensEach, tokenEvery), begun: newIDSet(),
	}
	return whole(s.routes())
}

func sub(files fs.FS, dir string) fs.FS {
	inner, err := fs.Sub(files, dir)
	if err != nil {
		panic(err)
	}
	return inner
}

func renderer(files fs.FS, pages []string, funcs template.FuncMap) *web.Renderer {
	r, err := web.NewRenderer(files, pages, funcs)
	if err != nil {
		panic(err)
	}
	return r
}

// whole lets the room see whole paths wherever a chi router mounts it.
func whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), chi.RouteCtxKey, (*chi.Context)(nil))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
