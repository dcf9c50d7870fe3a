package holder

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
)

// languagesEach is how many languages stand on the rest screen at a time.
const languagesEach = 6

type restView struct {
	frame
	Languages []languageView
	Turn      *turn
	Enrol     said
	Forget    string // the language to which an empty room goes back, "" for the one it has
	Waiting   bool   // somebody's enrolment was begun here, and left
}

type languageView struct {
	Tag, Name, Dir string
	Current        bool
}

// rest is the screen that waits for a card.
func (s *server) rest(w http.ResponseWriter, r *http.Request) {
	v := restView{frame: s.frame(w, r, "rest", localeOf(r))}
	w.Header().Set(headerScan, "card")
	v.Idle = 0
	if v.Lang() != locales.Fallback {
		v.Forget = locales.Fallback
	}
	v.Line, v.Enrol = v.Say("rest.voice"), v.Say("rest.enrol")
	if _, waiting, err := s.waiting(r); err == nil {
		v.Waiting = waiting
	}
	tags := locales.Tags()
	from, to, t := v.pager(len(tags), languagesEach, number(r, "page"), pageOf("rest"))
	v.Turn = t
	for _, tag := range tags[from:to] {
		l := locales.Must(tag)
		v.Languages = append(v.Languages, languageView{Tag: tag, Name: l.Name(), Dir: l.Dir(), Current: tag == v.Lang()})
	}
	s.kiosk.Render(w, r, http.StatusOK, "rest", v)
}

// setLanguage takes a language that was touched on the rest screen.
func (s *server) setLanguage(w http.ResponseWriter, r *http.Request) {
	if _, ok := locales.Get(r.PostFormValue("lang")); ok {
		setCookie(w, r, cookieLang, r.PostFormValue("lang"))
	}
	see(w, r, "rest")
}

// lateAfter is how long a call waits for an answer before the number is said.
const lateAfter = time.Minute

// The states of a call as the kiosk sees them.
const (
	callNone     = "none"
	callWaiting  = "waiting"  // no desk has shown it yet
	callSeen     = "seen"     // a desk shows it
	callAnswered = "answered" // somebody is on their way
	callLate     = "late"     // a minute without an answer
)

func (s *server) callState(r *http.Request) (string, error) {
	c, err := s.vault.CallState(r.Context(), deviceOf(r))
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return callNone, nil
	case err != nil:
		return "", err
	case !c.AnsweredAt.IsZero():
		return callAnswered, nil
	case s.now().Sub(c.At) >= lateAfter:
		return callLate, nil
	case !c.SeenAt.IsZero():
		return callSeen, nil
	}
	return callWaiting, nil
}

// waiting tells whether an enrolment waits that nobody has begun here, and
// whether one waits that somebody began and left. The first kind opens by itself,
// since the desk has just sent its person; the second only when it is touched, or
// the kiosk would ask an empty room for its consent all day.
func (s *server) waiting(r *http.Request) (fresh, left bool, err error) {
	all, err := s.vault.Waiting(r.Context(), deviceOf(r))
	for _, e := range all {
		if s.begun.has(e.ID) {
			left = true
		} else {
			fresh = true
		}
	}
	return fresh, left, err
}

// state is what a page asks every second: is there an enrolment for this kiosk,
// and how does its call stand.
func (s *server) state(w http.ResponseWriter, r *http.Request) {
	fresh, left, err := s.waiting(r)
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	call, err := s.callState(r)
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	writeJSON(w, map[string]any{"enrolment": fresh, "left": left, "call": call})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the kiosk went away; it will ask again
}
