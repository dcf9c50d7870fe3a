package holder

import (
	"errors"
	"net/http"
	"net/url"

	"consigne/portal/vault"
)

// send sends a paper to the holder's phone, as a link that opens it once. A form
// sent twice sends once.
func (s *server) send(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	id := r.PostFormValue("id")
	err := h.SendLink(r.Context(), id, r.PostFormValue("once"))
	if err != nil && !errors.Is(err, vault.ErrRepeated) {
		s.fail(w, r, err)
		return
	}
	see(w, r, "sent?id="+url.QueryEscape(id))
}

// sent says that it is on its way.
func (s *server) sent(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	p, err := h.Paper(r.URL.Query().Get("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := toldView{frame: s.inside(w, r, h, "sent", "papers", "device-mobile"),
		Story: &story{Kind: p.Kind, Sign: "arrow-right", Icon: "device-mobile", Done: "valid"}}
	v.Back = paperPage("paper", p.ID, 1)
	v.Ways = []wayView{v.wayTo("papers"), v.wayTo("home")}
	s.tell(w, r, v, "phone.sent", nil)
}
