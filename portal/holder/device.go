package holder

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"consigne/internal/seal"
	"consigne/locales"
	"consigne/portal/vault"
	"consigne/portal/web"
)

// enrolDevice takes a kiosk in that has a relay's eight digits.
func (s *server) enrolDevice(w http.ResponseWriter, r *http.Request) {
	network := web.ClientNetwork(r)
	if s.digits.Take(network) > 0 { // before it is tried: trying in parallel gains nothing
		http.Error(w, "too many wrong codes: wait", http.StatusTooManyRequests)
		return
	}
	wrong := false
	defer func() {
		if !wrong {
			s.digits.Give(network)
		}
	}()
	var ask struct{ Code, Name, Public, Token string }
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, "read request: not JSON", http.StatusBadRequest)
		return
	}
	public, err := base64.StdEncoding.DecodeString(ask.Public)
	token, err2 := hex.DecodeString(ask.Token)
	if errors.Join(err, err2) != nil {
		http.Error(w, "read request: public is base64, token is hex", http.StatusBadRequest)
		return
	}
	dev, err := s.vault.EnrolDevice(r.Context(), ask.Code, ask.Name, seal.PublicKey(public), token)
	wrong = errors.Is(err, vault.ErrCode)
	if err != nil {
		refuseDevice(w, r, err)
		return
	}
	writeJSON(w, map[string]string{"id": dev.ID, "relay": dev.RelayID})
}

// refuseDevice tells the kiosk's program why, in words for its operator.
func refuseDevice(w http.ResponseWriter, r *http.Request, err error) {
	var invalid *vault.Invalid
	switch {
	case errors.Is(err, vault.ErrCode):
		http.Error(w, "code is wrong or too old", http.StatusForbidden)
	case errors.As(err, &invalid):
		http.Error(w, "invalid "+invalid.Field+": "+invalid.Reason, http.StatusUnprocessableEntity)
	case errors.Is(err, vault.ErrNotFound):
		http.Error(w, "no such enrolment", http.StatusNotFound)
	case errors.Is(err, vault.ErrBusy), errors.Is(err, vault.ErrFull):
		http.Error(w, "portal cannot write now", http.StatusServiceUnavailable)
	default:
		logFault(r, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

type sealedEnrolment struct {
	ID     string `json:"id"`
	Sealed []byte `json:"sealed"` // base64 in JSON
}

// deviceState is what the portal has for a kiosk: profiles sealed to its key, its
// call, and its relay's number for the time when the portal is gone.
func (s *server) deviceState(w http.ResponseWriter, r *http.Request) {
	waiting, err := s.vault.Waiting(r.Context(), deviceOf(r))
	if err != nil {
		refuseDevice(w, r, err)
		return
	}
	call, err := s.callState(r)
	if err != nil {
		refuseDevice(w, r, err)
		return
	}
	relay, err := s.vault.Relay(r.Context(), deviceOf(r).RelayID)
	if err != nil {
		refuseDevice(w, r, err)
		return
	}
	slices.SortStableFunc(waiting, s.freshFirst)
	enrolments := make([]sealedEnrolment, len(waiting))
	for i, e := range waiting {
		enrolments[i] = sealedEnrolment(e)
	}
	writeJSON(w, map[string]any{"enrolments": enrolments, "call": map[string]string{"state": call}, "phone": string(dialled(relay.Phone))})
}

// freshFirst puts the enrolments that were begun here last: the kiosk opens the
// first, and that must be the person whom the desk has just sent, not somebody
// who walked away before.
func (s *server) freshFirst(a, b vault.Waiting) int {
	switch begunA, begunB := s.begun.has(a.ID), s.begun.has(b.ID); {
	case begunA == begunB:
		return 0
	case begunA:
		return 1
	}
	return -1
}

// beginEnrolment takes the profile that the kiosk opened with its own key, and
// starts the session in which its person consents.
func (s *server) beginEnrolment(w http.ResponseWriter, r *http.Request) {
	var p vault.Profile
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, "read profile: not JSON", http.StatusBadRequest)
		return
	}
	id := chi.URLParam(r, "id")
	cookie, err := s.vault.BeginEnrolment(r.Context(), deviceOf(r), id, p)
	if err != nil {
		refuseDevice(w, r, err)
		return
	}
	s.begun.add(id)
	dropCookies(w, r, cookieCard, cookieHolder)
	setCookie(w, r, cookieEnrol, cookie)
	if _, ok := locales.Get(p.Language); ok {
		setCookie(w, r, cookieLang, p.Language)
	}
	w.WriteHeader(http.StatusNoContent)
}
