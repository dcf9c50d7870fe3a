package desk_test

import (
	"strings"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

func visit(change ...string) []string {
	fields := map[string]string{"once": "1", "day": "26/11/2026", "hour": "14h30", "place": "CCAS du quartier Gare", "picture": "locomotive"}
	for i := 0; i < len(change); i += 2 {
		fields[change[i]] = change[i+1]
	}
	list := []string{"bring", "residence-permit", "bring", "letter"}
	for k, v := range fields {
		list = append(list, k, v)
	}
	return list
}

func TestPlan(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	path := "/desk/people/" + s.id + "/appointments/new"
	w.get(path).says(t, 200, "Pour Andrei Munteanu", "Titre de séjour", "Hôpital")
	w.post(path, visit()...).leads(t, "/desk/people/"+s.id+"?done=planned")
	w.post(path, visit()...).leads(t, "/desk/people/"+s.id+"?done=planned")
	all, err := w.member(w.cookie).Appointments(t.Context(), s.id)
	must(t, err)
	if len(all) != 1 || all[0].Start.Format("2006-01-02 15:04") != "2026-11-26 14:30" || len(all[0].Bring) != 2 || len(all[0].Messages) != 2 {
		t.Fatalf("planned %+v", all)
	}
	w.get("/desk/people/"+s.id+"?done=planned").says(t, 200, "Rendez-vous enregistré. Les rappels sont prêts.",
		"Jeudi 26/11 à 14:30", "CCAS du quartier Gare", "Titre de séjour, Lettre", "Rappel de la veille", "25/11 18:00", "Rappel 2 h avant", "26/11 12:30")
	w.get("/desk/messages").says(t, 200, "2 prévus", "Rappel de la veille", "Andrei Munteanu")
	w.now = time.Date(2026, 11, 26, 9, 0, 0, 0, w.now.Location())
	cookie := w.signIn()
	w.do(w.request("GET", "/desk/", nil), cookie).says(t, 200, "Jeudi 26 novembre 2026", "1 rendez-vous, 0 déjà passé", "14:30", "Prochain", "Prévu")
}

// signIn opens a new session for Claire, whose first one is over.
func (w *world) signIn() string {
	w.t.Helper()
	cookie, err := w.vault.SignIn(w.t.Context(), "claire@example.org", password, w.code(w.secret), nil)
	must(w.t, err)
	return cookie
}

func TestPlan_withoutAPhone(t *testing.T) {
	w := newWorld(t)
	p := andrei
	p.Phone = ""
	s := w.enrol(p)
	w.get("/desk/people/"+s.id+"/appointments/new").says(t, 200, "sans téléphone : aucun rappel ne partira")
	w.post("/desk/people/"+s.id+"/appointments/new", visit()...).leads(t, "/desk/people/"+s.id+"?done=planned-no")
	w.get("/desk/people/"+s.id).says(t, 200, "Aucun rappel par SMS pour ce rendez-vous.")
}

func TestPlan_refusals(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	for name, c := range map[string]struct{ field, value, says string }{
		"yesterday":       {"day", "22/11/2026", "Ce moment est déjà passé."},
		"no such day":     {"day", "30/02/2027", "Choisissez un jour qui existe"},
		"not a day":       {"day", "jeudi", "Choisissez un jour qui existe"},
		"in two years":    {"day", "26/11/2028", "C’est trop loin"},
		"no hour":         {"hour", "", "Écrivez une heure"},
		"25 o'clock":      {"hour", "25:00", "Écrivez une heure"},
		"no such hour":    {"hour", "02:30", "Cette heure n’existe pas ce jour-là"},
		"nowhere":         {"place", " ", "Écrivez où le rendez-vous a lieu"},
		"a long place":    {"place", strings.Repeat("a", 60), "Écrivez où le rendez-vous a lieu"},
		"no picture":      {"picture", "", "Choisissez une image"},
		"unknown picture": {"picture", "../../etc", "Choisissez une image"},
		"unknown paper":   {"bring", "sword", "Choisissez les papiers dans la liste."},
	} {
		t.Run(name, func(t *testing.T) {
			change := []string{c.field, c.value}
			if c.value == "02:30" {
				change = append(change, "day", "28/03/2027") // clocks go forward
			}
			a := w.post("/desk/people/"+s.id+"/appointments/new", visit(change...)...)
			a.says(t, 422, c.says)
			if c.field != "place" && !strings.Contains(a.body, `value="CCAS du quartier Gare"`) {
				t.Error("what was typed is gone")
			}
		})
	}
	if all, err := w.member(w.cookie).Appointments(t.Context(), s.id); err != nil || len(all) != 0 {
		t.Errorf("%d appointments, %v", len(all), err)
	}
}

func (w *world) setState(id string, state queue.State, code string) {
	w.t.Helper()
	must(w.t, w.db.Write(w.t.Context(), func(tx database.Handle) error {
		n, err := tx.Exec(w.t.Context(), "UPDATE message SET state = ?, error = ?, attempts = 1, claimed_at = due WHERE id = ?", string(state), code, id)
		if err == nil && n != 1 {
			w.t.Fatalf("%d messages changed", n)
		}
		return err
	}))
}

func TestMessages_everyState(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	planned, err := w.member(w.cookie).Plan(t.Context(), s.id, vault.NewAppointment{
		Day: vault.Date{Year: 2026, Month: 11, Day: 26}, Hour: 14, Minute: 30, Place: "CCAS", Picture: "bank", Once: "1"})
	must(t, err)
	id := planned.Messages[0].MessageID
	words := map[queue.State]string{
		queue.Planned: "Prévu", queue.Claimed: "Pris", queue.Unknown: "Inconnu", queue.Held: "Retenu", queue.Accepted: "Accepté", queue.Sent: "Parti",
		queue.Delivered: "Remis", queue.Undelivered: "Non remis", queue.Failed: "Échoué", queue.Expired: "Expiré", queue.Cancelled: "Annulé", queue.Suppressed: "Désinscrit",
	}
	for _, state := range queue.AllStates {
		w.setState(id, state, "30005")
		word, ok := words[state]
		if !ok {
			t.Errorf("no word for %s", state)
		}
		w.get("/desk/people/"+s.id).says(t, 200, word)
		page := w.get("/desk/messages")
		if state == queue.Held {
			page.says(t, 200, "1 retenu", "Retenus : il faut quelqu’un pour décider", "Ce numéro n’est plus attribué. (30005)", "Expire le 25/11 21:00")
			w.get("/desk/").says(t, 200, "1 message retenu", "Andrei Munteanu, rendez-vous du 26/11 14:30")
			continue
		}
		page.says(t, 200, word, "Ce numéro n’est plus attribué. (30005)")
	}
}
