package desk_test

import (
	"strings"
	"testing"

	"consigne/locales"
	"consigne/portal/vault"
)

func TestPeople_search(t *testing.T) {
	w := newWorld(t)
	w.enrol(andrei)
	zoe := andrei
	zoe.Name, zoe.Phone, zoe.Language = "Zoé d’Ávila", "", "ar"
	w.enrol(zoe)
	w.get("/desk/people").says(t, 200, "2 personnes connues de votre relais", "Andrei Munteanu", "14/03/1951", "06 •• •• 10 42", "Zoé d’Ávila", "Sans téléphone", "arabe")
	a := w.post("/desk/people", "name", "AVILA zo")
	a.says(t, 200, "Zoé d’Ávila")
	if strings.Contains(a.body, "Munteanu") {
		t.Error("a search shows somebody else")
	}
	w.post("/desk/people", "name", "teanu").says(t, 200, "Personne ne porte ce nom ici.")
	if a := w.get("/desk/people?name=zoe"); !strings.Contains(a.body, "Munteanu") {
		t.Error("a name in an address is searched")
	}
	if strings.Contains(w.get("/desk/people").body, "39981042") {
		t.Error("the list shows a whole number")
	}
}

func TestEnrol(t *testing.T) {
	w := newWorld(t)
	w.get("/desk/people/new").says(t, 200, "Borne du hall", "français", "arabe")
	fields := []string{
		"once", "1", "name", " Andrei  Munteanu ", "birth", "14/3/1951", "language", "fr",
		"has_phone", "shared", "phone", "06 39 98 10 42", "device", w.device.ID,
	}
	w.post("/desk/people/new", fields...).leads(t, "/desk/people?done=enrolled")
	w.post("/desk/people/new", fields...).leads(t, "/desk/people?done=enrolled")
	waiting, err := w.vault.Waiting(t.Context(), w.device)
	must(t, err)
	if len(waiting) != 1 {
		t.Errorf("%d people wait at the kiosk after a form sent twice", len(waiting))
	}
	w.get("/desk/people?done=enrolled").says(t, 200, "Accompagnez maintenant la personne à la borne.", "Personne n’est encore inscrit.")
}

func TestEnrol_refusals(t *testing.T) {
	w := newWorld(t)
	elsewhere := w.enrolKiosk(w.addRelay("La Gare"), "Ailleurs")
	good := map[string]string{
		"once": "1", "name": "Andrei Munteanu", "birth": "14/03/1951", "language": "fr", "has_phone": "own",
		"phone": "0639981042", "device": w.device.ID,
	}
	for name, c := range map[string]struct{ field, value, says string }{
		"no name":          {"name", "  ", "Écrivez le nom et le prénom"},
		"no such day":      {"birth", "31/02/1951", "Écrivez une date qui existe"},
		"born tomorrow":    {"birth", "24/11/2026", "Écrivez une date qui existe, dans le passé"},
		"no language":      {"language", "", "Choisissez une langue de la liste."},
		"unknown language": {"language", "tlh", "Choisissez une langue de la liste."},
		"no answer":        {"has_phone", "", "Dites si la personne a un téléphone."},
		"no number":        {"phone", "", "Écrivez un numéro de téléphone"},
		"half a number":    {"phone", "06 39", "Écrivez un numéro de téléphone"},
		"words":            {"phone", "plus tard", "Écrivez un numéro de téléphone"},
		"a fixed line":     {"phone", "04 65 71 20 42", "C’est un téléphone fixe"},
		"no kiosk":         {"device", "", "Choisissez la borne"},
		"another's kiosk":  {"device", elsewhere.ID, "Choisissez la borne"},
	} {
		t.Run(name, func(t *testing.T) {
			var fields []string
			for k, v := range good {
				if k == c.field {
					v = c.value
				}
				fields = append(fields, k, v)
			}
			a := w.post("/desk/people/new", fields...)
			a.says(t, 422, c.says)
			if c.field != "name" && !strings.Contains(a.body, `value="Andrei Munteanu"`) {
				t.Error("what was typed is gone")
			}
			if !strings.Contains(a.body, `name="once" value="1"`) {
				t.Error("the form became another one")
			}
		})
	}
	for _, dev := range []vault.Device{w.device, elsewhere} {
		if waiting, err := w.vault.Waiting(t.Context(), dev); err != nil || len(waiting) != 0 {
			t.Errorf("%s: %d wait, %v", dev.Name, len(waiting), err)
		}
	}
}

func TestEnrol_withoutAKiosk(t *testing.T) {
	w := newWorld(t)
	cookie, _ := w.hire(w.addRelay("La Gare"), "paul@example.org", "Paul Roy")
	w.do(w.request("GET", "/desk/people/new", nil), cookie).says(t, 200, "Il faut d’abord une borne.")
	w.do(w.request("GET", "/desk/", nil), cookie).says(t, 200, "Aucune borne", "Pas de rendez-vous aujourd’hui.")
}

func TestPerson_ofAnotherRelay(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	cookie, _ := w.hire(w.addRelay("La Gare"), "paul@example.org", "Paul Roy")
	for _, path := range []string{"/desk/people/" + s.id, "/desk/people/" + s.id + "/appointments/new", "/desk/people/nobody"} {
		a := w.do(w.request("GET", path, nil), cookie)
		a.says(t, 404, "Introuvable")
		if strings.Contains(a.body, "Munteanu") {
			t.Errorf("%s names the person", path)
		}
	}
	w.postAs(cookie, "/desk/people/"+s.id+"/appointments/new", "once", "1", "day", "26/11/2026", "hour", "14:30", "place", "CCAS", "picture", "bank").
		says(t, 404, "Introuvable")
	w.postAs(cookie, "/desk/people/"+s.id+"/cards/x/free").says(t, 404, "Introuvable")
}

func TestCard_blockedAndFreed(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	w.get("/desk/people/"+s.id).says(t, 200, "Active", "faite le 23/11/2026")
	wrong := s.pictures
	if wrong[0] = locales.CodeSets[0][0]; wrong[0] == s.pictures[0] {
		wrong[0] = locales.CodeSets[0][1]
	}
	for range 5 {
		cookie, _, err := w.vault.ShowCard(t.Context(), w.device, s.card.Text())
		must(t, err)
		if _, err := w.vault.Unlock(t.Context(), w.device, cookie, wrong); err == nil {
			t.Fatal("wrong pictures opened a vault")
		}
	}
	w.get("/desk/").says(t, 200, "Carte bloquée", "Andrei Munteanu : cinq essais ratés à la borne.")
	page := w.get("/desk/people/" + s.id)
	page.says(t, 200, "Bloquée", "5 essais ratés", "Débloquer")
	_, rest, _ := strings.Cut(page.body, `/cards/`)
	card, _, _ := strings.Cut(rest, "/free")
	w.post("/desk/people/"+s.id+"/cards/not-a-card/free").says(t, 404)
	w.post("/desk/people/"+s.id+"/cards/"+card+"/free").leads(t, "/desk/people/"+s.id+"?done=freed")
	w.get("/desk/people/"+s.id+"?done=freed").says(t, 200, "Carte débloquée.", "Active")
	w.get("/desk/").says(t, 200, "Rien à régler")
}
