package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// standIn stands for the portal: pages that report back what the window is like,
// and the routes of a kiosk's enrolment.
type standIn struct {
	*httptest.Server
	t       *testing.T
	reports chan report // what pages posted
	mu      sync.Mutex
	cards   []string
}

// report is what a page says about the window it is in.
type report struct {
	Page, Cookie  string
	Width, Height int
	Ended         bool
}

const standInPage = `<!doctype html><html lang="%[2]s" dir="ltr"><head><meta charset="utf-8"><title>%[1]s</title>
<link rel="stylesheet" href="static/page.css"><script src="static/page.js" defer></script></head>
<body data-page="%[1]s"><h1>%[1]s</h1><a href="https://example.org/">out</a><a href="goodbye">bye</a>
<audio id="a" src="static/clip.wav"></audio></body></html>`

const standInScript = `const a = document.getElementById("a");
const post = (ended) => fetch("report", {method: "POST", body: JSON.stringify({Page: document.body.dataset.page,
  Cookie: document.cookie, Width: innerWidth, Height: innerHeight, Ended: ended})});
a.addEventListener("ended", () => post(true));
if (sessionStorage.getItem("seen") === null) sessionStorage.setItem("seen", "1");
a.play().then(() => post(false), () => post(false));
addEventListener("click", () => { location.href = "https://example.org/"; });
if (document.body.dataset.page === "goodbye") location.replace("-/end");`

const standInStyle = `html{background:#FAF6EE}body{margin:0;height:100vh;border:12px solid #9C1420;box-sizing:border-box}`

func newStandIn(t *testing.T) *standIn {
	t.Helper()
	s := &standIn{t: t, reports: make(chan report, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /device/enrol", s.enrol)
	mux.HandleFunc("GET /device/state", s.state)
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /k/report", s.report)
	mux.HandleFunc("POST /k/card", s.card)
	mux.HandleFunc("GET /k/{page}", s.page)
	for name, file := range map[string]struct{ kind, text string }{
		"page.js":  {"text/javascript", standInScript},
		"page.css": {"text/css", standInStyle},
		"clip.wav": {"audio/wav", string(tone())},
	} {
		mux.HandleFunc("GET /k/static/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			io.WriteString(w, file.text)
		})
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'self'")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, standInPage, r.PathValue("page"), "fr")
}

func (s *standIn) card(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.cards = append(s.cards, r.PostFormValue("card"))
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "card", Value: "secret", Path: "/k", HttpOnly: true})
	http.Redirect(w, r, "/k/code", http.StatusSeeOther)
}

func (s *standIn) report(_ http.ResponseWriter, r *http.Request) {
	var got report
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		s.t.Errorf("a page's report: %v", err)
	}
	s.reports <- got
}

func (s *standIn) enrol(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Code, Name, Token string
		Public            []byte
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	if err != nil || asked.Code != "12345678" || len(asked.Token) != 64 || len(asked.Public) == 0 {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"id": "DEVICE", "relay": "RELAY"})
}

func (s *standIn) state(w http.ResponseWriter, _ *http.Request) {
	json.NewEncoder(w).Encode(map[string]any{"enrolments": []int{}, "phone": "+33199001234"})
}

// wait gives the first report that fits, within the test's own time.
func (s *standIn) wait(what string, fits func(report) bool) report {
	s.t.Helper()
	for {
		select {
		case got := <-s.reports:
			if fits(got) {
				return got
			}
		case <-s.t.Context().Done():
			s.t.Fatalf("no report of %s", what)
		case <-patience():
			s.t.Fatalf("no report of %s", what)
		}
	}
}

// tone is 0.3 s of a sine as a WAV file.
func tone() []byte {
	const rate, samples = 16000, 4800
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, 36+2*samples)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	for _, v := range []uint16{1, 1} { // PCM, one channel
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	for _, v := range []uint32{rate, 2 * rate} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, v := range []uint16{2, 16} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, 2*samples)
	for i := range samples {
		v := int16(12000 * math.Sin(2*math.Pi*440*float64(i)/rate))
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}
