package web_test

import (
	"bytes"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-chi/chi/v5"

	"consigne/portal/web"
)

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

const frame = `{{define "frame"}}<p>{{template "main" .}}</p>{{end}}`

func TestNewRenderer_Refuses(t *testing.T) {
	for name, c := range map[string]struct {
		files fstest.MapFS
		pages []string
	}{
		"page without a file":  {files("parts/frame.html", frame), []string{"home"}},
		"file without a page":  {files("parts/frame.html", frame, "home.html", "x", "lost.html", "x"), []string{"home"}},
		"no parts":             {files("home.html", "x"), []string{"home"}},
		"part that is no page": {files("parts/frame.html", "{{define", "home.html", "x"), []string{"home"}},
		"page that is no page": {files("parts/frame.html", frame, "home.html", "{{if}}"), []string{"home"}},
		"function that is not": {files("parts/frame.html", frame, "home.html", "{{nothing}}"), []string{"home"}},
	} {
		if _, err := web.NewRenderer(c.files, c.pages, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func newRenderer(t *testing.T) *web.Renderer {
	t.Helper()
	r, err := web.NewRenderer(files(
		"parts/frame.html", frame,
		"a.html", `{{template "frame" .}}{{define "main"}}a {{.Name}}{{end}}`,
		"b.html", `{{template "frame" .}}{{define "main"}}b {{upper .Name}}{{end}}`,
	), []string{"a", "b"}, template.FuncMap{"upper": strings.ToUpper})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRender(t *testing.T) {
	r := newRenderer(t)
	for _, c := range []struct {
		method, page string
		data         any
		status       int
		body         string
	}{
		{"GET", "a", map[string]string{"Name": "<x>"}, 418, "<p>a &lt;x&gt;</p>"},
		{"GET", "b", map[string]string{"Name": "y"}, 200, "<p>b Y</p>"},
		{"HEAD", "a", map[string]string{"Name": "x"}, 200, ""},
		{"GET", "a", struct{ Other string }{}, 500, "Internal Server Error\n"},
		{"GET", "a", map[string]string{}, 500, "Internal Server Error\n"},
		{"GET", "c", nil, 500, "Internal Server Error\n"},
	} {
		w := httptest.NewRecorder()
		want := c.status
		if want == 500 {
			c.status = 200
		}
		r.Render(w, httptest.NewRequest(c.method, "/", nil), c.status, c.page, c.data)
		if w.Code != want || w.Body.String() != c.body {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.page, w.Code, w.Body, want, c.body)
		}
	}
}

func TestStatic(t *testing.T) {
	css := strings.Repeat("body { color: #16223A }\n", 50)
	handler, url := web.Static(files("a.css", css, "tiny.svg", "<svg/>"))
	address := url("a.css")
	if !strings.HasPrefix(address, "static/a.") || address == "static/a.css" {
		t.Fatalf("address %q has no hash", address)
	}
	get := func(method, path, encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/"+strings.TrimPrefix(path, "static/"), nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	if w := get("GET", address, ""); w.Body.String() != css || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("plain: %d bytes, %v", w.Body.Len(), w.Header())
	}
	if w := get("GET", address, "gzip, br"); w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() >= len(css)/2 {
		t.Errorf("gzip: %d bytes, %v", w.Body.Len(), w.Header())
	}
	if w := get("GET", url("tiny.svg"), "gzip"); w.Body.String() != "<svg/>" {
		t.Errorf("tiny: %q", w.Body)
	}
	if w := get("HEAD", address, ""); w.Body.Len() != 0 || w.Code != 200 {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
	for path, want := range map[string]int{"a.css": 404, "../a.css": 404, "": 404} {
		if w := get("GET", path, ""); w.Code != want {
			t.Errorf("%q: %d, want %d", path, w.Code, want)
		}
	}
	if w := get("POST", address, ""); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
	for name, f := range map[string]func(){
		"unknown name": func() { url("b.css") },
		"unknown type": func() { web.Static(files("a.nothing-known", "x")) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestSecure(t *testing.T) {
	for _, c := range []struct {
		policy     web.Policy
		host       string
		has, lacks []string
		hsts       bool
	}{
		{web.Policy{}, "127.0.0.1:8080", []string{"default-src 'none'", "form-action 'self'"}, []string{"script-src", "media-src", "unsafe"}, false},
		{web.Policy{Script: true, Media: true}, "consigne.example", []string{"script-src 'self'", "media-src 'self'", "connect-src 'self'"}, []string{"unsafe"}, true},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = c.host
		web.Secure(c.policy)(http.NotFoundHandler()).ServeHTTP(w, r)
		csp := w.Header().Get("Content-Security-Policy")
		for _, rule := range c.has {
			if !strings.Contains(csp, rule) {
				t.Errorf("%q lacks %q", csp, rule)
			}
		}
		for _, rule := range c.lacks {
			if strings.Contains(csp, rule) {
				t.Errorf("%q has %q", csp, rule)
			}
		}
		if got := w.Header().Get("Strict-Transport-Security") != ""; got != c.hsts {
			t.Errorf("%s: strict transport %t", c.host, got)
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

func TestCookie(t *testing.T) {
	for host, secure := range map[string]bool{
		"127.0.0.1:8080": false, "localhost": false, "[::1]:80": false, "::1": false, "127.8.8.8": false,
		"consigne.example": true, "10.0.0.1:80": true, "localhost.example:80": true, "": true,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		c := web.Cookie(r, "a", "b", "/k", time.Minute)
		if c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/k" || c.MaxAge != 60 {
			t.Errorf("%s: %+v", host, c)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	if c := web.Cookie(r, "a", "", "/", -time.Millisecond); c.MaxAge != -1 {
		t.Errorf("a deleted cookie lives for %d", c.MaxAge)
	}
	if got := web.CookieValue(r, "a"); got != "" {
		t.Errorf("a cookie that is not there: %q", got)
	}
}

func TestClientAddress(t *testing.T) {
	find := web.ClientAddress([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.7", "192.0.2.1"}, // not a proxy of ours
		{"10.0.0.1:5", "198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:5", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"},
		{"10.0.0.1:5", "198.51.100.7, nonsense", "10.0.0.1"},
		{"10.0.0.1:5", "", "10.0.0.1"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := find(r).String(); got != c.want {
			t.Errorf("%s via %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "@"
	if find(r).IsValid() {
		t.Error("an address out of nothing")
	}
}

// TestLog: neither path nor query, and of a panic neither value nor arguments.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	r := chi.NewRouter()
	r.Use(web.Log, web.Recover, web.LimitBody(4))
	r.Get("/l/{letters}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") })
	r.Post("/panic/{x}", func(_ http.ResponseWriter, r *http.Request) { panic("secret " + r.URL.Path) })
	r.Post("/body", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	do := func(method, path, body string) int {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code
	}
	if got := do("GET", "/l/SECRETLETTERS?q=SECRETQUERY", ""); got != 200 {
		t.Errorf("GET: %d", got)
	}
	if got := do("POST", "/panic/SECRETPATH", ""); got != 500 {
		t.Errorf("panic: %d", got)
	}
	if got := do("GET", "/SECRETNOWHERE", ""); got != 404 {
		t.Errorf("nowhere: %d", got)
	}
	do("SECRETMETHOD", "/l/x", "")
	if got := do("POST", "/body", "12345"); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body too long: %d", got)
	}
	if got := do("POST", "/body", "1234"); got != 200 {
		t.Errorf("a body that fits: %d", got)
	}
	text := log.String()
	if strings.Contains(strings.ToLower(text), "secret") {
		t.Errorf("the log holds what it must not: %s", text)
	}
	for _, want := range []string{`"route":"/l/{letters}","status":200`, `"route":"/panic/{x}","status":500`, `"type":"string"`, "web_test.TestLog", `"route":"-","status":404`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}

func TestRecover_Abort(t *testing.T) {
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("a cut connection was not passed on")
		}
	}()
	web.Recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}
