package desk

import (
	"net/http"

	"consigne/portal/vault"
	"consigne/smsd/queue"
)

// frame is what every page shows around its own content.
type frame struct {
	Title  string // of the browser's tab, and the heading
	Tab    string // the entry of the side bar that is lit
	Member string // empty before signing in: then there is no side bar
	Relay  vault.Relay
	Held   int // messages that wait for somebody to decide
	Calls  []callView
	Notice string // what has just been done, as a sentence
}

// frame gathers what surrounds a page of a signed-in member.
func (d *desk) frame(r *http.Request, m *vault.Member, title, tab string) (frame, error) {
	rows, err := m.Messages(r.Context())
	if err != nil {
		return frame{}, err
	}
	return d.frameWith(r, m, title, tab, rows)
}

// frameWith is frame for a page that has read the messages already.
func (d *desk) frameWith(r *http.Request, m *vault.Member, title, tab string, rows []vault.MessageRow) (frame, error) {
	calls, err := m.Calls(r.Context())
	if err != nil {
		return frame{}, err
	}
	f := frame{
		Title: title, Tab: tab, Member: m.Name(), Relay: m.Relay(),
		Calls: viewCalls(calls, d.now()), Notice: notices[r.URL.Query().Get("done")],
	}
	for _, row := range rows {
		if row.State == queue.Held {
			f.Held++
		}
	}
	return f, nil
}

// notices are the sentences that a redirect after a form may ask for. The address
// carries the short name only.
var notices = map[string]string{
	"deposited":  "Papier déposé et scellé. Personne ici ne peut plus le relire.",
	"planned":    "Rendez-vous enregistré. Les rappels sont prêts.",
	"planned-no": "Rendez-vous enregistré. Sans téléphone, aucun rappel ne partira.",
	"freed":      "Carte débloquée. La personne peut l’utiliser tout de suite.",
	"enrolled":   "C’est prêt. Accompagnez maintenant la personne à la borne.",
	"admitted":   "Votre collègue peut maintenant travailler à ce relais.",
	"answered":   "La borne le sait : vous arrivez.",
}
