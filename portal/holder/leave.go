package holder

import (
	"log/slog"
	"net/http"

	"consigne/portal/vault"
	"consigne/portal/web"
)

type goodbyeView struct {
	frame
	Drawing string
}

// leave closes everything: session, call and cookies. Who walked away without a
// word keeps their call, for somebody may be on the way to them.
func (s *server) leave(w http.ResponseWriter, r *http.Request) {
	h, err := s.vault.Holder(r.Context(), deviceOf(r), web.CookieValue(r, cookieHolder))
	if err == nil {
		err = h.Leave(r.Context())
		if err != nil {
			// The page closes all the same: without its cookie nobody opens
			// the session again, and it ends by itself.
			slog.ErrorContext(r.Context(), "session not ended", "cause", web.RootType(err))
		}
	}
	if r.PostFormValue("why") != "idle" {
		if err := s.vault.EndCall(r.Context(), deviceOf(r)); err != nil {
			slog.ErrorContext(r.Context(), "call not ended", "cause", web.RootType(err))
		}
	}
	dropCookies(w, r, cookieCard, cookieHolder, cookieEnrol)
	see(w, r, "goodbye")
}

// goodbye is the last page of a session: take your card. It closes by itself.
func (s *server) goodbye(w http.ResponseWriter, r *http.Request) {
	v := goodbyeView{frame: s.frame(w, r, "goodbye", localeOf(r)), Drawing: "goodbye"}
	v.Line = v.Say("bye.card")
	if r.URL.Query().Get("what") == "refused" {
		v.Line, v.Drawing = v.Say("enrol.refused"), "session-closed"
	}
	v.Chip, v.Idle = "hand-waving", 0
	w.Header().Set(headerSession, "ended")
	s.kiosk.Render(w, r, http.StatusOK, "goodbye", v)
}

// ended says that a session is over that somebody still wanted.
func (s *server) ended(w http.ResponseWriter, r *http.Request) {
	s.showEnded(w, r, http.StatusOK)
}

func (s *server) showEnded(w http.ResponseWriter, r *http.Request, status int) {
	v := goodbyeView{frame: s.frame(w, r, "ended", localeOf(r)), Drawing: "session-closed"}
	v.Line, v.Chip, v.Idle = v.Say("ended.voice"), "lock-key", 0
	w.Header().Set(headerSession, "ended")
	s.kiosk.Render(w, r, status, "goodbye", v)
}

// welcome ends an enrolment: the vault is made, and open.
func (s *server) welcome(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	v := toldView{frame: s.inside(w, r, h, "welcome", "ink", "lock-open"), Story: &story{Mine: true, Icon: "lock-open", Done: "valid"}}
	v.Ways = []wayView{v.wayTo("home")}
	s.tell(w, r, v, "enrol.done", nil)
}
