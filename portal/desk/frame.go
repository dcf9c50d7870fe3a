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

	Unseen   int // answers that nobody has seen to
	messages []vault.MessageRow
}

// Open counts what waits at Messages for somebody.
func (f frame) Open() int { return f.Held + f.Unseen }

// frame gathers what surrounds a page of a signed-in member.
func (d *desk) frame(r *http.Request, m *vault.Member, title, tab string) (frame, error) {
	f := frame{Title: title, Tab: tab, Member: m.Name(), Relay: m.Relay(), Notice: notices[r.URL.Query().Get("done")]}
	var err error
	if f.messages, err = m.Messages(r.Context()); err != nil {
		return frame{}, err
	}
	for _, row := range f.messages {
		if row.State == queue.Held {
			f.Held++
		}
	}
	if f.Unseen, err = m.AnswersWaiting(r.Context()); err != nil {
		return frame{}, err
	}
	calls, err := m.Calls(r.Context())
	f.Calls = viewCalls(calls, d.now())
	return f, err
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

	"quiet":             "Heures calmes enregistrées. Elles valent pour les rappels planifiés à partir de maintenant.",
	"again":             "Le message repart. La personne peut le recevoir deux fois.",
	"arrived":           "C’est noté : la personne a le message.",
	"let-expire":        "C’est noté : le message ne partira plus.",
	"settled":           "L’opérateur a répondu entre-temps, ou un collègue a décidé. Voici où en est le message.",
	"message-cancelled": "Ce rappel ne partira pas. Le rendez-vous reste.",
	"left":              "Ce message est déjà parti ou n’attend plus. Rien n’a été changé.",
	"seen":              "C’est vu.",
	"moved":             "Rendez-vous déplacé. Les rappels suivent.",
	"moved-told":        "Rendez-vous déplacé. Un rappel de l’ancienne heure était déjà parti : prévenez la personne.",
	"cancelled":         "Rendez-vous annulé. Aucun rappel ne partira.",
	"cancelled-told":    "Rendez-vous annulé. Un rappel était déjà parti : prévenez la personne.",
	"cancelled-before":  "Ce rendez-vous était déjà annulé. Si un rappel était parti avant, prévenez la personne.",
	"past":              "Ce rendez-vous est déjà passé. Rien n’a été changé.",
	"phone":             "Numéro enregistré. Les rappels à venir partent vers ce numéro.",
	"phone-none":        "Enregistré : sans téléphone, aucun rappel ne partira.",
	"phone-confirmed":   "C’est noté : ce numéro est bien le sien.",
	"phone-resumed":     "C’est noté : la personne veut de nouveau des messages.",
}
