package holder

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// click touches what a selector finds, as a finger would.
func (b *browser) click(selector string) {
	b.t.Helper()
	done(b, chromedp.Click(chromedp.CSS(selector)))
}

func (b *browser) eval(script string) string {
	b.t.Helper()
	return done(b, chromedp.Evaluate[string](script))
}

// until waits for a condition of the page, whatever page it becomes meanwhile.
func (b *browser) until(t *testing.T, what, condition string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	script := "new Promise((done) => setTimeout(() => done(" + condition + "), 50))"
	for ctx.Err() == nil {
		// A page that goes away takes the question with it: ask the next one.
		if got, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise)); err == nil && got {
			return
		}
	}
	t.Fatalf("%s: did not happen", what)
}

const heard = `new Promise((done) => { const v = document.getElementById("voice"); if (v.ended) return done(true); v.addEventListener("ended", () => done(true)); })`

// TestTouch: the page speaks by itself, the first touch speaks, the second acts.
func TestTouch(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	b.become(s.opens(s.speaker("fr")), "")
	b.show(1280, 800, s.server.URL+"/k/home", "")
	if !done(b, chromedp.Evaluate[bool](heard, chromedp.EvalAwaitPromise)) {
		t.Error("the page did not speak")
	}
	b.until(t, "the waves rest", `!document.body.classList.contains("speaking")`)
	b.click(`a[href="papers"]`)
	if got := b.eval(`document.getElementById("line").textContent`); got != "Vos papiers. Pour les ouvrir, touchez encore." {
		t.Errorf("the line after the first touch: %q", got)
	}
	if got := b.eval(`document.querySelectorAll(".said").length + " " + location.pathname`); got != "1 /k/home" {
		t.Errorf("after the first touch: %s", got)
	}
	b.click(`a[href="who"]`)
	if got := b.eval(`document.querySelector(".said").getAttribute("href") + " " + location.pathname`); got != "who /k/home" {
		t.Errorf("another tile does not take the ring: %s", got)
	}
	if got := b.eval(`decodeURIComponent(document.getElementById("voice").src).includes("hear.who") + ""`); got != "true" {
		t.Error("two voices: the touch did not cut the first one")
	}
	b.click(`a[href="papers"]`)
	b.click(`a[href="papers"] .spoken-tick`)
	b.until(t, "the second touch opens", `location.pathname === "/k/papers"`)
}

func TestTouch_Volume(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	b.become(s.visitor(true), "")
	b.show(1280, 800, s.server.URL+"/k/rest", "")
	volume := func() string { return b.eval(`document.getElementById("voice").volume.toFixed(3)`) }
	if got := volume(); got != "0.251" {
		t.Errorf("volume at the start: %s", got)
	}
	for range 4 {
		b.click(`[data-act="louder"]`)
	}
	if got := volume(); got != "1.000" {
		t.Errorf("loudest: %s", got)
	}
	for range 6 {
		b.click(`[data-act="quieter"]`)
	}
	if got := volume() + b.eval(`" " + document.querySelectorAll(".level .on").length`); got != "0.063 1" {
		t.Errorf("quietest: %s", got)
	}
	b.click(`button[value="ar"]`)
	b.until(t, "the language", `document.documentElement.dir === "rtl"`)
	if got := volume(); got != "0.063" {
		t.Errorf("the volume was forgotten between pages: %s", got)
	}
}

// TestTouch_Code touches five pictures, takes one back, and is in.
func TestTouch_Code(t *testing.T) {
	s := newStage(t)
	p := s.speaker("ar")
	v := s.visitor(true)
	v.post("/k/card", url.Values{"card": {p.Card}}, "/k/code")
	b := s.browser()
	b.become(v, "")
	b.show(1280, 720, s.server.URL+"/k/code", "")
	touch := func(name string) { b.click(`.pad:not([hidden]) .key[value="` + name + `"]`) }
	touch(p.Pictures[0])
	b.click(`.pad:not([hidden]) .key`)
	if got := b.eval(`document.querySelectorAll(".dots-code .full").length + " " + document.querySelectorAll(".pad .said").length`); got != "2 0" {
		t.Errorf("after two touches: %s", got)
	}
	b.click(`.correct`)
	for _, name := range p.Pictures[1:] {
		touch(name)
	}
	b.until(t, "the fifth picture opens", `location.pathname === "/k/home"`)
	if got := b.eval(`document.documentElement.lang`); got != "ar" {
		t.Errorf("home speaks %s", got)
	}
}

// TestTouch_Away: nobody touches anything; the page asks, counts, and closes.
func TestTouch_Away(t *testing.T) {
	s := newStage(t, func(o *Options) { o.Idle, o.Countdown = time.Second, 2*time.Second })
	b := s.browser()
	v := s.opens(s.speaker("fr"))
	b.become(v, "")
	b.show(1280, 800, s.server.URL+"/k/papers", "")
	asked := `!document.getElementById("still").hidden`
	b.until(t, "the question", asked)
	if got := b.eval(`document.getElementById("still-line").textContent + document.querySelector("main").inert`); !strings.HasPrefix(got, "Vous êtes encore là") || !strings.HasSuffix(got, "true") {
		t.Errorf("the question: %q", got)
	}
	b.click(`[data-act="here"]`)
	if got := b.eval(`document.getElementById("still").hidden + " " + location.pathname`); got != "true /k/papers" {
		t.Errorf("after the touch: %s", got)
	}
	b.until(t, "the question again", asked)
	b.until(t, "the end", `location.pathname === "/k/goodbye"`)
	if a := v.get("/k/home"); a.StatusCode != 403 {
		t.Errorf("the vault is still open: %d", a.StatusCode)
	}
}

// TestTouch_Enrol: the rest screen goes where an enrolment waits.
func TestTouch_Enrol(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	b.become(s.visitor(true), "")
	b.show(1280, 800, s.server.URL+"/k/rest", "")
	s.waits(t, "fr")
	b.until(t, "the kiosk's own page", `location.pathname === "/-/enrol"`)
}
