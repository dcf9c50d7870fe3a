package desk

import (
	"time"

	"consigne/smsd/queue"
)

// state is how a message stands, as a sign and a word; the colour only repeats
// what both say.
type state struct {
	Icon, Word, Tone string
}

var states = map[queue.State]state{
	queue.Planned:     {"clock", "Prévu", "plain"},
	queue.Claimed:     {"hand-grabbing", "Pris", "plain"},
	queue.Accepted:    {"arrow-circle-right", "Accepté", "plain"},
	queue.Sent:        {"paper-plane-tilt", "Parti", "plain"},
	queue.Delivered:   {"check-circle", "Remis", "good"},
	queue.Unknown:     {"question", "Inconnu", "unsure"},
	queue.Held:        {"hand-palm", "Retenu", "held"},
	queue.Undelivered: {"x-circle", "Non remis", "bad"},
	queue.Failed:      {"x-circle", "Échoué", "bad"},
	queue.Expired:     {"hourglass-medium", "Expiré", "plain"},
	queue.Cancelled:   {"minus-circle", "Annulé", "plain"},
	queue.Suppressed:  {"prohibit", "Désinscrit", "plain"},
}

// noMessage stands where nothing was queued: the person has no phone.
var noMessage = state{"device-mobile", "Pas de téléphone", "none"}

func stateOf(s queue.State) state {
	if st, ok := states[s]; ok {
		return st
	}
	return state{"question", "Inconnu", "unsure"} // a message of which the queue knows nothing
}

// reminderNames say which reminder a message is.
var reminderNames = map[string]string{"evening": "Rappel de la veille", "hours": "Rappel 2 h avant"}

// shortReminder says the same in a narrow column.
var shortReminder = map[string]string{"evening": "Veille", "hours": "2 h avant"}

func reminderName(kind string) string {
	if name, ok := reminderNames[kind]; ok {
		return name
	}
	return "Message"
}

// step is one stop on a message's way.
type step struct {
	Word, At string
	Look     string // "done", "here", "odd" or "ahead"
	Icon     string
}

// oddIcon is the small sign of a stop at which a message left the straight way.
func oddIcon(s queue.State) string {
	switch s {
	case queue.Held:
		return "hand-palm-fill"
	case queue.Expired:
		return "hourglass-medium-fill"
	case queue.Undelivered, queue.Failed:
		return "x-bold"
	case queue.Cancelled:
		return "minus-bold"
	case queue.Suppressed:
		return "prohibit-bold"
	}
	return "question-mark-bold"
}

// way lays out a message's five stops. Where it left the straight way, the first
// stop that it did not reach says what happened instead.
func way(s queue.Status, zone *time.Location) []step {
	reached := map[queue.State]int{queue.Planned: 0, queue.Claimed: 1, queue.Accepted: 2, queue.Sent: 3, queue.Delivered: 4}
	times := []time.Time{s.Due, s.Claimed, s.Accepted, s.Sent, s.Final}
	at, straight := reached[s.State]
	if !straight {
		for at = 0; at+1 < 4 && !times[at+1].IsZero(); at++ {
		}
	}
	steps := make([]step, 0, 5)
	for i, word := range []string{"Prévu", "Pris", "Accepté", "Parti", "Remis"} {
		switch {
		case i < at || i == at && (!straight || s.State == queue.Delivered):
			steps = append(steps, step{Word: word, At: moment(times[i], zone), Look: "done", Icon: "check-bold"})
		case i == at:
			steps = append(steps, step{Word: word, At: moment(times[i], zone), Look: "here"})
		case !straight && i == at+1:
			steps = append(steps, step{Word: stateOf(s.State).Word, At: moment(s.Final, zone), Look: "odd", Icon: oddIcon(s.State)})
		default:
			steps = append(steps, step{Word: word, Look: "ahead"})
		}
	}
	return steps
}
