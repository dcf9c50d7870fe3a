package carrier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"consigne/smsd/carrier"
	"consigne/smsd/queue"
)

// simulated is a phone with its page, and webhooks that write down.
type simulated struct {
	phone *carrier.Phone
	page  *httptest.Server
	calls chan string
}

func newSimulated(t *testing.T) *simulated {
	s := &simulated{calls: make(chan string, 100)}
	at := time.Date(2026, 11, 26, 13, 30, 0, 0, time.UTC)
	s.phone = carrier.NewPhone(func() time.Time { return at }, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	s.phone.Pages(mux)
	s.page = httptest.NewServer(mux)
	outer := http.NewServeMux()
	hooks := httptest.NewServer(outer)
	outer.Handle("/", carrier.Webhooks{
		Token: s.phone.Token(), Public: hooks.URL, Inbox: &inbox{}, Log: slog.New(slog.DiscardHandler),
		Watch: func(what, result string) { s.calls <- what + " " + result },
	}.Routes())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.phone.Run(ctx, hooks.URL) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		hooks.Close()
		s.page.Close()
	})
	return s
}

func (s *simulated) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(s.page.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func (s *simulated) deliver(t *testing.T, to, text string) queue.Receipt {
	t.Helper()
	r, err := s.phone.Deliver(t.Context(), queue.Delivery{ID: "m1", Attempt: 1, Ref: "r-" + text, To: to, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"status sent", "status delivered"} {
		if got := <-s.calls; got != want {
			t.Fatalf("call %q, want %q", got, want)
		}
	}
	return r
}

func TestPhone_ShowsMessages(t *testing.T) {
	s := newSimulated(t)
	if _, body := s.get(t, "/"); !strings.Contains(body, "Aucun message") {
		t.Error("an empty phone does not say so")
	}
	r := s.deliver(t, "+33639980001", "Pour vous : https://c.example/l/Zq7Kx2LmPw9TbR4c. <b>&")
	s.deliver(t, "+33639980002", "موعد غدا 14:30")
	res, body := s.get(t, "/")
	for _, want := range []string{
		`data-id="` + r.CarrierID + `"`,
		`<a href="https://c.example/l/Zq7Kx2LmPw9TbR4c" target="_blank" rel="noopener noreferrer">`,
		"&lt;b&gt;&amp;", `<p dir="rtl">موعد غدا 14:30</p>`, `<p dir="ltr">Pour vous`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Index(body, "39980002") > strings.Index(body, "39980001") {
		t.Error("the phone that rang last does not come first")
	}
	policy := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "style=") || strings.Contains(body, "<style") {
		t.Error("the page has inline script or style")
	}
	if res, css := s.get(t, "/phone.css"); res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/css") || css == "" {
		t.Errorf("style: %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	if res, _ := s.get(t, "/other"); res.StatusCode != http.StatusNotFound {
		t.Errorf("another page: %d", res.StatusCode)
	}
}

func TestPhone_Answers(t *testing.T) {
	s := newSimulated(t)
	s.deliver(t, "+33639980001", "Rendez-vous demain.")
	post := func(number, text string, header ...string) int {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, s.page.URL+"/answer", strings.NewReader(url.Values{"number": {number}, "text": {text}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if len(header) == 2 {
			r.Header.Set(header[0], header[1])
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := post("+33639980001", "ARRÊT"); got != http.StatusSeeOther {
		t.Fatalf("answered %d", got)
	}
	if got := <-s.calls; got != "inbound opt-out" {
		t.Errorf("call %q", got)
	}
	if _, body := s.get(t, "/"); !strings.Contains(body, `<li class="answer"`) {
		t.Error("the answer is not shown")
	}
	if got := post("+33639980009", "1"); got != http.StatusNotFound {
		t.Errorf("a phone without messages answered: %d", got)
	}
	if got := post("+33639980001", " "); got != http.StatusBadRequest {
		t.Errorf("an empty answer: %d", got)
	}
	if got := post("+33639980001", strings.Repeat("a", 1601)); got != http.StatusBadRequest {
		t.Errorf("too long an answer: %d", got)
	}
	if got := post("+33639980001", "STOP", "Sec-Fetch-Site", "cross-site"); got != http.StatusForbidden {
		t.Errorf("a form of another site: %d", got)
	}
}

func TestPhone_Find(t *testing.T) {
	s := newSimulated(t)
	r := s.deliver(t, "+33639980001", "a")
	for ref, want := range map[string]int{"r-a": 1, "r-b": 0} { // each attempt by its own reference, whatever it says
		got, err := s.phone.Find(t.Context(), queue.Delivery{Ref: ref, To: "+33639980001", Text: "a"})
		if err != nil || len(got) != want {
			t.Errorf("found %v, %v; want %d", got, err, want)
		}
		if want == 1 && got[0].CarrierID != r.CarrierID {
			t.Error("found another message")
		}
	}
	if err := s.phone.Erase(t.Context(), r.CarrierID); err != nil {
		t.Error(err)
	}
	if _, body := s.get(t, "/"); !strings.Contains(body, r.CarrierID) {
		t.Error("a phone forgot a message because the carrier did")
	}
	for i := range 500 {
		s.deliver(t, "+33639980002", fmt.Sprint("flood ", i))
	}
	if _, err := s.phone.Find(t.Context(), queue.Delivery{Ref: "r-a"}); !errors.Is(err, queue.ErrCannotTell) {
		t.Errorf("found what the phone has dropped: %v", err)
	}
}
