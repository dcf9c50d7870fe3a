package desk_test

import (
	"bytes"
	"image/jpeg"
	"strings"
	"testing"

	"consigne/portal/vault"
)

func TestPaper_sharedStoppedAndNeverShared(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	shared, closed := w.deposit(s, "domiciliation", ""), w.deposit(s, "tax-notice", "Avis 2025")
	grant, err := w.holder(s).Share(t.Context(), shared, w.relay.ID, vault.Nights, "1")
	must(t, err)

	w.get("/desk/people/"+s.id).says(t, 200, "Domiciliation", "sans date de fin", "jusqu’au 30/11", "7 nuits", "Le reste de son coffre nous est fermé.")
	w.get("/desk/paper/"+shared+"?of="+s.id).says(t, 200, "Domiciliation", "Page 1 sur 1", "Dossier de Andrei Munteanu")
	w.get("/desk/paper/"+shared+"?of=nobody").says(t, 200, "Domiciliation")
	page := w.get("/desk/paper/" + shared + "/page/1")
	if page.status != 200 || page.header.Get("Content-Type") != "image/jpeg" || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("page: %d %v", page.status, page.header)
	}
	if _, err := jpeg.Decode(bytes.NewReader([]byte(page.body))); err != nil {
		t.Errorf("page image: %v", err)
	}
	for _, path := range []string{"/page/2", "/page/0", "/page/x"} {
		w.get("/desk/paper/"+shared+path).says(t, 404, "Introuvable")
	}

	for _, id := range []string{closed, "nothing"} {
		w.get("/desk/paper/"+id).says(t, 403, "Ce papier nous est fermé")
		w.get("/desk/paper/"+id+"/page/1").says(t, 403, "Ce papier nous est fermé")
	}
	if strings.Contains(w.get("/desk/people/"+s.id).body, "Avis 2025") {
		t.Error("the desk knows the title of a closed paper")
	}
	w.unsharedElsewhere(shared)

	must(t, w.holder(s).Stop(t.Context(), grant.ID))
	w.get("/desk/paper/"+shared).says(t, 403, "Ce papier nous est fermé")
	w.get("/desk/paper/"+shared+"/page/1").says(t, 403, "Ce papier nous est fermé")
	w.get("/desk/people/"+s.id).says(t, 200, "Aucun papier pour l’instant.")
}

func (w *world) unsharedElsewhere(paper string) {
	w.t.Helper()
	cookie, _ := w.hire(w.addRelay("La Gare"), "paul@example.org", "Paul Roy")
	w.do(w.request("GET", "/desk/paper/"+paper, nil), cookie).says(w.t, 403, "Ce papier nous est fermé")
}

func TestPictures_neverOfTheCode(t *testing.T) {
	w := newWorld(t)
	for path, status := range map[string]int{
		"/desk/pictures/hospital": 200, "/desk/pictures/banana": 404, "/desk/pictures/..%2Fcode%2Fbanana": 404, "/desk/pictures/nothing": 404,
		"/desk/marks/sailboat/FFD873": 200, "/desk/marks/banana/FFD873": 404, "/desk/marks/sailboat/000000": 404,
	} {
		a := w.get(path)
		if a.status != status {
			t.Errorf("%s: status %d, want %d", path, a.status, status)
		}
		if status == 200 && a.header.Get("Content-Type") != "image/svg+xml" {
			t.Errorf("%s: %s", path, a.header.Get("Content-Type"))
		}
	}
}
