package desk_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestCalls(t *testing.T) {
	w := newWorld(t)
	if a := w.get("/desk/calls"); a.status != 200 || a.body != `{"answers":0,"calls":[]}` {
		t.Errorf("nobody calls: %d %s", a.status, a.body)
	}
	call, err := w.vault.Call(t.Context(), w.device, "ar")
	must(t, err)
	w.now = w.now.Add(40 * time.Second)
	var said struct {
		Calls []struct{ ID, Who, Text string }
	}
	a := w.get("/desk/calls")
	must(t, json.Unmarshal([]byte(a.body), &said))
	if len(said.Calls) != 1 || said.Calls[0].ID != call.ID || said.Calls[0].Who != "La borne du hall appelle." ||
		said.Calls[0].Text != "Une personne attend depuis 40 secondes. Langue\u00a0: arabe." {
		t.Errorf("script is told %s", a.body)
	}
	if state, err := w.vault.CallState(t.Context(), w.device); err != nil || state.SeenAt.IsZero() {
		t.Errorf("the kiosk does not learn that the desk has the call: %+v %v", state, err)
	}
	w.get("/desk/team").says(t, 200, "La borne du hall appelle. Une personne attend depuis 40 secondes. Langue : arabe.")
	w.now = w.now.Add(40 * time.Second)
	w.get("/desk/").says(t, 200, "80 secondes", "La borne lui a dit votre numéro.")

	w.post("/desk/calls/"+call.ID+"/answer").leads(t, "/desk/?done=answered")
	if state, err := w.vault.CallState(t.Context(), w.device); err != nil || state.AnsweredAt.IsZero() {
		t.Errorf("the kiosk does not learn that somebody comes: %+v %v", state, err)
	}
	if a := w.get("/desk/calls"); a.body != `{"answers":0,"calls":[]}` {
		t.Errorf("an answered call stays: %s", a.body)
	}
}

func TestCalls_ofAnotherRelay(t *testing.T) {
	w := newWorld(t)
	call, err := w.vault.Call(t.Context(), w.device, "fr")
	must(t, err)
	cookie, _ := w.hire(w.addRelay("La Gare"), "paul@example.org", "Paul Roy")
	if a := w.do(w.request("GET", "/desk/calls", nil), cookie); strings.Contains(a.body, call.ID) {
		t.Error("another relay sees the call")
	}
	w.postAs(cookie, "/desk/calls/"+call.ID+"/answer").says(t, 404)
	if state, err := w.vault.CallState(t.Context(), w.device); err != nil || !state.AnsweredAt.IsZero() {
		t.Errorf("another relay answered: %+v %v", state, err)
	}
}

func TestCalls_afterTheSession(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(13 * time.Hour)
	a := w.get("/desk/calls")
	if a.status != 401 || a.body != `{"next":"/desk/sign-in?note=ended"}` {
		t.Errorf("the script is told %d %s", a.status, a.body)
	}
}
