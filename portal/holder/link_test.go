package holder

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// linked sends somebody's paper to their phone, and gives the link's path.
func (s *stage) linked(t *testing.T) string {
	t.Helper()
	s.sends(t, s.speaker("fr"))
	return "/l/" + s.letters(t)
}

// bound is the cookie that a browser has for a link, or "".
func (v *visitor) bound(path string) string {
	v.t.Helper()
	at, err := url.Parse(v.server.URL + path)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(at) {
		if c.Name == cookieLink {
			return c.Value
		}
	}
	return ""
}

func TestLink_Cookie(t *testing.T) {
	s := newStage(t)
	path := s.linked(t)
	a := s.visitor(false).get(path)
	cookies := a.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("a fresh link gives %d cookies, want 1", len(cookies))
	}
	c := cookies[0]
	if c.Name != cookieLink || len(c.Value) != 32 || c.Path != path || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge < 600 {
		t.Errorf("cookie %s: %d letters, path right %t, HttpOnly %t, SameSite %d, %d s",
			c.Name, len(c.Value), c.Path == path, c.HttpOnly, c.SameSite, c.MaxAge)
	}
	if again := s.visitor(false).get(path).Cookies(); len(again) != 1 || again[0].Value == c.Value {
		t.Error("another browser does not get a cookie of its own")
	}
	if kept := s.visitor(false).get(path, "Cookie", cookieLink+"="+c.Value).Cookies(); len(kept) != 0 {
		t.Error("a browser that has a cookie gets another")
	}
	if gone := s.visitor(false).get("/l/AAAAAAAAAAAAAAAA").Cookies(); len(gone) != 0 {
		t.Error("a link that does not exist gives a cookie")
	}
}

// TestLink_Double: both touches of a double one, in the same moment, find the paper.
func TestLink_Double(t *testing.T) {
	s := newStage(t)
	path := s.linked(t)
	phone := s.visitor(false)
	phone.page(path)
	before := phone.bound(path)
	statuses := make([]int, 2)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() {
			res, err := phone.client.PostForm(phone.server.URL+path, url.Values{})
			if err == nil {
				statuses[i] = res.StatusCode
				res.Body.Close()
			}
		})
	}
	wg.Wait()
	for i, status := range statuses {
		if status != http.StatusSeeOther {
			t.Errorf("touch %d: %d, want 303", i+1, status)
		}
	}
	if before == "" || phone.bound(path) != before {
		t.Error("the link is not bound to the cookie that the browser had")
	}
	phone.wants(t, path, http.StatusOK, "dix minutes")
}

// TestLink_LostAnswer: the link opens, and the line breaks before the answer.
func TestLink_LostAnswer(t *testing.T) {
	s := newStage(t)
	path := s.linked(t)
	phone, other := s.visitor(false), s.visitor(false)
	phone.page(path)
	other.page(path)
	lost := s.visitor(false).do(http.MethodPost, path, url.Values{}, "Cookie", cookieLink+"="+phone.bound(path))
	if lost.StatusCode != http.StatusSeeOther {
		t.Fatalf("POST: %d", lost.StatusCode)
	}
	phone.wants(t, path, http.StatusOK, "dix minutes")
	phone.post(path, url.Values{}, path)
	other.wants(t, path, http.StatusGone, "sur un autre téléphone")
	if a := other.do(http.MethodPost, path, url.Values{}); a.StatusCode != http.StatusGone {
		t.Errorf("POST with another browser's cookie: %d", a.StatusCode)
	}
	if a := other.get(path + "/1"); a.StatusCode != http.StatusNotFound {
		t.Errorf("page image with another browser's cookie: %d", a.StatusCode)
	}
}

// TestLink_SlowNotItsOwn: who opened a link may look at it again and again, also
// when it is over; who did not is slowed down.
func TestLink_SlowNotItsOwn(t *testing.T) {
	s := newStage(t)
	path := s.linked(t)
	phone := s.visitor(false)
	phone.page(path)
	phone.post(path, url.Values{}, path)
	room := New(s.vault, Options{Now: s.now})
	look := func(browser string) int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if browser != "" {
			r.AddCookie(&http.Cookie{Name: cookieLink, Value: browser})
		}
		w := httptest.NewRecorder()
		room.ServeHTTP(w, r)
		return w.Code
	}
	own := phone.bound(path)
	for range 2 * tokensEach {
		if got := look(own); got != http.StatusOK {
			t.Fatalf("its own open link: %d", got)
		}
	}
	s.pass(11 * time.Minute)
	for range 2 * tokensEach {
		if got := look(own); got != http.StatusGone {
			t.Fatalf("its own link when it is over: %d, want 410", got)
		}
	}
	for range tokensEach {
		if got := look(""); got != http.StatusGone {
			t.Fatalf("somebody else's: %d, want 410", got)
		}
	}
	if got := look(""); got != http.StatusTooManyRequests {
		t.Errorf("somebody else's, once more: %d, want 429", got)
	}
}

// TestWho_Phone: that a link was opened stands among those who looked.
func TestWho_Phone(t *testing.T) {
	s := newStage(t)
	for lang, words := range map[string]string{"fr": "Un téléphone a ouvert", "ar": "فتح هاتف"} {
		p := s.speaker(lang)
		s.sends(t, p)
		v := s.opens(p)
		if page := v.page("/k/who"); strings.Contains(page, "by-phone") {
			t.Errorf("%s: a link that nobody opened stands among those who looked", lang)
		}
		path := "/l/" + s.letters(t)
		s.visitor(false).post(path, url.Values{}, path)
		page := v.page("/k/who")
		if strings.Count(page, `class="badge by-phone"`) != 1 || !strings.Contains(page, words) {
			t.Errorf("%s: the opened link does not stand among those who looked", lang)
		}
	}
}
