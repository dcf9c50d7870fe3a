package desk

import (
	"net/http"

	"consigne/portal/web"

	"github.com/go-chi/chi/v5"
)

// maxForm bounds every form but the deposit: a page of typed text is far smaller.
const maxForm = 64 << 10

// routes lists every address of the desk, relative to /desk.
func (d *desk) routes(r chi.Router) {
	r.Use(web.Recover, web.Secure(web.Policy{Script: true}), http.NewCrossOriginProtection().Handler)
	r.NotFound(d.notFound)
	r.MethodNotAllowed(d.methodNotAllowed)

	// Each open page asks once a second; a line in the log for each would bury
	// all others.
	r.Get("/calls", d.calls)

	r.Group(func(r chi.Router) {
		r.Use(web.Log)
		r.Handle("/static/*", http.StripPrefix("/desk/static/", d.static))
		r.Get("/pictures/{name}", d.picture)
		r.Get("/marks/{picture}/{colour}", d.mark)

		// A deposit is as long as its paper: it has a bound of its own.
		r.Post("/people/{person}/deposit", d.signed(d.deposit))

		r.Group(func(r chi.Router) {
			r.Use(web.LimitBody(maxForm))
			d.doors(r)
			d.rooms(r)
		})
	})
}

// doors are the addresses on the way in and out.
func (d *desk) doors(r chi.Router) {
	r.Get("/sign-in", d.signInForm)
	r.Post("/sign-in", d.signIn)
	r.Post("/sign-out", d.signOut)
	r.Get("/invitation/{letters}", d.invitationForm)
	r.Post("/invitation/{letters}", d.accept)
	r.Get("/setup", d.setupForm)
	r.Post("/setup", d.confirm)
	r.Get("/admission", d.admission)
}

// rooms are the addresses of a member who is signed in and admitted.
func (d *desk) rooms(r chi.Router) {
	r.Get("/", d.signed(d.day))
	r.Post("/calls/{call}/answer", d.signed(d.answerCall))

	r.Get("/people", d.signed(d.people))
	r.Post("/people", d.signed(d.people))
	r.Get("/people/new", d.signed(d.personForm))
	r.Post("/people/new", d.signed(d.enrol))
	r.Get("/people/{person}", d.signed(d.person))
	r.Get("/people/{person}/deposit", d.signed(d.backToPerson))
	r.Post("/people/{person}/cards/{card}/free", d.signed(d.freeCard))
	r.Get("/people/{person}/appointments/new", d.signed(d.appointmentForm))
	r.Post("/people/{person}/appointments/new", d.signed(d.plan))

	r.Get("/people/{person}/appointments/{appointment}/move", d.signed(d.moveForm))
	r.Post("/people/{person}/appointments/{appointment}/move", d.signed(d.move))
	r.Post("/people/{person}/appointments/{appointment}/cancel", d.signed(d.cancelAppointment))
	r.Get("/people/{person}/phone", d.signed(d.phoneForm))
	r.Post("/people/{person}/phone", d.signed(d.setPhone))
	r.Post("/people/{person}/phone/confirm", d.signed(d.confirmPhone))

	r.Get("/paper/{paper}", d.signed(d.paper))
	r.Get("/paper/{paper}/page/{page}", d.signed(d.paperPage))

	r.Get("/messages", d.signed(d.messages))
	r.Post("/messages/{message}/decide/{decision}", d.signed(d.decide))
	r.Post("/messages/{message}/cancel", d.signed(d.cancelMessage))
	r.Post("/answers/{answer}/seen", d.signed(d.answerSeen))

	r.Get("/team", d.signed(d.team))
	r.Post("/team/{member}/admit", d.signed(d.admit))
	r.Post("/team/quiet", d.signed(d.setQuiet))
	r.Get("/team/device-code", d.signed(d.backToTeam))
	r.Post("/team/device-code", d.signed(d.deviceCode))
}
