package holder

import (
	"net/http"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

type numberView struct {
	frame
	Phone   string
	Stopped bool
	No      string // where no leads
}

// hearNumber says why the number is to be looked at.
func (f frame) hearNumber(health queue.Health) said {
	if health == queue.Stopped {
		return f.Say("hear.stopped")
	}
	return f.Say("hear.number")
}

// number shows the holder's number, when messages no longer reach it, and asks
// whether it is still theirs; where they were stopped, whether they are wanted again.
func (s *server) number(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	if h.Phone() == "" {
		s.fail(w, r, vault.ErrNoPhone)
		return
	}
	health, err := h.PhoneHealth(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	phone := locales.Args{"phone": dialled(h.Phone())}
	v := numberView{frame: s.inside(w, r, h, "number", "appointments", "device-mobile")}
	v.Back, v.No, v.Line = "home", "number-changed", v.say("number.ask", phone)
	if health == queue.Stopped {
		v.Stopped, v.No, v.Line = true, "home", v.say("number.resume", phone)
	}
	v.Phone = v.locale.Text("number.shown", phone)
	s.kiosk.Render(w, r, http.StatusOK, "number", v)
}

// confirmNumber notes that it is, or that messages are wanted there again.
func (s *server) confirmNumber(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	note, next := h.ConfirmPhone, "number-confirmed"
	if r.PostFormValue("resume") == "1" {
		note, next = h.ResumePhone, "number-resumed"
	}
	if err := note(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, next)
}

func (s *server) numberConfirmed(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	s.numberNoted(w, r, h, "number-confirmed", "number.confirmed")
}

func (s *server) numberResumed(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	s.numberNoted(w, r, h, "number-resumed", "number.resumed")
}

func (s *server) numberNoted(w http.ResponseWriter, r *http.Request, h *vault.Holder, page, key string) {
	v := toldView{frame: s.inside(w, r, h, page, "appointments", "device-mobile"),
		Story: &story{Icon: "device-mobile", Done: "valid"}}
	v.Back, v.Ways = "home", []wayView{v.wayTo("home")}
	s.tell(w, r, v, key, nil)
}

// numberChanged asks whoever has another number by now to tell a person: a kiosk
// takes no digits.
func (s *server) numberChanged(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	v := toldView{frame: s.inside(w, r, h, "number-changed", "appointments", "device-mobile"), Drawing: "no-phone", CallToo: true}
	v.Back = "number"
	s.tell(w, r, v, "number.changed", nil)
}
