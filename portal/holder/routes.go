package holder

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"consigne/portal/web"
)

// formLimit is more than any form here: a profile or five picture names.
const formLimit = 64 << 10

func (s *server) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(web.Log, web.Recover, web.LimitBody(formLimit))
	r.Route("/k", s.kioskRoutes)
	r.Route("/device", s.deviceRoutes)
	r.Route("/l", s.phoneRoutes)
	return r
}

// kioskRoutes: an enrolled kiosk's requests, and nobody else's.
func (s *server) kioskRoutes(r chi.Router) {
	r.Use(web.Secure(web.Policy{Script: true, Media: true}), http.NewCrossOriginProtection().Handler)
	r.Handle("/static/*", http.StripPrefix("/k/static/", s.static))
	r.Group(func(r chi.Router) {
		r.Use(s.device)
		// Before a card is shown.
		r.Get("/rest", s.rest)
		r.Get("/state", s.state)
		r.Get("/voice", s.voice)
		r.Get("/problem", s.problem)
		r.Post("/language", s.setLanguage)
		r.Post("/call", s.call)
		r.Get("/called", s.called)
		r.Post("/leave", s.leave)
		r.Get("/goodbye", s.goodbye)
		r.Get("/ended", s.ended)
		// A card and its pictures.
		r.Post("/card", s.showCard)
		r.Post("/enrol-card", s.showStockCard)
		r.Get("/code", s.code)
		r.Post("/unlock", s.unlock)
		r.Get("/wrong", s.wrong)
		// An open vault.
		r.Get("/home", s.opened(s.home))
		r.Get("/papers", s.opened(s.papers))
		r.Get("/paper", s.opened(s.paper))
		r.Get("/enlarge", s.opened(s.enlarge))
		r.Get("/page-image", s.opened(s.pageImage))
		r.Get("/share", s.opened(s.shareWho))
		r.Get("/term", s.opened(s.shareTerm))
		r.Get("/confirm", s.opened(s.shareConfirm))
		r.Post("/share", s.opened(s.share))
		r.Get("/shared", s.opened(s.shared))
		r.Post("/send", s.opened(s.send))
		r.Get("/sent", s.opened(s.sent))
		r.Get("/who", s.opened(s.who))
		r.Get("/relay", s.opened(s.relay))
		r.Get("/stop", s.opened(s.askStop))
		r.Post("/stop", s.opened(s.stop))
		r.Get("/stopped", s.opened(s.stopped))
		r.Get("/appointments", s.opened(s.appointments))
		r.Get("/appointment", s.opened(s.appointment))
		r.Post("/answer", s.opened(s.answer))
		r.Get("/answered", s.opened(s.answered))
		r.Get("/number", s.opened(s.number))
		r.Post("/number", s.opened(s.confirmNumber))
		r.Get("/number-confirmed", s.opened(s.numberConfirmed))
		r.Get("/number-resumed", s.opened(s.numberResumed))
		r.Get("/number-changed", s.opened(s.numberChanged))
		// A vault being made.
		r.Get("/enrol", s.enrolling(s.enrol))
		r.Post("/consent", s.enrolling(s.consent))
		r.Post("/refuse", s.enrolling(s.refuse))
		r.Post("/learnt", s.enrolling(s.learnt))
		r.Post("/practise", s.enrolling(s.practise))
		r.Get("/welcome", s.opened(s.welcome))
	})
}

// deviceRoutes: the kiosk's own program.
func (s *server) deviceRoutes(r chi.Router) {
	r.Use(web.Secure(web.Policy{}), http.NewCrossOriginProtection().Handler)
	r.Post("/enrol", s.enrolDevice)
	r.Group(func(r chi.Router) {
		r.Use(s.device)
		r.Get("/state", s.deviceState)
		r.Post("/enrolments/{id}", s.beginEnrolment)
	})
}

// phoneRoutes: whoever has a link's letters. Old phones send "Origin: null", so
// these stand outside cross-origin protection; they carry no other authority.
func (s *server) phoneRoutes(r chi.Router) {
	r.Use(web.Secure(web.Policy{Media: true}), middleware.Compress(9, "text/html"))
	r.Handle("/static/*", http.StripPrefix("/l/static/", s.static))
	r.Get("/voice", s.phoneVoice)
	r.Head("/voice", s.phoneVoice)
	r.Get("/{letters}", s.link)
	r.Head("/{letters}", s.link)
	r.Post("/{letters}", s.openLink)
	r.Get("/{letters}/{page}", s.linkPage)
}
