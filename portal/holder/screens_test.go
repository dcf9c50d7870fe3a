package holder

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "embed"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"consigne/portal/demo"
)

//go:embed testdata/measure.js
var measureScript string

// screensFolder, when set, gets a PNG of every screen that is measured.
const screensFolder = "CONSIGNE_SCREENS"

// browser is a real Chromium in the place of the kiosk's window.
type browser struct {
	*stage
	ctx context.Context
}

func (s *stage) browser() *browser {
	s.t.Helper()
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(s.t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.WSURLReadTimeout(2*time.Minute))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, cancel := chromedp.NewContext(alloc)
	s.t.Cleanup(func() { cancel(); stop() })
	if err := chromedp.Do(ctx); err != nil { // the first call starts it, and may take its time
		s.t.Fatal(err)
	}
	return &browser{stage: s, ctx: ctx}
}

// done runs one step of the browser, which has to succeed.
func done[T any](b *browser, step chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute)
	defer cancel()
	got, err := chromedp.Run(ctx, step)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// asked is a step that sends one command of the browser's protocol.
func asked[P, R any](command cdp.Command[P, R], params P) chromedp.Action[R] {
	return func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, command, params) }
}

// become gives the browser a visitor's headers and cookies, and no others.
func (b *browser) become(v *visitor, lang string) {
	b.t.Helper()
	headers := network.Headers{}
	if v.kiosk {
		headers["Consigne-Device"], headers["Consigne-Token"] = v.device.ID, hex.EncodeToString(v.token)
	}
	done(b, asked(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers}))
	done(b, asked(network.ClearBrowserCookies, cdp.Empty{}))
	at, err := url.Parse(v.server.URL + "/k/")
	if err != nil {
		b.t.Fatal(err)
	}
	cookies := v.client.Jar.Cookies(at)
	if lang != "" {
		cookies = append(cookies, &http.Cookie{Name: cookieLang, Value: lang})
	}
	b.cookie(at, cookies)
}

func (b *browser) cookie(at *url.URL, cookies []*http.Cookie) {
	b.t.Helper()
	for _, c := range cookies {
		done(b, asked(network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: at.String()}))
	}
}

// look opens a page at both heights of a kiosk and measures it.
func (b *browser) look(t *testing.T, name, path, before string) {
	t.Helper()
	b.show(1280, 800, b.server.URL+path, before)
	for _, height := range []int64{800, 720} {
		done(b, chromedp.EmulateViewport(1280, height))
		b.measure(t, fmt.Sprintf("%s-%d", name, height), 80, 14, false)
	}
}

func (b *browser) show(width, height int64, address, before string) {
	b.t.Helper()
	done(b, chromedp.EmulateViewport(width, height))
	done(b, chromedp.Navigate(address))
	done(b, chromedp.Evaluate[bool]("document.fonts.ready.then(() => true)", chromedp.EvalAwaitPromise))
	if before != "" {
		done(b, chromedp.Evaluate[chromedp.Void](before))
	}
}

// measureWords measures a page that has nothing to touch.
func (b *browser) measureWords(t *testing.T, name string) {
	t.Helper()
	b.faults(t, name, 80, 14, true, "nothing to touch: the page was not shown")
}

func (b *browser) measure(t *testing.T, name string, minimum, gap int, scrolls bool) {
	t.Helper()
	b.faults(t, name, minimum, gap, scrolls, "")
}

func (b *browser) faults(t *testing.T, name string, minimum, gap int, scrolls bool, allowed string) {
	t.Helper()
	script := measureScript[strings.Index(measureScript, "(minimum"):]
	script = strings.TrimSuffix(strings.TrimSpace(script), ";")
	for _, fault := range done(b, chromedp.Evaluate[[]string](fmt.Sprintf("(%s)(%d, %d, %t)", script, minimum, gap, scrolls))) {
		if fault != allowed {
			t.Errorf("%s: %s", name, fault)
		}
	}
	folder := os.Getenv(screensFolder)
	if folder == "" {
		return
	}
	png := done(b, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// screen is a page to be looked at: where it is, and what is touched first.
type screen struct{ name, path, before string }

const touchFirst = `document.querySelector("main [data-voice]").click()`

// TestScreens_Rest measures what stands before a card is shown.
func TestScreens_Rest(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	for _, lang := range []string{"fr", "ar"} {
		b.become(s.visitor(true), lang)
		list := []screen{{"rest", "/k/rest", ""}, {"wrong", "/k/wrong?left=3", ""}, {"goodbye", "/k/goodbye", ""},
			{"refused", "/k/goodbye?what=refused", ""}, {"ended", "/k/ended", ""}, {"called-none", "/k/called", ""}}
		for _, trouble := range troubles {
			list = append(list, screen{"problem-" + trouble.name, "/k/problem?what=" + trouble.name, ""})
		}
		for _, x := range list {
			b.look(t, lang+"-"+x.name, x.path, x.before)
		}
		v := s.visitor(true)
		v.post("/k/card", url.Values{"card": {s.speaker(lang).Card}}, "/k/code")
		b.become(v, "")
		b.look(t, lang+"-code", "/k/code", `document.querySelector(".pad:not([hidden]) .key").click();document.querySelector(".pad:not([hidden]) .key").click()`)
		b.calls(t, lang)
	}
}

func (s *stage) speaker(lang string) demo.Person {
	s.t.Helper()
	for _, p := range s.people {
		if p.Lang == lang {
			return p
		}
	}
	s.t.Fatalf("nobody speaks %s", lang)
	return demo.Person{}
}

// calls measures the four states of a call.
func (b *browser) calls(t *testing.T, lang string) {
	t.Helper()
	v := b.visitor(true)
	b.become(v, lang)
	v.post("/k/call", url.Values{}, "/k/called")
	b.look(t, lang+"-called-waiting", "/k/called", "")
	b.mark(t, "seen")
	b.look(t, lang+"-called-seen", "/k/called", "")
	b.pass(lateAfter)
	b.look(t, lang+"-called-late", "/k/called", "")
	b.mark(t, "answered")
	b.look(t, lang+"-called-answered", "/k/called", "")
	v.post("/k/leave", url.Values{}, "/k/goodbye")
}

// TestScreens_Vault measures an open vault.
func TestScreens_Vault(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	for _, lang := range []string{"fr", "ar"} {
		p := s.speaker(lang)
		v := s.opens(p)
		b.become(v, lang)
		for _, x := range s.vaultScreens(v, p) {
			b.look(t, lang+"-"+x.name, x.path, x.before)
		}
	}
}

func (s *stage) vaultScreens(v *visitor, p demo.Person) []screen {
	relays, err := s.vault.Relays(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	relay := s.relayNamed(relays, "CCAS quartier Gare").ID
	list := []screen{{"home", "/k/home", ""}, {"home-spoken", "/k/home", touchFirst},
		{"home-spoken-tile", "/k/home", `document.querySelector(".tile").click()`},
		{"home-idle", "/k/home", `document.getElementById("still").hidden=false;document.body.classList.add("away");document.querySelector("main").inert=true`},
		{"home-busy", "/k/home", `document.body.classList.add("busy")`},
		{"papers", "/k/papers", ""}, {"papers-spoken", "/k/papers", touchFirst},
		{"who", "/k/who", ""}, {"who-spoken", "/k/who", touchFirst}, {"who-stop-spoken", "/k/who", `document.querySelector(".stop").click()`},
		{"relay", "/k/relay?relay=" + relay, ""},
		{"stop", "/k/stop?relay=" + relay, ""}, {"stopped", "/k/stopped?relay=" + relay, ""}, {"appointments", "/k/appointments", ""},
		{"welcome", "/k/welcome", ""}}
	for _, d := range p.Documents {
		list = append(list, screen{"paper-" + d.Kind, "/k/paper?id=" + d.ID, ""})
	}
	id := p.Documents[0].ID
	who := "id=" + id + "&relay=" + relay
	list = append(list, screen{"paper-spoken", "/k/paper?id=" + id, touchFirst}, screen{"enlarge", "/k/enlarge?part=2&id=" + id, ""},
		screen{"share", "/k/share?id=" + id, ""}, screen{"share-spoken", "/k/share?id=" + id, touchFirst}, screen{"term", "/k/term?" + who, ""},
		screen{"term-spoken", "/k/term?" + who, `document.querySelectorAll(".tile")[1].click()`},
		screen{"shared", "/k/shared?" + who, ""}, screen{"sent", "/k/sent?id=" + id, ""})
	for _, term := range terms {
		list = append(list, screen{"confirm-" + term.name, "/k/confirm?" + who + "&term=" + term.name, ""})
	}
	list = append(list, screen{"confirm-spoken", "/k/confirm?" + who + "&term=nights", `document.querySelector(".yes").click()`})
	for i, href := range hrefs(v.page("/k/appointments"), "appointment?id=") {
		list = append(list, screen{fmt.Sprintf("appointment-%d", i+1), "/k/" + href, ""})
	}
	return list
}

// hrefs finds the addresses of a page that begin with prefix.
func hrefs(page, prefix string) []string {
	var out []string
	for _, part := range strings.Split(page, `href="`)[1:] {
		if address, _, _ := strings.Cut(part, `"`); strings.HasPrefix(address, prefix) {
			out = append(out, address)
		}
	}
	return out
}

// mark does what a desk does to the kiosk's call.
func (s *stage) mark(t *testing.T, what string) {
	t.Helper()
	m := s.member(t, "Les Tilleuls")
	calls, err := m.Calls(t.Context())
	if err != nil || len(calls) != 1 {
		t.Fatalf("calls at the desk: %d, %v", len(calls), err)
	}
	if what == "answered" {
		if err := m.AnswerCall(t.Context(), calls[0].ID); err != nil {
			t.Fatal(err)
		}
	}
}
