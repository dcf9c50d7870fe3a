package desk

import (
	"net/http"

	"consigne/cards"
	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

// markAddress is where the drawing of a card's mark is served.
func markAddress(m cards.Mark) string {
	if !m.Valid() {
		return ""
	}
	return "/desk/marks/" + m.Picture + "/" + m.Colour
}

// cardStates are what a card's row says. "active" and "blocked" are the two that
// staff meet every day.
var cardStates = map[string]state{
	"active":  {"check-circle", "Active", "good"},
	"blocked": {"lock-key", "Bloquée", "bad"},
	"stopped": {"prohibit", "Arrêtée", "plain"},
}

type cardLine struct {
	ID, Made string
	State    state
	Tries    int
	Blocked  bool
}

func cardLines(rows []vault.CardRow) []cardLine {
	lines := make([]cardLine, 0, len(rows))
	for _, row := range rows {
		st, ok := cardStates[row.State]
		if !ok {
			st = state{"question", row.State, "unsure"}
		}
		lines = append(lines, cardLine{ID: row.ID, Made: day(row.Made), State: st, Tries: row.Tries, Blocked: row.State == "blocked"})
	}
	return lines
}

// freeCard gives a blocked card its five tries again.
func (d *desk) freeCard(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	person := chi.URLParam(r, "person")
	if err := m.FreeCard(r.Context(), person, chi.URLParam(r, "card")); err != nil {
		return err
	}
	http.Redirect(w, r, "/desk/people/"+person+"?done=freed", http.StatusSeeOther)
	return nil
}
