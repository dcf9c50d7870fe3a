package holder

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"consigne/cards"
	"consigne/internal/seal"
	"consigne/locales"
	"consigne/portal/vault"
)

func TestCard_Refused(t *testing.T) {
	s := newStage(t)
	v := s.visitor(true)
	good := s.people[0].Card
	wrong := "B" + strings.Repeat("C", 32)
	for name, c := range map[string]struct{ text, what string }{
		"address":          {"https://example.org/a", "notcard"},
		"Wi-Fi":            {"WIFI:T:WPA;S:net;P:secret;;", "notcard"},
		"one letter wrong": {strings.Replace(good, good[8:9], string(rune('B'+(good[8]-'B'+1)%3)), 1), "notcard"},
		"wrong letters":    {wrong, "notcard"},
		"half a card":      {good[:16], "notcard"},
		"nothing":          {"", "notcard"},
		"card of nobody":   {cards.New().Text(), "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			v.t = t
			v.post("/k/card", url.Values{"card": {c.text}}, "/k/problem?what="+c.what)
			page := v.page("/k/problem?what=" + c.what)
			if !strings.Contains(page, `data-voice="voice?c=`) || !strings.Contains(page, `action="call"`) {
				t.Error("the page does not speak, or nobody can be called from it")
			}
		})
	}
}

func TestCard_WrongPictures(t *testing.T) {
	s := newStage(t)
	p := s.people[0]
	v := s.visitor(true)
	v.post("/k/card", url.Values{"card": {p.Card}}, "/k/code")
	wrong := picks(p.Pictures)
	for _, other := range locales.CodeSets[1] {
		if other != p.Pictures[1] {
			wrong.Set("p2", other)
		}
	}
	for _, left := range []string{"4", "3", "2", "1"} {
		v.post("/k/unlock", wrong, "/k/wrong?left="+left)
		v.page("/k/wrong?left=" + left)
	}
	v.post("/k/unlock", wrong, "/k/problem?what=blocked")
	v.post("/k/unlock", picks(p.Pictures), "/k/ended") // the right ones come too late
	s.visitor(true).post("/k/card", url.Values{"card": {p.Card}}, "/k/problem?what=blocked")
	if a := v.get("/k/home"); a.StatusCode != http.StatusForbidden {
		t.Errorf("home of a blocked card: %d", a.StatusCode)
	}
}

// TestCard_NoPictures: a form without five pictures leads back to them, and the
// card keeps all its tries.
func TestCard_NoPictures(t *testing.T) {
	s := newStage(t)
	p := s.people[0]
	v := s.visitor(true)
	v.post("/k/card", url.Values{"card": {p.Card}}, "/k/code")
	garbled := picks(p.Pictures)
	garbled.Set("p3", "no-such-picture")
	for range 2 * tries {
		v.post("/k/unlock", url.Values{}, "/k/code")
		v.post("/k/unlock", garbled, "/k/code")
	}
	v.page("/k/code")
	v.post("/k/unlock", picks(p.Pictures), "/k/home")
}

// TestCard_TwiceSent: five pictures that are sent twice open the vault once, and
// it stays open.
func TestCard_TwiceSent(t *testing.T) {
	s := newStage(t)
	p := s.people[0]
	v := s.visitor(true)
	v.post("/k/card", url.Values{"card": {p.Card}}, "/k/code")
	v.post("/k/unlock", picks(p.Pictures), "/k/home")
	v.post("/k/unlock", picks(p.Pictures), "/k/home")
	v.page("/k/home")
	v.post("/k/leave", url.Values{}, "/k/goodbye")
	v.post("/k/unlock", picks(p.Pictures), "/k/ended")
}

func TestDevice_Refused(t *testing.T) {
	s := newStage(t)
	stranger := s.visitor(false)
	for _, path := range []string{"/k/rest", "/k/home", "/k/voice?c=fr/rest.voice", "/k/state", "/device/state"} {
		if a := stranger.get(path); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s without a device: %d", path, a.StatusCode)
		}
	}
	s.token[0] ^= 1
	if a := s.visitor(true).get("/k/rest"); a.StatusCode != http.StatusForbidden {
		t.Errorf("with another token: %d", a.StatusCode)
	}
	s.token[0] ^= 1
	if a := s.visitor(true).get("/k/rest"); a.StatusCode != http.StatusOK {
		t.Errorf("with the right one: %d", a.StatusCode)
	}
}

func TestDevice_Enrol(t *testing.T) {
	s := newStage(t)
	relay, err := s.vault.Relays(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	code, err := s.vault.DeviceCode(t.Context(), relay[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(code, public, token string) answer {
		body, err := json.Marshal(map[string]string{"code": code, "name": "Borne 2", "public": public, "token": token})
		if err != nil {
			t.Fatal(err)
		}
		return s.visitor(false).send("/device/enrol", body)
	}
	token := strings.Repeat("ab", 32)
	public := base64.StdEncoding.EncodeToString(seal.NewKey().Identity().Public())
	for _, c := range []struct {
		name, code, public, token string
		want                      int
	}{
		{"wrong code", "00000000", public, token, http.StatusForbidden},
		{"no base64", code, "!", token, http.StatusBadRequest},
		{"no key", code, "AAAA", token, http.StatusUnprocessableEntity},
		{"no hex", code, public, "xyz", http.StatusBadRequest},
		{"short token", code, public, "ab", http.StatusUnprocessableEntity},
		{"right", code, public, token, http.StatusOK},
		{"a used code", code, public, token, http.StatusForbidden},
	} {
		if got := ask(c.code, c.public, c.token); got.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, got.StatusCode, c.want)
		}
	}
	if got := s.visitor(false).send("/device/enrol", []byte("code=1")); got.StatusCode != http.StatusBadRequest {
		t.Errorf("no JSON: %d", got.StatusCode)
	}
}

// TestVault_Closed: every page of a vault is shut to whoever has no session, to
// another kiosk's cookie, and after leaving.
func TestVault_Closed(t *testing.T) {
	s := newStage(t)
	p := s.people[0]
	v := s.opens(p)
	screens := s.vaultScreens(v, p)
	image := "/k/page-image?id=" + p.Documents[0].ID + "&n=1"
	if a := v.get(image); a.StatusCode != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("page image: %d, %q", a.StatusCode, a.Header.Get("Cache-Control"))
	}
	other := s.opens(s.people[1])
	for _, path := range []string{"/k/paper?id=" + p.Documents[0].ID, "/k/share?id=" + p.Documents[0].ID, image} {
		if a := other.get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("somebody else's %s: %d", path[:8], a.StatusCode)
		}
	}
	v.post("/k/leave", url.Values{}, "/k/goodbye")
	for _, x := range screens {
		if a := v.get(x.path); a.StatusCode != http.StatusForbidden || a.Header.Get(headerSession) != "ended" {
			t.Errorf("%s after leaving: %d", x.name, a.StatusCode)
		}
	}
}

func TestVault_CrossSite(t *testing.T) {
	s := newStage(t)
	v := s.opens(s.people[0])
	for _, path := range []string{"/k/leave", "/k/share", "/k/stop", "/k/send", "/k/call", "/k/unlock"} {
		if a := v.do(http.MethodPost, path, url.Values{}, "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, a.StatusCode)
		}
	}
	v.page("/k/home")
}

func TestShare(t *testing.T) {
	s := newStage(t)
	p := s.people[0]
	letter := p.Documents[len(p.Documents)-1].ID
	v := s.opens(p)
	desk := s.desk(t, "Médiathèque du Pont")
	m := desk()
	if _, err := m.Paper(t.Context(), letter); err == nil {
		t.Fatal("the relay reads the paper before it is shared")
	}
	relay := m.Relay().ID
	terms := hrefs(v.page("/k/term?id="+letter+"&relay="+relay), "confirm?")
	if len(terms) != 4 {
		t.Fatalf("%d terms", len(terms))
	}
	page := v.page("/k/" + strings.ReplaceAll(terms[1], "&amp;", "&"))
	form := url.Values{"id": {letter}, "relay": {relay}, "term": {"nights"}, "once": {onceInPage.FindStringSubmatch(page)[1]}}
	v.post("/k/share", form, "/k/shared")
	v.post("/k/share", form, "/k/shared") // sent twice
	if _, err := desk().Paper(t.Context(), letter); err != nil {
		t.Errorf("the relay cannot read what was shared: %v", err)
	}
	if page := v.page("/k/who?page=2"); !strings.Contains(page, "Médiathèque du Pont") {
		t.Error("the relay does not stand under who can see")
	}
	v.post("/k/stop", url.Values{"relay": {relay}}, "/k/stopped")
	v.post("/k/stop", url.Values{"relay": {relay}}, "/k/stopped")
	v.page("/k/stopped?relay=" + relay)
	if _, err := desk().Paper(t.Context(), letter); err == nil {
		t.Error("the relay still reads the paper after the stop")
	}
	for name, bad := range map[string]url.Values{
		"no term":      {"id": {letter}, "relay": {relay}, "once": {"X"}},
		"no relay":     {"id": {letter}, "relay": {"X"}, "term": {"month"}, "once": {"X"}},
		"no paper":     {"id": {"X"}, "relay": {relay}, "term": {"month"}, "once": {"X"}},
		"no once":      {"id": {letter}, "relay": {relay}, "term": {"month"}},
		"a long stray": {"id": {strings.Repeat("X", 70_000)}},
	} {
		if a := v.do(http.MethodPost, "/k/share", bad); a.StatusCode < 400 || a.StatusCode >= 500 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
}

// TestShare_Unstaffed: a relay without staff can read nothing, and is not offered.
func TestShare_Unstaffed(t *testing.T) {
	s := newStage(t)
	empty, err := s.vault.AddRelay(t.Context(), vault.Relay{Name: "Accueil Neuf", Kind: "accueil de jour", Badge: "deciduous-tree", Colour: "blue", Phone: "+33199000099"})
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.vault.Relays(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := s.people[0]
	v := s.opens(p)
	offered := ""
	for n := range (len(all) + relaysEach - 1) / relaysEach {
		offered += v.page(fmt.Sprintf("/k/share?id=%s&page=%d", p.Documents[0].ID, n+1))
	}
	for _, relay := range all {
		if strings.Contains(offered, "relay="+relay.ID) != (relay.ID != empty.ID) {
			t.Errorf("relay %q: offered or not, wrongly", relay.Name)
		}
	}
}

// TestStop_One: one paper can be stopped alone, and the rest goes on.
func TestStop_One(t *testing.T) {
	s := newStage(t)
	p := s.people[0]
	v := s.opens(p)
	m := s.member(t, "Les Tilleuls")
	shared, err := m.Shared(t.Context(), p.ID)
	if err != nil || len(shared) != 1 {
		t.Fatalf("shared with the centre: %d, %v", len(shared), err)
	}
	stops := hrefs(v.page("/k/relay?relay="+m.Relay().ID), "stop?")
	var asked string
	for _, href := range stops {
		if strings.Contains(href, shared[0].GrantID) {
			asked = strings.ReplaceAll(href, "&amp;", "&")
		}
	}
	if page := v.page("/k/" + asked); !strings.Contains(page, shared[0].GrantID) {
		t.Fatal("the page does not ask about this paper")
	}
	v.post("/k/stop", url.Values{"relay": {m.Relay().ID}, "grant": {shared[0].GrantID}}, "/k/stopped")
	if _, err := m.Paper(t.Context(), shared[0].ID); err == nil {
		t.Error("the paper can still be read")
	}
	if _, err := m.Person(t.Context(), p.ID); err != nil {
		t.Errorf("the profile went too: %v", err)
	}
}

func TestCalled(t *testing.T) {
	s := newStage(t)
	v := s.visitor(true)
	state := func() string {
		var got struct{ Call string }
		if err := json.Unmarshal([]byte(v.page("/k/state")), &got); err != nil {
			t.Fatal(err)
		}
		return got.Call
	}
	if state() != callNone {
		t.Fatal("there is a call already")
	}
	v.post("/k/call", url.Values{}, "/k/called")
	v.post("/k/call", url.Values{}, "/k/called")
	for _, step := range []struct {
		want, key string
		then      func()
	}{
		{callWaiting, "call.waiting", func() { s.mark(t, "seen") }},
		{callSeen, "call.called", func() { s.pass(lateAfter) }},
		{callLate, "call.late", func() { s.mark(t, "answered") }},
		{callAnswered, "call.coming", func() { s.pass(10 * time.Minute) }},
		{callNone, "call.closed", func() {}},
	} {
		if got := state(); got != step.want {
			t.Errorf("state %q, want %q", got, step.want)
		}
		words := locales.Must("fr").Text(step.key, locales.Args{"phone": locales.Phone("0465712042")})
		if page := v.page("/k/called"); !strings.Contains(page, words) || !strings.Contains(page, "04 65 71 20 42") {
			t.Errorf("%s: the page does not say %q", step.want, words)
		}
		step.then()
	}
}

var anyVoice = regexp.MustCompile(`data-(?:voice|play)="(voice\?c=[^"]+)"`)

// TestVoices plays every sentence of every page: what can be read can be heard.
func TestVoices(t *testing.T) {
	s := newStage(t)
	heard := map[string]bool{}
	for _, lang := range []string{"fr", "ar"} {
		p := s.speaker(lang)
		v := s.opens(p)
		pages := []string{"/k/rest", "/k/wrong?left=1", "/k/goodbye", "/k/ended", "/k/called"}
		for _, trouble := range troubles {
			pages = append(pages, "/k/problem?what="+trouble.name)
		}
		for _, x := range s.vaultScreens(v, p) {
			pages = append(pages, x.path)
		}
		for _, path := range pages {
			voices := anyVoice.FindAllStringSubmatch(v.page(path), -1)
			if len(voices) == 0 {
				t.Errorf("%s says nothing", path)
			}
			for _, m := range voices {
				address := strings.ReplaceAll(m[1], "&#43;", "+")
				if heard[lang+address] {
					continue
				}
				heard[lang+address] = true
				if a := v.get("/k/" + address); a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "audio/mpeg" || len(a.body) < 1000 {
					t.Errorf("%s, %s: %d, %d bytes", path, address, a.StatusCode, len(a.body))
				}
			}
		}
	}
	if len(heard) < 100 {
		t.Errorf("only %d sentences were heard", len(heard))
	}
}

func TestVoice_Refused(t *testing.T) {
	s := newStage(t)
	v := s.visitor(true)
	for _, query := range []string{"", "c=", "c=fr/nothing", "c=../fr/rest.voice", "c=relay/X", "c=place/X", "c=fr/rest.voice+fr/nothing",
		"c=" + strings.Repeat("fr/rest.voice+", clipLimit+1)} {
		if a := v.get("/k/voice?" + query); a.StatusCode != http.StatusNotFound {
			t.Errorf("voice?%.30s: %d", query, a.StatusCode)
		}
	}
	a := v.get("/k/voice?c=fr/rest.voice", "Range", "bytes=0-99")
	if a.StatusCode != http.StatusPartialContent || len(a.body) != 100 {
		t.Errorf("a stretch of a voice: %d, %d bytes", a.StatusCode, len(a.body))
	}
}

func TestHeaders(t *testing.T) {
	s := newStage(t)
	a := s.visitor(true).get("/k/rest")
	csp := a.Header.Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy: %s", csp)
	}
	for _, inline := range []string{" style=", "<style", " onclick=", "<script>"} {
		if strings.Contains(a.body, inline) {
			t.Errorf("the page holds %q", inline)
		}
	}
	if got := a.Header.Get(headerScan); got != "card" {
		t.Errorf("a card shown on the rest screen is %q", got)
	}
}

// TestPages_Flat: the kiosk shows pages behind a path of its own, so that no
// address of a page may begin at the root or lie deeper.
func TestPages_Flat(t *testing.T) {
	s := newStage(t)
	p := s.people[0]
	v := s.opens(p)
	address := regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	for _, x := range s.vaultScreens(v, p) {
		for _, m := range address.FindAllStringSubmatch(v.page(x.path), -1) {
			to := strings.TrimPrefix(strings.TrimPrefix(m[1], "../-/"), "static/")
			path, _, _ := strings.Cut(to, "?")
			if strings.Contains(path, "/") || strings.Contains(path, ":") {
				t.Errorf("%s leads to %s", x.name, m[1])
			}
		}
	}
}

func TestTroubles(t *testing.T) {
	french := locales.Must("fr")
	for _, c := range causes {
		if got := troubleOf(c.err); got.name != c.name || got.said(french).Voice == "" {
			t.Errorf("%v: trouble %q, or it says nothing", c.err, got.name)
		}
	}
	if got := troubleOf(&vault.Invalid{Field: "x"}); got.name != "error" {
		t.Errorf("what is not in the table: %q", got.name)
	}
}

// TestRest_Forgets: an empty room is not asked whether it is there, and a
// language that somebody touched and left does not stay.
func TestRest_Forgets(t *testing.T) {
	s := newStage(t)
	v := s.visitor(true)
	if page := v.page("/k/rest"); strings.Contains(page, `id="forget"`) || !strings.Contains(page, `data-idle="0"`) {
		t.Error("the first language has something to forget, or an empty room is asked")
	}
	v.post("/k/language", url.Values{"lang": {"xx"}}, "/k/rest")
	v.post("/k/language", url.Values{"lang": {"ar"}}, "/k/rest")
	if page := v.page("/k/rest"); !strings.Contains(page, `lang="ar" dir="rtl"`) || !strings.Contains(page, `id="forget"`) {
		t.Error("Arabic was not taken, or stays for ever")
	}
}
