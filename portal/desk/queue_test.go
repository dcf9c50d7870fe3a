package desk_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

// planned is an appointment of Thursday with its reminders.
func (w *world) planned(s someone) vault.Appointment {
	w.t.Helper()
	a, err := w.member(w.cookie).Plan(w.t.Context(), s.id, vault.NewAppointment{
		Day: vault.Date{Year: 2026, Month: 11, Day: 26}, Hour: 14, Minute: 30, Place: "CCAS", Picture: "bank", Bring: []string{"letter"}, Once: w.once()})
	must(w.t, err)
	return a
}

// elsewhere is a member of another relay.
func (w *world) elsewhere() (cookie string) {
	w.t.Helper()
	cookie, _ = w.hire(w.addRelay("La Gare"), "paul@example.org", "Paul Roy")
	return cookie
}

func (w *world) stateOf(id string) queue.State {
	w.t.Helper()
	states, err := queue.States(w.t.Context(), w.db.Read(), []string{id})
	must(w.t, err)
	return states[id].State
}

func TestDecide(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	for way, c := range map[string]struct {
		done, says string
		want       queue.State
	}{
		"again":   {"again", "La personne peut le recevoir deux fois.", queue.Planned},
		"arrived": {"arrived", "la personne a le message", queue.Delivered},
		"expire":  {"let-expire", "le message ne partira plus", queue.Expired},
	} {
		id := w.planned(s).Messages[0].MessageID
		w.setState(id, queue.Held, "carrier-cannot-tell")
		w.get("/desk/messages").says(t, 200, "1 retenu", "il faut quelqu’un pour décider", "L’opérateur ne sait pas dire s’il est parti.", "Expire le 25/11 21:00",
			"Appeler", "06 39 98 10 42", "Renvoyer quand même", "La personne peut recevoir le message deux fois.", "C’est arrivé", "Laisser expirer")
		path := "/desk/messages/" + id + "/decide/" + way
		w.post(path, "once", way).leads(t, "/desk/messages?done="+c.done)
		w.post(path, "once", way).leads(t, "/desk/messages?done="+c.done) // the same form again
		if got := w.stateOf(id); got != c.want {
			t.Errorf("%s: %s, want %s", way, got, c.want)
		}
		w.get("/desk/messages?done="+c.done).says(t, 200, c.says)
		w.post(path, "once", way+" later").leads(t, "/desk/messages?done=settled")
	}
	w.get("/desk/messages?done=settled").says(t, 200, "ou un collègue a décidé")
}

func TestDecide_refusals(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	id := w.planned(s).Messages[0].MessageID
	w.setState(id, queue.Held, "timeout")
	other := w.elsewhere()
	w.postAs(other, "/desk/messages/"+id+"/decide/again", "once", "1").says(t, 404, "Introuvable")
	w.postAs(other, "/desk/messages/"+id+"/cancel", "once", "2").says(t, 404, "Introuvable")
	w.postAs("", "/desk/messages/"+id+"/decide/again", "once", "3").leads(t, "/desk/sign-in")
	w.post("/desk/messages/nothing/decide/again", "once", "4").says(t, 404)
	w.post("/desk/messages/"+id+"/decide/burn", "once", "5").says(t, 404)
	w.post("/desk/messages/"+id+"/decide/again").says(t, 422) // no form of ours
	if a := w.get("/desk/messages/" + id + "/decide/again"); a.status != http.StatusMethodNotAllowed {
		t.Errorf("a GET decides: %d", a.status)
	}
	r := w.request("POST", "/desk/messages/"+id+"/decide/again", strings.NewReader("once=6"))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := w.do(r, w.cookie); a.status != http.StatusForbidden {
		t.Errorf("another site decides: %d", a.status)
	}
	if got := w.stateOf(id); got != queue.Held {
		t.Errorf("the message is %s", got)
	}
}

// A reminder of an hour that no longer holds is not to be sent again.
func TestMessages_oldIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	a := w.planned(s)
	id := a.Messages[0].MessageID
	w.setState(id, queue.Unknown, "timeout")
	w.post("/desk/people/"+s.id+"/appointments/"+a.ID+"/move", visit("day", "27/11/2026")...).leads(t, "/desk/people/"+s.id+"?done=moved-told")
	w.setState(id, queue.Held, "timeout")
	page := w.get("/desk/messages")
	page.says(t, 200, "1 retenu", "(ancien)", "Laisser expirer")
	if strings.Contains(page.body, "Renvoyer") {
		t.Error("the old hour may be sent again")
	}
}

func TestMessages_cancelOne(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	a := w.planned(s)
	first, second := a.Messages[0].MessageID, a.Messages[1].MessageID
	w.get("/desk/messages").says(t, 200, "Annuler le rappel")
	w.post("/desk/messages/"+first+"/cancel", "once", "1").leads(t, "/desk/messages?done=message-cancelled")
	w.post("/desk/messages/"+first+"/cancel", "once", "1").leads(t, "/desk/messages?done=message-cancelled")
	w.setState(second, queue.Delivered, "")
	w.post("/desk/messages/"+second+"/cancel", "once", "2").leads(t, "/desk/messages?done=left")
	if w.stateOf(first) != queue.Cancelled || w.stateOf(second) != queue.Delivered {
		t.Errorf("%s and %s", w.stateOf(first), w.stateOf(second))
	}
}

func TestMessages_stepsAndStates(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	id := w.planned(s).Messages[0].MessageID
	for code, c := range map[string]struct {
		state queue.State
		says  []string
	}{
		"30005":         {queue.Undelivered, []string{"Ce numéro n’est plus attribué. (30005)", "Changer le numéro de Andrei Munteanu"}},
		"30007":         {queue.Failed, []string{"L’opérateur refuse le contenu. (30007)", "Prévenir", "06 39 98 10 42"}},
		"opt-out":       {queue.Suppressed, []string{"Désinscrit", "La personne a répondu STOP.", "Prévenir"}},
		"number-unwell": {queue.Suppressed, []string{"Ce numéro ne répond plus", "Changer"}},
		"restored":      {queue.Unknown, []string{"Repris d’une sauvegarde", "On interroge l’opérateur."}},
		"20003":         {queue.Failed, []string{"prévenez qui héberge Consigne. (20003)"}},
		"99999":         {queue.Failed, []string{"L’opérateur l’a refusé. (99999)", "Prévenir"}},
	} {
		w.setState(id, c.state, code)
		w.get("/desk/messages").says(t, 200, c.says...)
	}
	w.setState(id, queue.Delivered, "")
	all := w.get("/desk/messages?state=planned")
	all.says(t, 200, "Rappel 2 h avant", "Tous les états")
	if strings.Contains(visible(t, all.body), "Rappel de la veille") {
		t.Error("a state that was not asked for is shown")
	}
	w.get("/desk/messages?state=%22%3E").says(t, 200, "Aucun message.")
}

// tell leaves an answer as smsd does.
func (w *world) tell(relay vault.Relay, a queue.Answer) {
	w.t.Helper()
	var public []byte
	must(w.t, w.db.Read().QueryRow(w.t.Context(), "SELECT public FROM relay WHERE id = ?", relay.ID).Scan(&public))
	w.now = w.now.Add(time.Second)
	must(w.t, w.db.Write(w.t.Context(), func(tx database.Handle) error {
		return queue.Tell(w.t.Context(), tx, relay.ID, seal.PublicKey(public), a, w.now)
	}))
}

// between cuts what stands between two marks.
func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	inner, _, _ := strings.Cut(rest, to)
	return inner
}

func TestAnswers(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	a := w.planned(s)
	person := "/desk/people/" + s.id
	w.get(person).says(t, 200, "Sans réponse")
	w.tell(w.relay, queue.Answer{Meaning: queue.Yes, Person: s.id, Item: a.ID, By: "link"})
	for _, path := range []string{"/desk/messages", person} {
		w.get(path).says(t, 200, "1 réponse à lire", "Vient", "Jeudi 26/11 à 14:30", "par le lien", "C’est vu")
	}
	w.get("/desk/").says(t, 200, "1 réponse à lire", "1 à voir")
	if a := w.get("/desk/calls"); !strings.Contains(a.body, `"answers":1`) {
		t.Errorf("the script reads %s", a.body)
	}
	seen := "/desk/answers/" + between(w.get(person).body, "/desk/answers/", `"`)
	other := w.elsewhere()
	w.postAs(other, seen).leads(t, "/desk/messages?done=seen") // no harm done
	w.get("/desk/messages").says(t, 200, "1 réponse à lire")
	w.postAs("", seen).leads(t, "/desk/sign-in")
	w.post(seen, "back", s.id).leads(t, person+"?done=seen")
	w.post(seen, "back", "//evil.example/").leads(t, "/desk/people/%2F%2Fevil.example%2F?done=seen")
	w.get("/desk/messages").says(t, 200, "Messages")
	page := w.get(person)
	page.says(t, 200, "Vient")
	if strings.Contains(page.body, "réponse à lire") {
		t.Error("an answer that was seen to waits still")
	}
}

func TestAnswers_toAnotherHour(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	a := w.planned(s)
	w.tell(w.relay, queue.Answer{Meaning: queue.Yes, Person: s.id, Item: a.ID, Start: a.Start.AddDate(0, 0, -1), By: "sms"})
	page := w.get("/desk/people/" + s.id)
	page.says(t, 200, "Mercredi 25/11 à 14:30, pour l’ancienne heure", "Sans réponse")
}

// What was sealed to a key that the relay no longer has is counted, so it is shown
// and can be put away.
func TestAnswers_unreadable(t *testing.T) {
	w := newWorld(t)
	must(t, w.db.Write(t.Context(), func(tx database.Handle) error {
		return queue.Tell(t.Context(), tx, w.relay.ID, seal.NewKey().Identity().Public(), queue.Answer{Meaning: queue.Yes}, w.now)
	}))
	page := w.get("/desk/messages")
	page.says(t, 200, "1 réponse à lire", "Illisible", "C’est vu")
	if strings.Contains(page.body, "on ne sait pas qui a répondu") {
		t.Error("what cannot be read is told to be of several people")
	}
	w.post("/desk/answers/"+between(page.body, "/desk/answers/", `"`)).leads(t, "/desk/messages?done=seen")
	if n, err := w.member(w.cookie).AnswersWaiting(t.Context()); err != nil || n != 0 {
		t.Errorf("%d wait, %v", n, err)
	}
}

func TestAnswers_words(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	w.tell(w.relay, queue.Answer{Meaning: queue.Words, Text: `<script>alert("x")</script> أنا متأخر`, Person: s.id, By: "sms"})
	w.tell(w.relay, queue.Answer{Meaning: queue.WrongOne, Person: s.id, By: "sms"})
	w.tell(w.relay, queue.Answer{Meaning: queue.No, By: "sms"})
	page := w.get("/desk/messages")
	page.says(t, 200, "3 réponses à lire", `<script>alert("x")</script> أنا متأخر`, "Ce n’est pas elle", "Changer le numéro", "Ne vient pas", "on ne sait pas qui a répondu")
	if strings.Contains(page.body, "<script>alert") || !strings.Contains(page.body, `<blockquote dir="auto">`) {
		t.Error("words of a stranger are not shown as words")
	}
	cookie := w.elsewhere()
	other := w.do(w.request("GET", "/desk/messages", nil), cookie)
	if strings.Contains(other.body, "متأخر") || strings.Contains(other.body, "réponse à lire") {
		t.Error("another relay reads the answers")
	}
}

func TestPhone(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	id := w.planned(s).Messages[0].MessageID
	person := "/desk/people/" + s.id
	must(t, w.db.Write(t.Context(), func(tx database.Handle) error {
		if _, err := tx.Exec(t.Context(), "UPDATE message SET mark = ?, claimed_at = ?, state = 'undelivered', error = '30005' WHERE id = ?", []byte("mark"), w.now.UnixMilli(), id); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "INSERT INTO number_health (mark, since, why) VALUES (?, 1, 'dead')", []byte("mark"))
		return err
	}))
	for _, path := range []string{person, "/desk/people", "/desk/messages", person + "/phone"} {
		w.get(path).says(t, 200, "Ce téléphone ne répond plus")
	}
	w.get(person).says(t, 200, "C’est bien le sien", "Changer le numéro")
	w.now = w.now.Add(time.Minute)
	w.post(person+"/phone/confirm", "once", "1").leads(t, person+"?done=phone-confirmed")
	w.post(person+"/phone/confirm", "once", "1").leads(t, person+"?done=phone-confirmed")
	if a := w.get(person); strings.Contains(a.body, "ne répond plus") {
		t.Error("a number that was confirmed is called dead")
	}
	w.post(person+"/phone", "once", "2", "has_phone", "own", "phone", "06 39 98 10 77").leads(t, person+"?done=phone")
	w.get(person+"?done=phone").says(t, 200, "06 •• •• 10 77", "Numéro enregistré.")
	w.post(person+"/phone", "once", "3", "has_phone", "none", "phone", "06 39 98 10 78").leads(t, person+"?done=phone-none")
	w.get(person).says(t, 200, "sans téléphone", "Ajouter un numéro")
	w.post(person+"/phone/confirm", "once", "4").says(t, 422, "pas de téléphone")
}

// TestPhone_stopped: a number at which messages were stopped is told, and they begin
// again only where somebody says so.
func TestPhone_stopped(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	id := w.planned(s).Messages[0].MessageID
	person := "/desk/people/" + s.id
	must(t, w.db.Write(t.Context(), func(tx database.Handle) error {
		if _, err := tx.Exec(t.Context(), "UPDATE message SET mark = ?, claimed_at = ?, state = 'delivered' WHERE id = ?", []byte("mark"), w.now.UnixMilli(), id); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), "INSERT INTO opt_out (mark, at) VALUES (?, 1)", []byte("mark"))
		return err
	}))
	for _, path := range []string{person, "/desk/people", person + "/phone"} {
		w.get(path).says(t, 200, "Ne veut plus de messages")
	}
	page := w.get(person)
	page.says(t, 200, "Elle veut de nouveau des messages", "aucun rappel ne part")
	if strings.Contains(page.body, "C’est bien le sien") || !strings.Contains(page.body, `name="resume" value="1"`) {
		t.Error("the form does not ask for messages again")
	}
	resumed := func() (n int) {
		must(t, w.db.Read().QueryRow(t.Context(), "SELECT COUNT(*) FROM number WHERE resumed > 0").Scan(&n))
		return n
	}
	w.now = w.now.Add(time.Minute)
	w.post(person+"/phone/confirm", "once", "1").leads(t, person+"?done=phone-confirmed")
	if n := resumed(); n != 0 {
		t.Errorf("a number that was confirmed is resumed")
	}
	for range 2 { // a double touch
		w.post(person+"/phone/confirm", "once", "2", "resume", "1").leads(t, person+"?done=phone-resumed")
	}
	if n := resumed(); n != 1 {
		t.Errorf("%d numbers are resumed, want 1", n)
	}
	w.get(person+"?done=phone-resumed").says(t, 200, "la personne veut de nouveau des messages")
	w.postAs(w.elsewhere(), person+"/phone/confirm", "once", "3", "resume", "1").says(t, 404, "Introuvable")
}

func TestPhone_refusals(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	path := "/desk/people/" + s.id + "/phone"
	for name, c := range map[string]struct{ has, phone, says string }{
		"no answer":     {"", "0639981077", "Dites si la personne a un téléphone."},
		"no number":     {"own", " ", "Écrivez un numéro de téléphone"},
		"half a number": {"shared", "06 39", "Écrivez un numéro de téléphone"},
		"words":         {"own", "plus tard", "Écrivez un numéro de téléphone"},
	} {
		t.Run(name, func(t *testing.T) {
			w.post(path, "once", "1", "has_phone", c.has, "phone", c.phone).says(t, 422, c.says)
		})
	}
	other := w.elsewhere()
	for _, sub := range []string{"", "/confirm"} {
		w.postAs(other, path+sub, "once", "2", "has_phone", "own", "phone", "0639981077").says(t, 404, "Introuvable")
	}
	w.do(w.request("GET", path, nil), other).says(t, 404, "Introuvable")
	w.get("/desk/people/"+s.id).says(t, 200, "06 •• •• 10 42")
}

func TestMove(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	a := w.planned(s)
	person := "/desk/people/" + s.id
	path := person + "/appointments/" + a.ID
	page := w.get(path + "/move")
	page.says(t, 200, "Changer le rendez-vous", "Les rappels de l’ancienne heure sont annulés.")
	for _, value := range []string{`value="26/11/2026"`, `value="14:30"`, `value="CCAS"`, `value="bank" required checked`, `value="letter" checked`} {
		if !strings.Contains(page.body, value) {
			t.Errorf("the form does not hold %s", value)
		}
	}
	w.post(path+"/move", visit("day", "22/11/2026")...).says(t, 422, "Ce moment est déjà passé.", "Changer le rendez-vous")
	w.post(path+"/move", visit("place", " ")...).says(t, 422, "Écrivez où le rendez-vous a lieu")
	w.post(path+"/move", visit("day", "27/11/2026")...).leads(t, person+"?done=moved")
	w.post(path+"/move", visit("day", "27/11/2026")...).leads(t, person+"?done=moved")
	w.get(person).says(t, 200, "Vendredi 27/11 à 14:30", "CCAS du quartier Gare", "26/11 18:00")
	if w.stateOf(a.Messages[0].MessageID) != queue.Cancelled {
		t.Error("the old reminder waits still")
	}
	other := w.elsewhere()
	w.do(w.request("GET", path+"/move", nil), other).says(t, 404)
	w.postAs(other, path+"/move", visit("day", "28/11/2026")...).says(t, 404)
	w.postAs(other, path+"/cancel", "once", "9").says(t, 404)
	w.post(person+"/appointments/nothing/move", visit()...).says(t, 404)

	w.post("/desk/people/"+w.enrol(andrei).id+"/appointments/"+a.ID+"/cancel", "once", "12").says(t, 404)
	w.post(path+"/cancel", "once", "10").leads(t, person+"?done=cancelled")
	w.post(path+"/cancel", "once", "10").leads(t, person+"?done=cancelled-before")
	w.get(person+"?done=cancelled-before").says(t, 200, "déjà annulé", "prévenez la personne")
	w.post(path+"/cancel", "once", "11").says(t, 404)
	w.get(person+"?done=cancelled").says(t, 200, "Aucun rappel ne partira.", "Aucun rendez-vous pour l’instant.")
}

func TestMove_afterAReminderHasLeft(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	a := w.planned(s)
	w.setState(a.Messages[0].MessageID, queue.Delivered, "")
	person := "/desk/people/" + s.id
	w.post(person+"/appointments/"+a.ID+"/move", visit("day", "27/11/2026")...).leads(t, person+"?done=moved-told")
	w.post(person+"/appointments/"+a.ID+"/move", visit("day", "27/11/2026")...).leads(t, person+"?done=moved-told") // the same form again
	w.get(person+"?done=moved-told").says(t, 200, "prévenez la personne", "Rappel de la veille, ancienne heure ou ancien numéro")
	w.post(person+"/appointments/"+a.ID+"/cancel", "once", "9").leads(t, person+"?done=cancelled-told")
	b := w.planned(s)
	w.now = time.Date(2026, 11, 26, 15, 0, 0, 0, w.now.Location())
	w.cookie = w.signIn()
	w.post(person+"/appointments/"+b.ID+"/cancel", "once", "10").leads(t, person+"?done=past")
}

func TestPreview(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	path := "/desk/people/" + s.id + "/appointments/new"
	w.get(path).says(t, 200, "Voir les rappels", "Rien ne part entre 21:00 et 08:30.")
	a := w.post(path, visit("preview", "1", "hour", "9h00")...)
	a.says(t, 200, "Ce qui partira", "Rappel de la veille · Mercredi 25/11 à 18:00 · 1 segment", "CCAS du quartier Gare",
		"Rappel 2 h avant", "Ne part pas : ce serait pendant vos heures calmes.")
	if !strings.Contains(a.body, `value="9h00"`) {
		t.Error("what was typed is gone")
	}
	w.post(path, visit("preview", "1", "day", "22/11/2026")...).says(t, 422, "Ce moment est déjà passé.")
	if all, err := w.member(w.cookie).Appointments(t.Context(), s.id); err != nil || len(all) != 0 {
		t.Errorf("looking at it kept %d appointments, %v", len(all), err)
	}
	w.postAs(w.elsewhere(), path, visit("preview", "1")...).says(t, 404)

	b := w.planned(s)
	w.get("/desk/people/"+s.id).says(t, 200, "Lire le texte", "CCAS")
	move := "/desk/people/" + s.id + "/appointments/" + b.ID + "/move"
	w.post(move, visit("preview", "1", "day", "27/11/2026")...).says(t, 200, "Changer le rendez-vous", "Jeudi 26/11 à 18:00")
	if w.stateOf(b.Messages[0].MessageID) != queue.Planned {
		t.Error("looking at it moved the appointment")
	}
}

func TestQuiet(t *testing.T) {
	w := newWorld(t)
	page := w.get("/desk/team")
	page.says(t, 200, "Heures calmes")
	if !strings.Contains(page.body, `value="21:00"`) || !strings.Contains(page.body, `value="08:30"`) {
		t.Error("the form does not show the hours as they are")
	}
	w.post("/desk/team/quiet", "quiet_from", "20h", "quiet_until", "9:15").leads(t, "/desk/team?done=quiet")
	person := w.enrol(andrei).id
	w.get("/desk/people/"+person+"/appointments/new").says(t, 200, "Rien ne part entre 20:00 et 09:15.")
	w.post("/desk/team/quiet", "quiet_from", "10h", "quiet_until", "10:00").leads(t, "/desk/team?done=quiet")
	if page := w.get("/desk/people/" + person + "/appointments/new"); strings.Contains(page.body, "Rien ne part entre") {
		t.Error("no hour is quiet, and the form names some")
	}
	w.post("/desk/team/quiet", "quiet_from", "20h", "quiet_until", "9:15").leads(t, "/desk/team?done=quiet")
	for name, c := range map[string]struct{ from, until, says string }{
		"no hour":        {"", "9:15", "par exemple 21:00"},
		"25 o'clock":     {"20:00", "25:00", "par exemple 08:30"},
		"nearly all day": {"10:00", "09:00", "au moins deux heures par jour"},
	} {
		a := w.post("/desk/team/quiet", "quiet_from", c.from, "quiet_until", c.until)
		a.says(t, 422, c.says)
		if !strings.Contains(a.body, `value="`+c.until+`"`) {
			t.Errorf("%s: what was typed is gone", name)
		}
	}
	quiet, err := w.member(w.cookie).Quiet(t.Context())
	must(t, err)
	if quiet.From != 20*60 || quiet.Until != 9*60+15 {
		t.Errorf("quiet is %+v", quiet)
	}
	cookie := w.elsewhere()
	if a := w.do(w.request("GET", "/desk/team", nil), cookie); !strings.Contains(a.body, `value="21:00"`) {
		t.Error("another relay's hours changed too")
	}
}
