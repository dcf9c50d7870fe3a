package holder

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestScreens_Answer measures how one is asked at the kiosk, and what follows.
func TestScreens_Answer(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	for _, lang := range []string{"fr", "ar"} {
		v := s.opens(s.speaker(lang))
		b.become(v, lang)
		page := "/k/" + hrefs(v.page("/k/appointments"), "appointment?id=")[0]
		_, id, _ := strings.Cut(page, "id=")
		b.look(t, lang+"-asked", page, "")
		b.look(t, lang+"-asked-yes-spoken", page, `document.querySelector(".yes").click()`)
		b.look(t, lang+"-asked-no-spoken", page, `document.querySelector(".comes .no").click()`)
		for _, what := range []string{"yes", "no"} {
			v.post("/k/answer", url.Values{"id": {id}, "say": {what}}, "/k/answered")
			b.look(t, lang+"-asked-after-"+what, page, "")
			b.look(t, lang+"-answered-"+what, "/k/answered?id="+id, "")
		}
	}
}

// TestScreens_Number measures what a phone that does not answer any more leads to.
func TestScreens_Number(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	for _, lang := range []string{"ar", "fr"} {
		s.sicken(t, lang)
		b.become(s.opens(s.speaker(lang)), lang)
		for _, x := range []screen{{"home-sick", "/k/home", ""}, {"home-sick-spoken", "/k/home", `[...document.querySelectorAll(".tile")].pop().click()`},
			{"appointments-sick", "/k/appointments", ""}, {"appointments-sick-spoken", "/k/appointments", `document.querySelector(".number-way").click()`},
			{"number", "/k/number", ""}, {"number-yes-spoken", "/k/number", `document.querySelector(".yes").click()`},
			{"number-no-spoken", "/k/number", `document.querySelector(".wide-left").click()`},
			{"number-confirmed", "/k/number-confirmed", ""}, {"number-changed", "/k/number-changed", ""},
			{"problem-sick-inside", "/k/problem?what=sick", ""}, {"problem-enough-inside", "/k/problem?what=enough", ""}} {
			b.look(t, lang+"-"+x.name, x.path, x.before)
		}
	}
}

// TestScreens_Stopped measures how messages that were stopped are had again.
func TestScreens_Stopped(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	for _, lang := range []string{"ar", "fr"} {
		path := s.reminded(t, lang)
		phone := s.visitor(false)
		phone.page(path)
		phone.post(path, sure("stop"), path)
		v := s.opens(s.speaker(lang))
		b.become(v, lang)
		for _, x := range []screen{{"home-stopped", "/k/home", ""}, {"home-stopped-spoken", "/k/home", `[...document.querySelectorAll(".tile")].pop().click()`},
			{"appointments-stopped-spoken", "/k/appointments", `document.querySelector(".number-way").click()`},
			{"resume", "/k/number", ""}, {"number-resumed", "/k/number-resumed", ""}, {"problem-no-messages-inside", "/k/problem?what=no-messages", ""}} {
			b.look(t, lang+"-"+x.name, x.path, x.before)
		}
		v.post("/k/answer", url.Values{"id": {strings.TrimPrefix(hrefs(v.page("/k/appointments"), "appointment?id=")[0], "appointment?id=")}, "say": {"no"}}, "/k/answered?id=")
		b.look(t, lang+"-who-answered", "/k/who", "")
	}
}

// TestScreens_Ask measures the pages of an appointment's link at a small phone's
// width, and weighs them.
func TestScreens_Ask(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	for _, lang := range []string{"ar", "fr"} {
		path := s.reminded(t, lang)
		phone := s.visitor(false)
		look := func(name string, words bool) {
			t.Helper()
			if got := phone.onTheWire(t, path); got > 14336 {
				t.Errorf("%s: %d bytes on the wire", name, got)
			}
			b.become(s.visitor(false), "")
			at, err := url.Parse(s.server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			b.cookie(at, phone.client.Jar.Cookies(at))
			b.show(360, 640, s.server.URL+path, "")
			if words {
				b.measureWords(t, "phone-"+lang+"-"+name)
				return
			}
			b.measure(t, "phone-"+lang+"-"+name, 80, 14, true)
		}
		look("ask", false)
		for _, end := range []string{"not-me", "stop"} {
			done(b, chromedp.Evaluate[bool](`(document.querySelector('button[value="`+end+`"]').click(), true)`))
			b.until(t, "the question", `document.querySelector('input[name="sure"]') !== null`)
			b.measure(t, "phone-"+lang+"-sure-"+end, 80, 14, true)
			done(b, chromedp.Evaluate[bool](`(document.querySelector('form[method="get"] button').click(), true)`))
			b.until(t, "the way back", `document.querySelector('button[value="yes"]') !== null`)
		}
		phone.post(path, say("yes"), path)
		look("answered-yes", false)
		phone.post(path, say("no"), path)
		look("answered-no", false)
		phone.post(path, sure("not-me"), path)
		look("answered-not-me", true)
		s.pass(11 * time.Minute)
		look("answered-over", true)
	}
}
