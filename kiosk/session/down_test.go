package session

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"consigne/locales"
)

// gone is a rig whose portal showed a page in a language and then went.
func gone(t *testing.T, language string, change ...func(*Options)) *rig {
	t.Helper()
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/device/state" {
			io.WriteString(w, `{"phone":"+33199001234"}`)
			return
		}
		io.WriteString(w, `<!doctype html><html lang="`+language+`" dir="auto">`)
	}, change...)
	if err := r.Learn(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.atPage("papers?page=2")
	r.portal.Close()
	return r
}

func TestDown_SpeaksThePersonsLanguage(t *testing.T) {
	for _, tag := range []string{"fr", "ar"} {
		t.Run(tag, func(t *testing.T) {
			r := gone(t, tag)
			l := locales.Must(tag)
			got := r.get(r.k("home"))
			body := text(t, got)
			if got.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("status %d", got.StatusCode)
			}
			for _, want := range []string{
				`<html lang="` + tag + `" dir="` + l.Dir() + `">`,
				l.Text("machine.down", nil), l.Text("bar.call", nil), l.Text("bar.again", nil),
				`data-back="` + r.Page("home") + `"`,
			} {
				if !strings.Contains(body, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			if n := strings.Count(body, "<svg"); n < 10 {
				t.Errorf("%d pictures on the page, want all of them", n)
			}
			if strings.Contains(body, l.Text("bar.leave", nil)) {
				t.Error("the page offers to leave where nobody came")
			}
			if policy := got.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("policy %q", policy)
			}
		})
	}
}

func TestDown_Voice(t *testing.T) {
	for _, tag := range []string{"fr", "ar"} {
		r := gone(t, tag)
		for _, key := range []string{"machine.down", "call.failed", "bye.card"} {
			got := r.get("/" + r.token + "/-/down/voice?say=" + key)
			s, ok := r.sentence(locales.Must(tag), key)
			want, err := locales.Join(s.Clips)
			if !ok || err != nil {
				t.Fatalf("%s in %s: %v, %v", key, tag, ok, err)
			}
			if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "audio/mpeg" || text(t, got) != string(want) {
				t.Errorf("%s in %s: status %d", key, tag, got.StatusCode)
			}
		}
		if got := r.get("/" + r.token + "/-/down/voice?say=enrol.consent"); got.StatusCode != http.StatusNotFound {
			t.Errorf("another sentence: status %d", got.StatusCode)
		}
	}
}

func TestDown_SaysTheRelaysNumber(t *testing.T) {
	r := gone(t, "fr")
	body := text(t, r.get(r.k("home")))
	if !strings.Contains(body, "01 99 00 12 34") {
		t.Error("the page does not know the relay's number")
	}
}

func TestDown_NothingIsLost(t *testing.T) {
	r := gone(t, "fr")
	r.open(false)
	for _, test := range []struct{ method, asked, back string }{
		{"GET", "paper?id=A", "paper?id=A"},
		{"POST", "share", "papers?page=2"}, // a form is not sent twice
	} {
		body := text(t, r.ask(test.method, r.k(test.asked), ""))
		if !strings.Contains(body, `data-back="`+r.Page(test.back)+`"`) {
			t.Errorf("%s %s does not go back to %s", test.method, test.asked, test.back)
		}
		if !strings.Contains(body, locales.Must("fr").Text("bar.leave", nil)) {
			t.Error("an open session cannot be left")
		}
	}
	if len(r.ended) > 0 {
		t.Error("the session ended")
	}
}

func TestDown_SubRequestsGetNoPage(t *testing.T) {
	r := gone(t, "fr")
	for _, headers := range [][]string{
		{"Sec-Fetch-Dest", "empty"}, {"Sec-Fetch-Dest", "audio"}, {"Accept", "*/*"},
	} {
		if got := r.get(r.k("state"), headers...); got.StatusCode != http.StatusBadGateway || text(t, got) != "" {
			t.Errorf("%v: status %d", headers, got.StatusCode)
		}
	}
}

func TestDown_StandIns(t *testing.T) {
	status, policy := 0, ""
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		w.WriteHeader(status)
		io.WriteString(w, "<html><body>nginx")
	})
	for _, test := range []struct {
		status int
		policy string
		ours   bool
	}{
		{502, "", true}, {504, "", true}, {503, "", true}, {502, "default-src 'self'", true},
		{503, "default-src 'self'", false}, {500, "default-src 'self'", false}, {404, "default-src 'self'", false},
	} {
		status, policy = test.status, test.policy
		body := text(t, r.get(r.k("home")))
		if ours := !strings.Contains(body, "nginx"); ours != test.ours {
			t.Errorf("%d with policy %q: our page %v, want %v", test.status, test.policy, ours, test.ours)
		}
	}
}

func TestDown_DeviceNotKnown(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not an enrolled kiosk", http.StatusForbidden)
	})
	got := r.get(r.k("rest"))
	if body := text(t, got); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "enrolled") {
		t.Errorf("status %d: people see words for programs", got.StatusCode)
	}
}

func TestDown_ComesBack(t *testing.T) {
	r := gone(t, "fr")
	if got := r.get("/" + r.token + "/-/up"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while it is gone: %d", got.StatusCode)
	}
	back := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/healthz" {
			t.Errorf("asked %s", q.URL.Path)
		}
	}))
	defer back.Close()
	r.Portal, _ = url.Parse(back.URL)
	if got := r.get("/" + r.token + "/-/up"); got.StatusCode != http.StatusNoContent {
		t.Errorf("when it is back: %d", got.StatusCode)
	}
}

func TestDown_Bye(t *testing.T) {
	r := gone(t, "ar", func(o *Options) { o.Goodbye = time.Millisecond })
	body := text(t, r.get("/"+r.token+"/-/down/bye"))
	if !strings.Contains(body, locales.Must("ar").Text("bye.card", nil)) || !strings.Contains(body, `data-end="/`+r.token+`/-/end"`) {
		t.Error("no goodbye")
	}
	if why := <-r.ended; why != WhyLeft {
		t.Errorf("ended %q", why)
	}
}

func TestDown_UnknownLanguageIsFrench(t *testing.T) {
	r := gone(t, "tlh")
	if body := text(t, r.get(r.k("home"))); !strings.Contains(body, locales.Must("fr").Text("machine.down", nil)) {
		t.Error("not French")
	}
}
