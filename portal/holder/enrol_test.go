package holder

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"consigne/cards"
	"consigne/portal/vault"
)

// enrolling leaves a profile, and begins its enrolment
// as the kiosk's own program does.
func (s *stage) enrolling(t *testing.T, lang string) *visitor {
	t.Helper()
	p := s.waits(t, lang)
	v := s.visitor(true)
	var state struct{ Enrolments []struct{ ID string } }
	if err := json.Unmarshal([]byte(v.page("/device/state")), &state); err != nil || len(state.Enrolments) == 0 {
		t.Fatalf("device state: %v, %d enrolments", err, len(state.Enrolments))
	}
	profile, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	a := v.send("/device/enrolments/"+state.Enrolments[0].ID, profile)
	if a.StatusCode != http.StatusNoContent {
		t.Fatalf("begin enrolment: %d", a.StatusCode)
	}
	return v
}

// waits leaves a profile at the desk for the kiosk.
func (s *stage) waits(t *testing.T, lang string) vault.Profile {
	t.Helper()
	p := vault.Profile{Name: "Nadia Test", Birth: vault.Date{Year: 1980, Month: 2, Day: 3}, Language: lang}
	if err := s.member(t, "Les Tilleuls").Enrol(t.Context(), p, s.device.ID, rand.Text()); err != nil {
		t.Fatal(err)
	}
	return p
}

// send posts JSON as the kiosk's own program does.
func (v *visitor) send(path string, body []byte) answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.server.URL+path, bytes.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return v.sign(r)
}

var shownPicture = regexp.MustCompile(`(?s)class="flat shown">(<svg.*?</svg>)`)

// learns reads the five pictures off their pages, as a person does.
func (v *visitor) learns(t *testing.T) (drawings [5]string) {
	t.Helper()
	for i := range drawings {
		page := v.page("/k/enrol?n=" + string(rune('1'+i)))
		m := shownPicture.FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("page %d shows no picture", i+1)
		}
		drawings[i] = m[1]
	}
	return drawings
}

var keyPicture = regexp.MustCompile(`(?s)value="([a-z-]+)">(<svg.*?</svg>)</button>`)

// finds touches, in each step of nine, the picture that looks like the one learnt.
func finds(t *testing.T, page string, drawings [5]string) url.Values {
	t.Helper()
	form := url.Values{}
	keys := keyPicture.FindAllStringSubmatch(page, -1)
	if len(keys) != 45 {
		t.Fatalf("the page has %d pictures, want 45", len(keys))
	}
	for i, drawing := range drawings {
		for _, key := range keys[i*9 : i*9+9] {
			if key[2] == drawing {
				form.Set("p"+string(rune('1'+i)), key[1])
			}
		}
	}
	if len(form) != 5 {
		t.Fatalf("found %d of the five pictures", len(form))
	}
	return form
}

func TestEnrolment(t *testing.T) {
	s := newStage(t)
	v := s.enrolling(t, "fr")
	if page := v.page("/k/enrol"); !strings.Contains(page, "Chez Les Tilleuls, on peut garder vos papiers") {
		t.Error("consent does not say who will keep the papers")
	} else if !strings.Contains(page, "<bdi>Nadia Test</bdi>") {
		t.Error("consent does not show whose profile it is")
	}
	v.post("/k/enrol-card", url.Values{"card": {cards.New().Text()}}, "/k/problem?what=gone") // before the yes
	v.post("/k/consent", url.Values{}, "/k/enrol")
	if a := v.get("/k/enrol"); a.Header.Get(headerScan) != "enrol-card" {
		t.Errorf("the page that waits for a card is for %q", a.Header.Get(headerScan))
	}
	v.post("/k/enrol-card", url.Values{"card": {s.people[0].Card}}, "/k/problem?what=taken")
	v.post("/k/enrol-card", url.Values{"card": {"https://example.org"}}, "/k/problem?what=notcard")
	card := cards.New()
	v.post("/k/enrol-card", url.Values{"card": {card.Text()}}, "/k/enrol")
	learnt := v.learns(t)
	v.post("/k/learnt", url.Values{}, "/k/enrol")
	right := finds(t, v.page("/k/enrol"), learnt)
	wrong := url.Values{}
	for name, value := range right {
		wrong[name] = value
	}
	wrong.Set("p5", "banana")
	v.post("/k/practise", wrong, "/k/enrol?again=1")
	if page := v.page("/k/enrol?again=1"); !shownPicture.MatchString(page) {
		t.Error("after a mistake the pictures are not shown again")
	}
	v.post("/k/learnt", url.Values{}, "/k/enrol")
	v.post("/k/practise", right, "/k/enrol")
	if page := v.page("/k/enrol"); shownPicture.MatchString(page) {
		t.Error("the practice shows the pictures that it asks for")
	}
	v.post("/k/practise", right, "/k/enrol")
	v.post("/k/practise", right, "/k/welcome")
	v.page("/k/welcome")
	v.page("/k/home")
	v.post("/k/leave", url.Values{}, "/k/goodbye")
	again := s.visitor(true)
	again.post("/k/card", url.Values{"card": {strings.ToLower(card.Text())}}, "/k/code")
	again.post("/k/unlock", right, "/k/home")
}

// TestEnrolment_Fresh: the kiosk opens the first that waits. That is the newest,
// but never one that somebody walked away from.
func TestEnrolment_Fresh(t *testing.T) {
	s := newStage(t)
	waiting := func() (ids []string) {
		var state struct{ Enrolments []struct{ ID string } }
		if err := json.Unmarshal([]byte(s.visitor(true).page("/device/state")), &state); err != nil {
			t.Fatal(err)
		}
		for _, e := range state.Enrolments {
			ids = append(ids, e.ID)
		}
		return ids
	}
	profile, err := json.Marshal(s.waits(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	first := waiting()[0]
	s.pass(time.Minute)
	s.waits(t, "fr")
	second := waiting()[0]
	begin := func(id string) {
		if a := s.visitor(true).send("/device/enrolments/"+id, profile); a.StatusCode != http.StatusNoContent {
			t.Fatalf("begin enrolment: %d", a.StatusCode)
		}
	}
	if second == first {
		t.Fatal("the person just sent does not stand before the one who waits")
	}
	begin(second)
	if got := waiting(); got[0] != first || got[1] != second {
		t.Error("an enrolment that was begun stands before one that was not")
	}
	begin(first)
	if got := waiting(); got[0] != second || got[1] != first {
		t.Error("of two that were begun the newer one does not stand first")
	}
}

// TestEnrolment_Older: two wait, the older one was begun.
func TestEnrolment_Older(t *testing.T) {
	s := newStage(t)
	old := s.enrolling(t, "fr")
	before := old.page("/device/state")
	s.pass(time.Minute)
	s.waits(t, "fr")
	var was, is struct{ Enrolments []struct{ ID string } }
	if err := errors.Join(json.Unmarshal([]byte(before), &was), json.Unmarshal([]byte(old.page("/device/state")), &is)); err != nil {
		t.Fatal(err)
	}
	if len(is.Enrolments) != 2 || is.Enrolments[0].ID == was.Enrolments[0].ID || is.Enrolments[1].ID != was.Enrolments[0].ID {
		t.Error("the newer enrolment does not stand first")
	}
}

func TestEnrolment_Refused(t *testing.T) {
	s := newStage(t)
	v := s.enrolling(t, "ar")
	if page := v.page("/k/enrol"); !strings.Contains(page, `lang="ar" dir="rtl"`) {
		t.Error("consent is not in the person's language")
	}
	v.post("/k/refuse", url.Values{}, "/k/goodbye?what=refused")
	if a := v.get("/k/enrol"); a.StatusCode != http.StatusForbidden {
		t.Errorf("the enrolment goes on after a no: %d", a.StatusCode)
	}
	if state := v.page("/device/state"); !strings.Contains(state, `"enrolments":[]`) {
		t.Errorf("the profile is still there: %s", state)
	}
}

// TestEnrolment_Left: an enrolment that somebody walked away from does not open
// again by itself, or the kiosk would ask an empty room all day.
func TestEnrolment_Left(t *testing.T) {
	s := newStage(t)
	v := s.enrolling(t, "fr")
	v.post("/k/leave", url.Values{"why": {"idle"}}, "/k/goodbye")
	next := s.visitor(true)
	if state := next.page("/k/state"); !strings.Contains(state, `"enrolment":false`) || !strings.Contains(state, `"left":true`) {
		t.Errorf("state after leaving: %s", state)
	}
	if page := next.page("/k/rest"); strings.Contains(page, `href="../-/enrol" hidden`) {
		t.Error("the rest screen does not offer to go on")
	}
}

// TestScreens_Enrol measures the way into a vault.
func TestScreens_Enrol(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	for _, lang := range []string{"fr", "ar"} {
		v := s.enrolling(t, lang)
		b.become(v, lang)
		b.look(t, lang+"-enrol-consent", "/k/enrol", "")
		b.look(t, lang+"-enrol-consent-spoken", "/k/enrol", `document.querySelector(".yes").click()`)
		v.post("/k/consent", url.Values{}, "/k/enrol")
		b.look(t, lang+"-enrol-card", "/k/enrol", "")
		v.post("/k/enrol-card", url.Values{"card": {cards.New().Text()}}, "/k/enrol")
		b.look(t, lang+"-enrol-learn-1", "/k/enrol", "")
		b.look(t, lang+"-enrol-learn-5", "/k/enrol?n=5", "")
		b.look(t, lang+"-enrol-learn-spoken", "/k/enrol?n=5", touchFirst)
		b.look(t, lang+"-enrol-again", "/k/enrol?again=1", "")
		learnt := v.learns(t)
		v.post("/k/learnt", url.Values{}, "/k/enrol")
		v.post("/k/practise", finds(t, v.page("/k/enrol"), learnt), "/k/enrol")
		b.look(t, lang+"-enrol-practise", "/k/enrol", "")
		v.post("/k/leave", url.Values{}, "/k/goodbye")
		b.become(s.visitor(true), lang)
		b.look(t, lang+"-rest-enrol", "/k/rest", "")
		other := s.visitor(true)
		other.post("/k/language", url.Values{"lang": {lang}}, "/k/rest")
	}
}
