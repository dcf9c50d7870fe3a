package holder

import (
	"errors"
	"net/http"
	"strconv"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/portal/web"
)

// showCard takes a card that was held in front of the reader. The kiosk's own
// program posts it and then shows the page to which the answer leads.
func (s *server) showCard(w http.ResponseWriter, r *http.Request) {
	cookie, hint, err := s.vault.ShowCard(r.Context(), deviceOf(r), r.PostFormValue("card"))
	if _, known := locales.Get(hint.Language); known {
		setCookie(w, r, cookieLang, hint.Language)
	}
	if err != nil {
		s.seeTrouble(w, r, err)
		return
	}
	setCookie(w, r, cookieCard, cookie)
	see(w, r, "code")
}

// seeTrouble leads to the page of a trouble, for whoever cannot show an answer.
func (s *server) seeTrouble(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, vault.ErrSession) {
		see(w, r, "ended")
		return
	}
	t := troubleOf(err)
	if t.name == "error" {
		logFault(r, err)
	}
	see(w, r, "problem?what="+t.name)
}

type codeView struct {
	frame
	Action string
	Steps  [5][9]string
	Rounds []bool // while practising: which rounds were right
}

// code shows the five steps of nine pictures.
func (s *server) code(w http.ResponseWriter, r *http.Request) {
	c, err := s.vault.CardSession(r.Context(), deviceOf(r), web.CookieValue(r, cookieCard))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := codeView{frame: s.frame(w, r, "code", locales.Must(c.Language)), Action: "unlock", Steps: c.Steps}
	v.Line, v.Back, v.Leave, v.Owner, v.Chip = v.Say("code.voice"), "rest", true, c.Mark, "lock-key"
	s.kiosk.Render(w, r, http.StatusOK, "code", v)
}

// picksOf reads the five pictures that were touched.
func picksOf(r *http.Request) (picks [5]string) {
	for i := range picks {
		picks[i] = r.PostFormValue("p" + strconv.Itoa(i+1))
	}
	return picks
}

// unlock opens the vault, or says how many tries are left.
func (s *server) unlock(w http.ResponseWriter, r *http.Request) {
	cookie, err := s.vault.Unlock(r.Context(), deviceOf(r), web.CookieValue(r, cookieCard), picksOf(r))
	var wrong *vault.WrongPictures
	if errors.As(err, &wrong) && wrong.Left > 0 {
		see(w, r, "wrong?left="+strconv.Itoa(wrong.Left))
		return
	}
	var invalid *vault.Invalid
	if errors.As(err, &invalid) { // an empty form, which took no try
		see(w, r, "code")
		return
	}
	if errors.As(err, &wrong) {
		err = vault.ErrCardBlocked
	}
	if errors.Is(err, vault.ErrSession) && s.isOpen(r) { // the form was sent twice
		see(w, r, "home")
		return
	}
	if err != nil {
		s.seeTrouble(w, r, err)
		return
	}
	dropCookies(w, r, cookieCard)
	setCookie(w, r, cookieHolder, cookie)
	see(w, r, "home")
}

// isOpen tells whether a vault is open here already.
func (s *server) isOpen(r *http.Request) bool {
	_, err := s.vault.Holder(r.Context(), deviceOf(r), web.CookieValue(r, cookieHolder))
	return err == nil
}

// tries is how often a card may be tried.
const tries = 5

type wrongView struct {
	frame
	Tries             []bool // those that are left
	Again, AgainLabel string
}

// wrong says that these were not the pictures, and what is left.
func (s *server) wrong(w http.ResponseWriter, r *http.Request) {
	left := min(number(r, "left"), tries-1)
	v := wrongView{frame: s.frame(w, r, "wrong", localeOf(r)), Tries: make([]bool, tries), Again: "code"}
	for i := range left {
		v.Tries[i] = true
	}
	v.Line, v.Back, v.Leave, v.Chip = v.say("code.wrong", locales.Args{"n": left}), "rest", true, "lock-key"
	v.AgainLabel = v.T("code.again")
	if c, err := s.vault.CardSession(r.Context(), deviceOf(r), web.CookieValue(r, cookieCard)); err == nil {
		v.Owner = c.Mark
	}
	s.kiosk.Render(w, r, http.StatusOK, "wrong", v)
}
