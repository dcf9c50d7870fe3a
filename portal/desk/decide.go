package desk

import (
	"errors"
	"net/http"

	"consigne/portal/vault"
	"consigne/smsd/queue"

	"github.com/go-chi/chi/v5"
)

// decisions are the ways on with a message that is held, and what is said then.
var decisions = map[string]struct {
	decision queue.Decision
	done     string
}{
	"again":   {queue.SendAnyway, "again"},
	"arrived": {queue.ItArrived, "arrived"},
	"expire":  {queue.LetExpire, "let-expire"},
}

// decide carries out what somebody decided about a message that is held. Where
// the carrier or a colleague was quicker, the list says how it stands.
func (d *desk) decide(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	chosen, ok := decisions[chi.URLParam(r, "decision")]
	if !ok {
		return vault.ErrNotFound
	}
	done := chosen.done
	err := m.Decide(r.Context(), chi.URLParam(r, "message"), chosen.decision, r.PostForm.Get("once"))
	switch {
	case errors.Is(err, queue.ErrNotHeld):
		done = "settled"
	case err != nil && !errors.Is(err, vault.ErrRepeated):
		return err
	}
	http.Redirect(w, r, "/desk/messages?done="+done, http.StatusSeeOther)
	return nil
}

// cancelMessage takes one reminder back; its appointment stays.
func (d *desk) cancelMessage(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	done := "message-cancelled"
	err := m.CancelReminder(r.Context(), chi.URLParam(r, "message"), r.PostForm.Get("once"))
	switch {
	case errors.Is(err, vault.ErrLeft):
		done = "left"
	case err != nil && !errors.Is(err, vault.ErrRepeated):
		return err
	}
	http.Redirect(w, r, "/desk/messages?done="+done, http.StatusSeeOther)
	return nil
}
