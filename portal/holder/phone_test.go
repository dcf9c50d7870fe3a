package holder

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"consigne/portal/demo"
	"consigne/portal/web"
)

var (
	linkInText = regexp.MustCompile(`/l/([0-9A-Za-z]{16})`)
	onceInPage = regexp.MustCompile(`name="once" value="([A-Z2-7]{26})"`)
)

// sends sends a person's first paper to their phone from the kiosk.
func (s *stage) sends(t *testing.T, p demo.Person) {
	t.Helper()
	v := s.opens(p)
	id := p.Documents[0].ID
	once := onceInPage.FindStringSubmatch(v.page("/k/paper?id=" + id))
	if once == nil {
		t.Fatal("the paper cannot be sent to a phone")
	}
	form := url.Values{"id": {id}, "once": {once[1]}}
	v.post("/k/send", form, "/k/sent")
	v.post("/k/send", form, "/k/sent") // sent twice: one message
	v.page("/k/sent?id=" + id)
}

// letters takes the messages that are due, as the SMS daemon does just before it
// sends them, and reads the one link.
func (s *stage) letters(t *testing.T) string {
	t.Helper()
	due, err := s.queue.Claim(t.Context(), 10, "test")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range due {
		if m := linkInText.FindStringSubmatch(d.Text); m != nil {
			found = append(found, m[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d links were sent, want 1", len(found))
	}
	return found[0]
}

func (v *visitor) wants(t *testing.T, path string, status int, words string) string {
	t.Helper()
	a := v.get(path)
	if a.StatusCode != status || !strings.Contains(a.body, words) {
		t.Errorf("GET: %d, want %d with %q", a.StatusCode, status, words)
	}
	return a.body
}

func TestLink(t *testing.T) {
	s := newStage(t)
	p := s.speaker("fr")
	s.sends(t, p)
	path := "/l/" + s.letters(t)
	phone, other := s.visitor(false), s.visitor(false)
	for range 3 {
		page := phone.wants(t, path, http.StatusOK, "Il s’ouvre une seule fois")
		for _, secret := range []string{"Tilleuls", "CCAS", "+33", "Lettre", "Domiciliation", p.Name, "<script", "style="} {
			if strings.Contains(page, secret) {
				t.Errorf("the page tells %q before anything is opened", secret)
			}
		}
		if a := phone.do(http.MethodHead, path, nil); a.StatusCode != http.StatusOK || a.body != "" {
			t.Errorf("HEAD: %d, %d bytes", a.StatusCode, len(a.body))
		}
		if a := phone.get(path + "/1"); a.StatusCode != http.StatusNotFound {
			t.Errorf("a page image before the POST: %d", a.StatusCode)
		}
	}
	phone.post(path, url.Values{}, path)
	page := phone.wants(t, path, http.StatusOK, "dix minutes")
	phone.wants(t, path, http.StatusOK, "dix minutes") // a line that was cut burns nothing
	image := regexp.MustCompile(`src="([0-9A-Za-z]{16}/1)"`).FindStringSubmatch(page)
	if image == nil {
		t.Fatal("the paper is not on its page")
	}
	if a := phone.get("/l/" + image[1]); a.Header.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(a.body, "\xff\xd8") {
		t.Errorf("page image: %d, %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
	t.Run("opens nowhere else", func(t *testing.T) {
		other.wants(t, path, http.StatusGone, "Déjà ouvert")
		if a := other.do(http.MethodPost, path, url.Values{}); a.StatusCode != http.StatusGone || len(a.Cookies()) > 0 {
			t.Errorf("POST by another browser: %d, %d cookies", a.StatusCode, len(a.Cookies()))
		}
		if a := other.get(path + "/1"); a.StatusCode != http.StatusNotFound {
			t.Errorf("page image for another browser: %d", a.StatusCode)
		}
		if a := other.get(path, "Cookie", "link=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"); a.StatusCode != http.StatusGone {
			t.Errorf("GET with an invented cookie: %d", a.StatusCode)
		}
	})
	t.Run("closes after ten minutes", func(t *testing.T) {
		s.pass(11 * time.Minute)
		phone.wants(t, path, http.StatusGone, "Déjà ouvert")
		if a := phone.get(path + "/1"); a.StatusCode != http.StatusNotFound {
			t.Errorf("page image: %d", a.StatusCode)
		}
	})
}

func TestLink_States(t *testing.T) {
	s := newStage(t)
	s.sends(t, s.speaker("ar"))
	phone := s.visitor(false)
	phone.wants(t, "/l/AAAAAAAAAAAAAAAA", http.StatusNotFound, "Ce lien ne marche pas.")
	if a := phone.get("/l/AAAAAAAAAAAAAAAA", "Accept-Language", "ar-MA,fr;q=0.5"); !strings.Contains(a.body, `lang="ar"`) {
		t.Error("an unknown link does not speak the browser's language")
	}
	phone.wants(t, "/l/short", http.StatusNotFound, "Ce lien ne marche pas.")
	letters := s.letters(t)
	phone.wants(t, "/l/"+letters, http.StatusOK, `dir="rtl"`)
	s.pass(25 * time.Hour)
	phone.wants(t, "/l/"+letters, http.StatusGone, `lang="ar"`)
	if a := phone.do(http.MethodPost, "/l/"+letters, url.Values{}); a.StatusCode != http.StatusGone {
		t.Errorf("POST to an expired link: %d", a.StatusCode)
	}
}

// TestLink_OldPhone: their forms come from nowhere, and with a null origin.
func TestLink_OldPhone(t *testing.T) {
	s := newStage(t)
	s.sends(t, s.speaker("fr"))
	path := "/l/" + s.letters(t)
	a := s.visitor(false).do(http.MethodPost, path, url.Values{}, "Origin", "null", "Sec-Fetch-Site", "cross-site")
	if a.StatusCode != http.StatusSeeOther {
		t.Errorf("POST with a null origin: %d", a.StatusCode)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, c := range a.Cookies() {
		if !c.HttpOnly || c.Path != path || c.MaxAge > 600 || c.MaxAge < 500 {
			t.Errorf("cookie: HttpOnly %t, path right %t, %d s", c.HttpOnly, c.Path == path, c.MaxAge)
		}
	}
}

// TestLink_Logs: letters stand in no log, whatever becomes of the link.
func TestLink_Logs(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	s := newStage(t)
	s.sends(t, s.speaker("fr"))
	letters := s.letters(t)
	phone := s.visitor(false)
	phone.page("/l/" + letters)
	phone.post("/l/"+letters, url.Values{}, "/l/")
	phone.get("/l/" + letters + "/1")
	phone.get("/l/" + letters + "/x/" + letters)
	phone.do("PROPFIND", "/l/"+letters, nil)
	s.visitor(false).get("/l/" + letters)
	if !strings.Contains(log.String(), `/l/{letters}`) {
		t.Fatal("the requests were not logged")
	}
	for _, secret := range append([]string{letters}, s.people[0].Card, s.people[0].Name, s.people[0].Documents[0].ID) {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestLink_Slow(t *testing.T) {
	s := newStage(t)
	room := New(s.vault, Options{Now: s.now})
	try := func(address string) int {
		r := httptest.NewRequest(http.MethodGet, "/l/AAAAAAAAAAAAAAAA", nil)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		room.ServeHTTP(w, r)
		return w.Code
	}
	for i := range 5 {
		if got := try("192.0.2.7:1"); got != http.StatusNotFound {
			t.Fatalf("dead link %d: %d", i+1, got)
		}
	}
	if got := try("192.0.2.7:2"); got != http.StatusTooManyRequests {
		t.Errorf("sixth dead link: %d, want 429", got)
	}
	if got := try("192.0.2.8:1"); got != http.StatusNotFound {
		t.Errorf("another address: %d", got)
	}
	// A day centre's kiosk shares its address with its visitors' phones.
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/device/enrol", strings.NewReader("{"))
	r.RemoteAddr = "192.0.2.7:3"
	if room.ServeHTTP(w, r); w.Code != http.StatusBadRequest {
		t.Errorf("a kiosk that enrols after dead links: %d, want 400", w.Code)
	}
	s.pass(time.Minute)
	if got := try("192.0.2.7:1"); got != http.StatusNotFound {
		t.Errorf("after a minute: %d, want one more try", got)
	}
	for i := range web.LimiterKeys + 10 {
		try(fmt.Sprintf("198.18.%d.%d:1", i/256, i%256))
	}
	if got := try("192.0.2.9:1"); got != http.StatusNotFound {
		t.Errorf("after a flood: %d", got)
	}
}

// onTheWire counts what a page costs with its style: head and body, compressed.
func (v *visitor) onTheWire(t *testing.T, path string) int {
	t.Helper()
	total := 0
	for len(path) > 0 {
		a := v.get(path, "Accept-Encoding", "gzip")
		head := 17
		for name, values := range a.Header {
			head += len(name) + len(strings.Join(values, ", ")) + 4
		}
		if a.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("not compressed: %s", a.Header.Get("Content-Type"))
		}
		total += head + len(a.body)
		z, err := gzip.NewReader(strings.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		path = ""
		if m := regexp.MustCompile(`href="(static/[^"]+)"`).FindSubmatch(page); m != nil {
			path = "/l/" + string(m[1])
		}
	}
	return total
}

func TestLink_Weight(t *testing.T) {
	s := newStage(t)
	s.sends(t, s.speaker("ar"))
	letters := s.letters(t)
	phone := s.visitor(false)
	if got := phone.onTheWire(t, "/l/"+letters); got > 14336 {
		t.Errorf("the page of a fresh link: %d bytes on the wire", got)
	}
	phone.post("/l/"+letters, url.Values{}, "/l/")
	if got := phone.onTheWire(t, "/l/"+letters); got > 14336 {
		t.Errorf("the page of an open link: %d bytes on the wire", got)
	}
	if got := s.visitor(false).onTheWire(t, "/l/"+letters); got > 14336 {
		t.Errorf("the page of a used link: %d bytes on the wire", got)
	}
}

// TestScreens_Phone measures the pages at a small phone's width.
func TestScreens_Phone(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	look := func(v *visitor, name, path string) {
		b.become(v, "")
		b.show(360, 640, s.server.URL+path, "")
		b.measure(t, "phone-"+name, 80, 14, true)
	}
	for _, lang := range []string{"fr", "ar"} {
		phone := s.visitor(false)
		s.sends(t, s.speaker(lang))
		path := "/l/" + s.letters(t)
		look(phone, lang+"-fresh", path)
		phone.post(path, url.Values{}, path)
		b.become(s.visitor(false), "")
		b.show(360, 640, s.server.URL+path, "")
		b.measureWords(t, "phone-"+lang+"-used")
		b.become(phone, "")
		at, _ := url.Parse(s.server.URL + path)
		b.cookie(at, phone.client.Jar.Cookies(at))
		b.show(360, 640, s.server.URL+path, "")
		b.measureWords(t, "phone-"+lang+"-paper")
		s.pass(11 * time.Minute)
	}
	b.become(s.visitor(false), "")
	b.show(360, 640, s.server.URL+"/l/AAAAAAAAAAAAAAAA", "")
	b.measureWords(t, "phone-fr-gone")
}
