package session

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"consigne/internal/seal"
)

const profile = `{"name":"Nobody Known","birth":"1990-01-02"}`

// waiting is a portal at which enrolments wait.
type waiting struct {
	list   []map[string]any
	status int
	posted []string
}

func (p *waiting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/device/state":
		json.NewEncoder(w).Encode(map[string]any{"enrolments": p.list})
	case strings.HasPrefix(r.URL.Path, "/device/enrolments/"):
		body, _ := io.ReadAll(r.Body)
		p.posted = append(p.posted, strings.TrimPrefix(r.URL.Path, "/device/enrolments/")+" "+string(body))
		if p.status == http.StatusNoContent {
			http.SetCookie(w, &http.Cookie{Name: "enrol", Value: "SECRET", Path: "/k"})
		}
		w.WriteHeader(p.status)
	case r.URL.Path == "/k/enrol":
		io.WriteString(w, "<!doctype html><html lang=fr>"+r.Header.Get("Cookie"))
	default:
		io.WriteString(w, "<!doctype html><html lang=fr>")
	}
}

func (p *waiting) add(t *testing.T, r *rig, id string, place seal.Place) {
	t.Helper()
	sealed, err := r.Device.Key.Identity().Public().Seal(place, []byte(profile))
	if err != nil {
		t.Fatal(err)
	}
	p.list = append(p.list, map[string]any{"id": id, "sealed": sealed})
}

func placeOf(id, reader string) seal.Place {
	return seal.Place{Table: "enrolment", Row: id, Column: "profile", Reader: reader}
}

func TestEnrol(t *testing.T) {
	portal := &waiting{status: http.StatusNoContent}
	r := newRig(t, portal.ServeHTTP)
	portal.add(t, r, "FOREIGN", placeOf("FOREIGN", "OTHER"))
	portal.add(t, r, "MOVED", placeOf("ANOTHER", "DEV"))
	portal.add(t, r, "RIGHT", placeOf("RIGHT", "DEV"))
	got := r.get("/" + r.token + "/-/enrol")
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != r.Page("enrol") {
		t.Fatalf("status %d", got.StatusCode)
	}
	if len(portal.posted) != 1 || portal.posted[0] != "RIGHT "+profile {
		t.Errorf("posted %d profiles, or another one", len(portal.posted))
	}
	if body := text(t, r.get(r.k("enrol"))); !strings.HasSuffix(body, "enrol=SECRET") {
		t.Error("the enrolment's cookie was not kept")
	}
	if !r.opened() {
		t.Error("the session is not open")
	}
	if r.atPage("problem?what=unread"); r.page.scan != scanEnrol {
		t.Errorf("a card after an unread one is for %q", r.page.scan)
	}
	if log := r.log.String(); strings.Contains(log, "Nobody") || strings.Contains(log, "SECRET") {
		t.Error("the log has what is a person's")
	}
}

func TestEnrol_Refuses(t *testing.T) {
	for name, test := range map[string]struct {
		id, reader string
		status     int
		goes       string
	}{
		"nothing waits":         {"", "", 204, "rest"},
		"for another kiosk":     {"ID", "OTHER", 204, "problem?what=enrol"},
		"portal refuses":        {"ID", "DEV", 404, "problem?what=enrol"},
		"id that is a path":     {"../state", "DEV", 204, "problem?what=enrol"},
		"id that is a question": {"A?x=1", "DEV", 204, "problem?what=enrol"},
	} {
		t.Run(name, func(t *testing.T) {
			portal := &waiting{status: test.status}
			r := newRig(t, portal.ServeHTTP)
			if test.id != "" {
				portal.add(t, r, test.id, placeOf(test.id, test.reader))
			}
			got := r.get("/" + r.token + "/-/enrol")
			if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != r.Page(test.goes) {
				t.Errorf("status %d to another page than %s", got.StatusCode, test.goes)
			}
			if r.opened() {
				t.Error("a session was opened")
			}
		})
	}
}

func TestEnrol_NotInTheSpare(t *testing.T) {
	portal := &waiting{status: http.StatusNoContent}
	r := newRig(t, portal.ServeHTTP)
	portal.add(t, r, "RIGHT", placeOf("RIGHT", "DEV"))
	spare := New(r.Options)
	r.Proxy = spare
	if got := r.get("/" + r.token + "/-/enrol"); got.StatusCode != http.StatusNoContent || len(portal.posted) > 0 {
		t.Errorf("status %d, %d profiles opened where nobody stands", got.StatusCode, len(portal.posted))
	}
	if got := r.get("/" + r.token + "/-/end"); got.StatusCode == http.StatusNoContent || len(r.ended) > 0 {
		t.Error("a spare can be ended by its page")
	}
}

func TestEnrol_PortalGone(t *testing.T) {
	portal := &waiting{status: http.StatusNoContent}
	r := newRig(t, portal.ServeHTTP)
	r.portal.Close()
	got := r.get("/" + r.token + "/-/enrol")
	body := text(t, got)
	if got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `data-back="`+r.Page("rest")+`"`) {
		t.Errorf("status %d", got.StatusCode)
	}
}

// While the portal fails, nobody's profile is skipped: the newest waits until the
// portal takes it.
func TestEnrol_AskedAgain(t *testing.T) {
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusInsufficientStorage} {
		portal := &waiting{status: status}
		r := newRig(t, portal.ServeHTTP)
		portal.add(t, r, "NEWEST", placeOf("NEWEST", "DEV"))
		portal.add(t, r, "OLDER", placeOf("OLDER", "DEV"))
		for range 2 {
			got := r.get("/" + r.token + "/-/enrol")
			if body := text(t, got); got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `data-back="`+r.Page("rest")+`"`) {
				t.Errorf("portal answers %d: status %d", status, got.StatusCode)
			}
		}
		if r.opened() {
			t.Errorf("portal answers %d: a session was opened", status)
		}
		portal.status = http.StatusNoContent
		if got := r.get("/" + r.token + "/-/enrol"); got.Header.Get("Location") != r.Page("enrol") || !r.opened() {
			t.Errorf("after %d: status %d", status, got.StatusCode)
		}
		for _, posted := range portal.posted {
			if !strings.HasPrefix(posted, "NEWEST ") {
				t.Errorf("portal answers %d: the profile of another was posted", status)
			}
		}
		if len(portal.posted) != 3 {
			t.Errorf("portal answers %d: posted %d times", status, len(portal.posted))
		}
	}
}

// A portal that cannot say who waits is asked again, too.
func TestEnrol_StateFails(t *testing.T) {
	fails := true
	portal := &waiting{status: http.StatusNoContent}
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		if fails && r.URL.Path == "/device/state" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		portal.ServeHTTP(w, r)
	})
	portal.add(t, r, "RIGHT", placeOf("RIGHT", "DEV"))
	if got := r.get("/" + r.token + "/-/enrol"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", got.StatusCode)
	}
	fails = false
	if got := r.get("/" + r.token + "/-/enrol"); got.Header.Get("Location") != r.Page("enrol") {
		t.Errorf("afterwards: status %d", got.StatusCode)
	}
}

// A profile that the portal refuses is not made up for by the next person's.
func TestEnrol_RefusedIsNotSkipped(t *testing.T) {
	portal := &waiting{status: http.StatusNotFound}
	r := newRig(t, portal.ServeHTTP)
	portal.add(t, r, "NEWEST", placeOf("NEWEST", "DEV"))
	portal.add(t, r, "OLDER", placeOf("OLDER", "DEV"))
	if got := r.get("/" + r.token + "/-/enrol"); got.Header.Get("Location") != r.Page("problem?what=enrol") {
		t.Errorf("status %d", got.StatusCode)
	}
	if len(portal.posted) != 1 || r.opened() {
		t.Errorf("posted %d profiles", len(portal.posted))
	}
}
