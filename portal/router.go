package main

import (
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5"

	"consigne/internal/service"
	"consigne/portal/desk"
	"consigne/portal/holder"
	"consigne/portal/web"
)

// router joins the rooms. Kiosks (/k, /device), phones (/l) and desks (/desk)
// have their own middleware; what stands here is for all.
func (p *portal) router(proxies []netip.Prefix) http.Handler {
	rooms := holder.New(p.vault, holder.Options{Now: service.Now})
	r := chi.NewRouter()
	r.Use(clientAddress(proxies))
	r.Get("/healthz", service.Health(p.ready).ServeHTTP)
	r.Get("/", toDesk)
	r.Mount("/desk", desk.New(p.vault, desk.Options{Now: service.Now}))
	for _, prefix := range []string{"/k", "/l", "/device"} {
		r.Mount(prefix, rooms)
	}
	return r
}

// toDesk is for whoever types the bare address: people with a card have a
// kiosk, people with a link have its address.
func toDesk(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/desk/", http.StatusSeeOther)
}

// clientAddress puts the client's address where handlers look for it, as far as
// a trusted proxy tells it.
func clientAddress(proxies []netip.Prefix) func(http.Handler) http.Handler {
	find := web.ClientAddress(proxies)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if client := find(r); client.IsValid() {
				r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
			}
			next.ServeHTTP(w, r)
		})
	}
}
