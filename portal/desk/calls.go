package desk

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

// callView is one kiosk that calls, as the yellow banner says it. The script of
// the page reads the same fields.
type callView struct {
	ID   string `json:"id"`
	Who  string `json:"who"`
	Text string `json:"text"`
}

// callPatience is after how long without an answer a kiosk says the relay's
// number instead.
const callPatience = time.Minute

// viewCalls leaves out the calls that somebody has answered already.
func viewCalls(calls []vault.Call, now time.Time) []callView {
	out := []callView{}
	for _, c := range calls {
		if !c.AnsweredAt.IsZero() {
			continue
		}
		waits := now.Sub(c.At)
		text := fmt.Sprintf("Une personne attend depuis %s. Langue : %s.", span(waits), languageName(c.Language))
		if waits > callPatience {
			text += " La borne lui a dit votre numéro."
		}
		out = append(out, callView{ID: c.ID, Who: caller(c.DeviceName) + " appelle.", Text: text})
	}
	return out
}

// caller makes a kiosk's name the subject of a sentence.
func caller(name string) string {
	if rest, ok := strings.CutPrefix(strings.ToLower(name), "borne"); ok {
		return "La borne" + rest
	}
	return "La borne « " + name + " »"
}

// calls answers the script that asks once a second on every open page.
func (d *desk) calls(w http.ResponseWriter, r *http.Request) {
	r.Header.Set("Accept", "application/json")
	d.watched(func(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
		calls, err := m.Calls(r.Context())
		if err != nil {
			return err
		}
		answers, err := m.AnswersWaiting(r.Context())
		if err != nil {
			return err
		}
		answerJSON(w, http.StatusOK, map[string]any{"calls": viewCalls(calls, d.now()), "answers": answers})
		return nil
	})(w, r)
}

// answerCall says "J'y vais". Somebody who was a moment late finds the banner
// gone, which is all there is to know.
func (d *desk) answerCall(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := m.AnswerCall(r.Context(), chi.URLParam(r, "call")); err != nil {
		return err
	}
	if wantsJSON(r) {
		answerJSON(w, http.StatusOK, map[string]any{})
		return nil
	}
	http.Redirect(w, r, "/desk/?done=answered", http.StatusSeeOther)
	return nil
}
