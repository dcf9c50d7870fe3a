package holder

import (
	"errors"
	"net/http"
	"strconv"

	"consigne/locales"
	"consigne/portal/vault"
)

// practiceRounds is how often the pictures must be right.
const practiceRounds = 3

type consentView struct {
	frame
	Relay vault.Relay
	Name  string // read by whoever stands there, never spoken
}

type learnView struct {
	frame
	Number  int
	Dots    []string
	Picture string
	Next    string
}

// enrolFrame begins a page of an enrolment.
func (s *server) enrolFrame(w http.ResponseWriter, r *http.Request, e *vault.Enrolment, page, chip string) frame {
	f := s.frame(w, r, page, locales.Must(e.Language()))
	f.Chip, f.Leave = chip, true
	f.Owner, _ = e.Mark()
	return f
}

// enrol shows the step at which an enrolment stands.
func (s *server) enrol(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	switch e.Step() {
	case vault.StepConsent:
		s.showConsent(w, r, e)
	case vault.StepCard:
		s.showStock(w, r, e)
	case vault.StepLearn:
		s.showLearn(w, r, e)
	case vault.StepPractise:
		s.showPractice(w, r, e)
	}
}

func (s *server) showConsent(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	v := consentView{frame: s.enrolFrame(w, r, e, "consent", "identification-card"), Relay: e.Relay(), Name: e.Name()}
	v.Line, v.LineBelow = v.say("enrol.consent", locales.Args{"relay": relayName(e.Relay())}), true
	s.kiosk.Render(w, r, http.StatusOK, "consent", v)
}

func (s *server) showStock(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	v := struct{ frame }{s.enrolFrame(w, r, e, "stock", "credit-card")}
	v.Line = v.Say("enrol.card")
	w.Header().Set(headerScan, "enrol-card")
	s.kiosk.Render(w, r, http.StatusOK, "stock", v)
}

// showLearn shows one of the five pictures. No other page shows which they are.
func (s *server) showLearn(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	pictures := e.Pictures()
	n := min(number(r, "n"), len(pictures))
	v := learnView{frame: s.enrolFrame(w, r, e, "learn", "eye"), Number: n, Picture: pictures[n-1], Dots: make([]string, len(pictures))}
	for i := range n - 1 {
		v.Dots[i] = "full"
	}
	v.Dots[n-1] = "next"
	switch {
	case n > 1:
		v.Line = v.say("enrol.step", locales.Args{"n": n})
		v.Back = "enrol?n=" + strconv.Itoa(n-1)
	case r.URL.Query().Get("again") != "":
		v.Line = v.Say("enrol.wrong")
	default:
		v.Line = v.Say("enrol.learn")
	}
	if n < len(pictures) {
		v.Next = "enrol?n=" + strconv.Itoa(n+1)
	}
	s.kiosk.Render(w, r, http.StatusOK, "learn", v)
}

// showPractice is the code's own page, with the rounds in the place of the hand.
func (s *server) showPractice(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	v := codeView{frame: s.enrolFrame(w, r, e, "practise", "chalkboard-teacher"), Action: "practise", Steps: e.Grid(), Rounds: make([]bool, practiceRounds)}
	for i := range e.Practised() {
		v.Rounds[i] = true
	}
	v.Line = v.Say("enrol.practise_" + strconv.Itoa(min(e.Practised(), practiceRounds-1)+1))
	s.kiosk.Render(w, r, http.StatusOK, "code", v)
}

// consent is the person's yes.
func (s *server) consent(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	if err := e.Consent(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, "enrol")
}

// refuse is the person's no: nothing is kept.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	if err := e.Refuse(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	dropCookies(w, r, cookieEnrol)
	see(w, r, "goodbye?what=refused")
}

// showStockCard takes the card that the person chose from the stock.
func (s *server) showStockCard(w http.ResponseWriter, r *http.Request) {
	s.enrolling(func(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
		if err := e.ShowCard(r.Context(), r.PostFormValue("card")); err != nil {
			s.seeTrouble(w, r, err)
			return
		}
		see(w, r, "enrol")
	})(w, r)
}

// learnt begins the practice.
func (s *server) learnt(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	if err := e.Learnt(r.Context()); err != nil && !errors.Is(err, vault.ErrForbidden) {
		s.fail(w, r, err)
		return
	}
	see(w, r, "enrol")
}

// practise tries the pictures. The third success makes the vault and opens it;
// a mistake goes back to the pictures, and nothing is counted.
func (s *server) practise(w http.ResponseWriter, r *http.Request, e *vault.Enrolment) {
	cookie, err := e.Practise(r.Context(), picksOf(r))
	var wrong *vault.WrongPictures
	switch {
	case errors.As(err, &wrong):
		see(w, r, "enrol?again=1")
	case errors.Is(err, vault.ErrForbidden):
		see(w, r, "enrol")
	case err != nil:
		s.fail(w, r, err)
	case cookie == "":
		see(w, r, "enrol")
	default:
		dropCookies(w, r, cookieEnrol)
		setCookie(w, r, cookieHolder, cookie)
		see(w, r, "welcome")
	}
}
