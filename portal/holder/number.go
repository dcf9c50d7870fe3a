package holder

import (
	"net/http"

	"consigne/locales"
	"consigne/portal/vault"
)

type numberView struct {
	frame
	Phone string
}

// number shows the holder's number, when messages no longer reach it, and asks
// whether it is still theirs.
func (s *server) number(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	if h.Phone() == "" {
		s.fail(w, r, vault.ErrNoPhone)
		return
	}
	phone := locales.Args{"phone": dialled(h.Phone())}
	v := numberView{frame: s.inside(w, r, h, "number", "appointments", "device-mobile")}
	v.Back, v.Line = "home", v.say("number.ask", phone)
	v.Phone = v.locale.Text("number.shown", phone)
	s.kiosk.Render(w, r, http.StatusOK, "number", v)
}

// confirmNumber notes that it is.
func (s *server) confirmNumber(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	if err := h.ConfirmPhone(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, "number-confirmed")
}

func (s *server) numberConfirmed(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	v := toldView{frame: s.inside(w, r, h, "number-confirmed", "appointments", "device-mobile"),
		Story: &story{Icon: "device-mobile", Done: "valid"}}
	v.Back, v.Ways = "home", []wayView{v.wayTo("home")}
	s.tell(w, r, v, "number.confirmed", nil)
}

// numberChanged asks whoever has another number by now to tell a person: a kiosk
// takes no digits.
func (s *server) numberChanged(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	v := toldView{frame: s.inside(w, r, h, "number-changed", "appointments", "device-mobile"), Drawing: "no-phone", CallToo: true}
	v.Back = "number"
	s.tell(w, r, v, "number.changed", nil)
}
