package session

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"consigne/cards"
	"consigne/internal/seal"
	"consigne/kiosk/device"
	"consigne/kiosk/reader"
)

// rig is a proxy between a test and a portal of the test's own.
type rig struct {
	*Proxy
	t      *testing.T
	portal *httptest.Server
	ended  chan string
	closed atomic.Int32
	log    *strings.Builder
}

func newRig(t *testing.T, portal http.HandlerFunc, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, ended: make(chan string, 10), log: new(strings.Builder)}
	r.portal = httptest.NewServer(portal)
	t.Cleanup(r.portal.Close)
	at, err := url.Parse(r.portal.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Portal: at, Device: device.Device{ID: "DEV", Key: seal.NewKey()}, Host: "127.0.0.1:8100", Window: true,
		Close: func() { r.closed.Add(1) },
		Ended: func(why string) { r.ended <- why },
		Log:   slog.New(slog.NewTextHandler(r.log, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	r.Proxy = New(o)
	r.Activate()
	return r
}

// get asks the proxy as the window does.
func (r *rig) get(path string, headers ...string) *http.Response {
	r.t.Helper()
	return r.ask(http.MethodGet, path, "", headers...)
}

func (r *rig) ask(method, path, body string, headers ...string) *http.Response {
	r.t.Helper()
	request := httptest.NewRequest(method, "http://"+r.Host+path, strings.NewReader(body))
	request.Header.Set("Accept", "text/html,application/xhtml+xml")
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
			continue
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, request)
	return recorder.Result()
}

func (r *rig) k(name string) string { return "/" + r.token + "/k/" + name }

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestProxy_Refuses(t *testing.T) {
	var asked atomic.Int32
	r := newRig(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	other := strings.Repeat("A", len(r.token))
	for name, test := range map[string]struct {
		method, path string
		headers      []string
		want         int
	}{
		"no token":             {"GET", "/k/rest", nil, 404},
		"root":                 {"GET", "/", nil, 404},
		"wrong token":          {"GET", "/" + other + "/k/rest", nil, 404},
		"token's beginning":    {"GET", "/" + r.token[:10] + "/k/rest", nil, 404},
		"small letters":        {"GET", "/" + strings.ToLower(r.token) + "/k/rest", nil, 404},
		"other host":           {"GET", r.k("rest"), []string{"Host", "evil.example"}, 421},
		"other port":           {"GET", r.k("rest"), []string{"Host", "127.0.0.1:80"}, 421},
		"host without port":    {"GET", r.k("rest"), []string{"Host", "127.0.0.1"}, 421},
		"other origin":         {"POST", r.k("leave"), []string{"Origin", "https://evil.example"}, 403},
		"cross-site":           {"GET", r.k("rest"), []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"same-site":            {"POST", r.k("leave"), []string{"Sec-Fetch-Site", "same-site"}, 403},
		"desk":                 {"GET", "/" + r.token + "/desk/", nil, 404},
		"device":               {"GET", "/" + r.token + "/device/state", nil, 404},
		"link":                 {"GET", "/" + r.token + "/l/ABCD", nil, 404},
		"up and over":          {"GET", r.k("../device/state"), nil, 404},
		"up, encoded":          {"GET", r.k("%2e%2e/device/state"), nil, 404},
		"slash, encoded":       {"GET", r.k("..%2fdevice%2fstate"), nil, 404},
		"backslash":            {"GET", r.k("..%5cdevice"), nil, 404},
		"two slashes":          {"GET", r.k("/device/state"), nil, 404},
		"zero":                 {"GET", r.k("rest%00"), nil, 404},
		"k itself":             {"GET", "/" + r.token + "/k/", nil, 404},
		"put":                  {"PUT", r.k("rest"), nil, 405},
		"connect":              {"OPTIONS", r.k("rest"), nil, 405},
		"upgrade":              {"GET", r.k("rest"), []string{"Upgrade", "websocket", "Connection", "Upgrade"}, 400},
		"unknown own route":    {"GET", "/" + r.token + "/-/config", nil, 404},
		"own route by post":    {"POST", "/" + r.token + "/-/enrol", nil, 405},
		"down file not listed": {"GET", "/" + r.token + "/-/down/page.html", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			if got := r.ask(test.method, test.path, "", test.headers...); got.StatusCode != test.want {
				t.Errorf("status %d, want %d", got.StatusCode, test.want)
			}
		})
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d refused requests reached the portal", n)
	}
}

func TestProxy_RewritesTheRequest(t *testing.T) {
	var got *http.Request
	r := newRig(t, func(_ http.ResponseWriter, q *http.Request) { got = q }, func(o *Options) { o.Reader = "left" })
	r.ask("POST", r.k("share?x=1"), "a=b",
		"Origin", "http://127.0.0.1:8100", "Referer", r.Page("share"), "Cookie", "forged=1", "Sec-Fetch-Site", "same-origin",
		device.HeaderDevice, "FORGED", device.HeaderToken, "forged", headerReader, "below", "X-Forwarded-For", "1.2.3.4")
	if got == nil {
		t.Fatal("the portal was not asked")
	}
	own := http.Header{}
	r.Device.Sign(own)
	for name, want := range map[string]string{
		"Origin": r.portal.URL, "Referer": r.portal.URL + "/k/share", "Cookie": "", "X-Forwarded-For": "", "Sec-Fetch-Site": "same-origin",
		device.HeaderDevice: "DEV", device.HeaderToken: own.Get(device.HeaderToken), headerReader: "left",
	} {
		if values := strings.Join(got.Header.Values(name), "|"); values != want {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
	if got.Host != r.Portal.Host || got.URL.RequestURI() != "/k/share?x=1" {
		t.Errorf("asked %s%s", got.Host, got.URL.RequestURI())
	}
	if strings.Contains(got.Referer(), r.token) {
		t.Error("the portal learns the path's token")
	}
}

func TestProxy_NullOriginIsThePortalsOwn(t *testing.T) {
	var origin string
	r := newRig(t, func(_ http.ResponseWriter, q *http.Request) { origin = q.Header.Get("Origin") })
	if got := r.ask("POST", r.k("leave"), "", "Origin", "null", "Sec-Fetch-Site", "same-origin"); got.StatusCode != http.StatusOK || origin != r.portal.URL {
		t.Errorf("status %d, origin %q", got.StatusCode, origin)
	}
	if got := r.ask("POST", r.k("leave"), "", "Origin", "null", "Sec-Fetch-Site", "cross-site"); got.StatusCode != http.StatusForbidden {
		t.Errorf("another site's null: status %d", got.StatusCode)
	}
}

func TestProxy_KeepsCookies(t *testing.T) {
	var cookies []string
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		cookies = append(cookies, q.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "holder", Value: "SECRET", Path: "/k", HttpOnly: true})
		http.SetCookie(w, &http.Cookie{Name: "elsewhere", Value: "SECRET", Path: "/desk"})
	})
	for range 2 {
		got := r.get(r.k("home"))
		for name, values := range got.Header {
			if strings.Contains(strings.Join(values, " "), "SECRET") {
				t.Errorf("the window sees a cookie in %s", name)
			}
		}
	}
	if cookies[0] != "" || cookies[1] != "holder=SECRET" {
		t.Errorf("the portal got %q", cookies)
	}
}

func TestProxy_RewritesLocations(t *testing.T) {
	var location string
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusSeeOther)
	})
	for _, test := range []struct{ location, want string }{
		{"/k/code", "code"}, {"code", "code"}, {"problem?what=unread", "problem?what=unread"}, {"/k/paper?id=A#top", "paper?id=A#top"},
		{r.portal.URL + "/k/home", "home"},
		{"https://evil.example/k/home", ""}, {"//evil.example/k/home", ""}, {"/desk/", ""}, {"../device/state", ""},
		{"/k/../desk/", ""}, {"/k/", ""}, {"javascript:alert(1)", ""}, {"http://user@" + r.Portal.Host + "/k/home", ""},
	} {
		location = test.location
		got := r.get(r.k("leave"))
		switch {
		case test.want != "" && (got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != r.k(test.want)):
			t.Errorf("%q: status %d to %q", test.location, got.StatusCode, got.Header.Get("Location"))
		case test.want == "" && (got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Location") != ""):
			t.Errorf("%q: status %d to %q, want it refused", test.location, got.StatusCode, got.Header.Get("Location"))
		}
	}
}

func TestProxy_KeepsThePolicyAndItsOwnHeaders(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		w.Header().Set(headerScan, "none")
		w.Header().Set(headerSession, "open")
		io.WriteString(w, "<!doctype html><html lang=ar>page")
	})
	got := r.get(r.k("home"))
	if got.Header.Get("Content-Security-Policy") != "default-src 'none'" || text(t, got) != "<!doctype html><html lang=ar>page" {
		t.Error("the page was changed")
	}
	if got.Header.Get(headerScan) != "" || got.Header.Get(headerSession) != "" {
		t.Error("the proxy's headers went on to the window")
	}
	if r.page != (page{"home", "none", "ar"}) {
		t.Errorf("noted %+v", r.page)
	}
}

func TestProxy_TooLargeAForm(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) { io.Copy(io.Discard, q.Body) })
	if got := r.ask("POST", r.k("leave"), strings.Repeat("x", maxBody+1)); got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", got.StatusCode)
	}
}

// atPage lets the window show a page that asks for cards as scan says.
func (r *rig) atPage(name string) {
	r.t.Helper()
	if got := r.get(r.k(name)); got.StatusCode != http.StatusOK {
		r.t.Fatalf("page %s: status %d", name, got.StatusCode)
	}
}

func TestScan(t *testing.T) {
	card := cards.New()
	var posts []string
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			posts = append(posts, q.URL.Path+" "+q.PostFormValue("card"))
			http.Redirect(w, q, "/k/code", http.StatusSeeOther)
			return
		}
		w.Header().Set(headerScan, q.URL.Query().Get("scan"))
		io.WriteString(w, "<!doctype html><html lang=fr>")
	})
	for _, test := range []struct {
		page       string
		kind       reader.Kind
		goes, post string
	}{
		{"rest", reader.Card, "code", "/k/card"},
		{"rest", reader.Unread, "problem?what=unread", ""},
		{"rest", reader.NotCard, "problem?what=notcard", ""},
		{"problem?what=unread", reader.Card, "code", "/k/card"},
		{"home", reader.Card, "", ""},
		{"home", reader.Unread, "", ""},
		{"code", reader.NotCard, "", ""},
		{"home?scan=card", reader.Card, "code", "/k/card"},
		{"enrol?scan=enrol-card", reader.Card, "code", "/k/enrol-card"},
		{"rest?scan=none", reader.Card, "", ""},
		{"rest?scan=../desk", reader.Card, "", ""},
	} {
		posts = nil
		r.atPage(test.page)
		code := reader.Code{Kind: test.kind}
		if test.kind == reader.Card {
			code.Card = card
		}
		if goes := r.Scan(t.Context(), code); goes != test.goes {
			t.Errorf("%s, kind %d: goes to %q, want %q", test.page, test.kind, goes, test.goes)
		}
		want := ""
		if test.post != "" {
			want = test.post + " " + card.Text()
		}
		if got := strings.Join(posts, ","); got != want {
			t.Errorf("%s, kind %d: another post than to %q", test.page, test.kind, test.post)
		}
	}
	if strings.Contains(r.log.String(), card.Text()) {
		t.Error("the log has the card")
	}
}

func TestScan_PortalGone(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!doctype html><html lang=fr>") })
	r.atPage("rest?page=2")
	r.portal.Close()
	if goes := r.Scan(t.Context(), reader.Code{Kind: reader.Card, Card: cards.New()}); goes != "rest?page=2" {
		t.Errorf("goes to %q, want the page it came from, which says so", goes)
	}
}

func TestSession_NeverBackToRest(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost {
			http.SetCookie(w, &http.Cookie{Name: "card", Value: "x", Path: "/k"})
			http.Redirect(w, q, "/k/code", http.StatusSeeOther)
			return
		}
		io.WriteString(w, "<!doctype html><html lang=fr>")
	})
	r.atPage("rest")
	r.atPage("rest")
	if len(r.ended) > 0 {
		t.Fatal("rest before a card ended the session")
	}
	if goes := r.Scan(t.Context(), reader.Code{Kind: reader.Card, Card: cards.New()}); goes != "code" {
		t.Fatal(goes)
	}
	if got := r.get(r.k("rest")); got.StatusCode != http.StatusNoContent {
		t.Errorf("rest after a card: status %d, want 204", got.StatusCode)
	}
	if why := <-r.ended; why != WhyRest || r.closed.Load() == 0 {
		t.Errorf("ended %q, closed %d times", why, r.closed.Load())
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Error("an ended session still answers")
		}
	}()
	r.get(r.k("home"))
}

func TestSession_End(t *testing.T) {
	for _, path := range []string{"/-/end", "/k/-/end"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := newRig(t, func(http.ResponseWriter, *http.Request) {})
			if got := r.ask(method, "/"+r.token+path, ""); got.StatusCode != http.StatusNoContent {
				t.Errorf("%s %s: status %d", method, path, got.StatusCode)
			}
			if why := <-r.ended; why != WhyLeft {
				t.Errorf("ended %q", why)
			}
		}
	}
}

func TestSession_GoodbyeEndsByItself(t *testing.T) {
	for _, test := range []struct{ page, header string }{{"goodbye", ""}, {"home", "ended"}} {
		r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
			if test.header != "" {
				w.Header().Set(headerSession, test.header)
			}
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden) // as for a session that has ended
			io.WriteString(w, "<!doctype html><html lang=fr>")
		}, func(o *Options) { o.Goodbye = time.Millisecond })
		r.get(r.k(test.page))
		if why := <-r.ended; why != WhyLeft {
			t.Errorf("%s: ended %q", test.page, why)
		}
	}
}

func TestSession_Limit(t *testing.T) {
	r := newRig(t, func(http.ResponseWriter, *http.Request) {})
	go r.Watch(t.Context(), time.Nanosecond)
	if len(r.ended) > 0 {
		t.Error("the limit runs before the session begins")
	}
	r.open(false)
	if why := <-r.ended; why != WhyLimit {
		t.Errorf("ended %q", why)
	}
}

func TestOrdinaryBrowser(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!doctype html><html lang=fr>") },
		func(o *Options) { o.Window, o.Alias = false, "localhost:8100" })
	if got := r.get("/"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != r.Page("rest") {
		t.Errorf("/: status %d to another page than rest", got.StatusCode)
	}
	if got := r.get("/", "Host", "localhost:8100"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("localhost: status %d", got.StatusCode)
	}
	if got := r.get("/OLD/k/home"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "http://127.0.0.1:8100/" {
		t.Errorf("a page of the child before: status %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if got := r.ask("POST", "/OLD/k/leave", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("a form of the child before: status %d", got.StatusCode)
	}
	r.Offer("problem?what=unread")
	r.Offer("code")
	var next struct{ Go string }
	got := r.get("/" + r.token + "/-/next")
	if err := json.NewDecoder(got.Body).Decode(&next); err != nil || next.Go != "code" {
		t.Errorf("next: %q, %v", next.Go, err)
	}
	if got := r.get("/" + r.token + "/-/end"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Connection") != "close" {
		t.Errorf("end: status %d, connection %q", got.StatusCode, got.Header.Get("Connection"))
	}
}
