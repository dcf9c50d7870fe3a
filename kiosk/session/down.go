package session

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"

	"consigne/locales"
)

// The page for a portal that is gone, and the goodbye that then takes its place.
// They come from the kiosk itself: nothing else is there.

//go:embed down/*.html
var downPages embed.FS

//go:embed down/style.css
var downStyle []byte

//go:embed down/script.js
var downScript []byte

var downTemplate = template.Must(template.ParseFS(downPages, "down/*.html"))

// downPolicy allows what the page has and nothing else.
const downPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// spoken is a sentence with the address of its voice.
type spoken struct{ Caption, Voice string }

// downData is what the templates show.
type downData struct {
	Lang, Dir, Base, Up          string
	Back, End                    string
	Line, Call                   spoken
	Phone                        string
	Again, CallWord, Leave       string
	QuieterWord, LouderWord      string
	Opened                       bool
	Monitor, Vault, Plugs        template.HTML
	Headset, Ear, Turn, Out      template.HTML
	Quieter, Louder, Lock, Check template.HTML
}

// showDown answers a navigation that the portal did not. The page goes back by
// itself: a page that was asked for is asked for again; a form is not sent twice,
// so after one the page it stood on comes back.
func (p *Proxy) showDown(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	back, language := p.page.name, p.page.language
	p.mu.Unlock()
	// r is what went out to the portal, without the token; or one of our own
	// routes, with it.
	if name, ok := strings.CutPrefix(r.URL.RequestURI(), "/k/"); ok && r.Method != http.MethodPost {
		back = name
	}
	p.render(w, http.StatusServiceUnavailable, "page.html", language, p.Page(back))
}

// down answers what belongs to the page.
func (p *Proxy) down(w http.ResponseWriter, r *http.Request, name string) {
	p.mu.Lock()
	language := p.page.language
	p.mu.Unlock()
	switch name {
	case "style.css":
		send(w, http.StatusOK, "text/css; charset=utf-8", downStyle)
	case "script.js":
		send(w, http.StatusOK, "text/javascript; charset=utf-8", downScript)
	case "voice":
		p.downVoice(w, r.URL.Query().Get("say"), language)
	case "bye":
		time.AfterFunc(p.Goodbye, func() { p.finish(WhyLeft) })
		p.render(w, http.StatusOK, "bye.html", language, p.Page(restPage))
	default:
		refuse(w, http.StatusNotFound)
	}
}

func send(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	w.Write(body)
}

func (p *Proxy) render(w http.ResponseWriter, status int, page, language, back string) {
	l, ok := locales.Get(language)
	if !ok {
		l, _ = locales.Get(locales.Fallback)
	}
	var b bytes.Buffer
	if err := downTemplate.ExecuteTemplate(&b, page, p.downData(l, page, back)); err != nil {
		p.Log.Error("own page", "error", err)
		refuse(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", downPolicy)
	send(w, status, "text/html; charset=utf-8", b.Bytes())
}

func (p *Proxy) downData(l *locales.Locale, page, back string) downData {
	d := downData{
		Lang: l.Tag(), Dir: l.Dir(), Back: back,
		Base: "/" + p.token + "/-/down/", Up: "/" + p.token + "/-/up", End: "/" + p.token + "/-/end",
		Again: l.Text("bar.again", nil), CallWord: l.Text("bar.call", nil), Leave: l.Text("bar.leave", nil),
		QuieterWord: l.Text("bar.quieter", nil), LouderWord: l.Text("bar.louder", nil),
		Opened:  p.opened(),
		Monitor: icon("monitor", "duotone"), Vault: icon("vault", "duotone"), Plugs: icon("plugs", "duotone"),
		Headset: icon("headset", "duotone"), Ear: icon("ear", "bold"), Turn: icon("arrow-counter-clockwise", "bold"),
		Out: icon("sign-out", "bold"), Quieter: icon("speaker-low", "bold"), Louder: icon("speaker-high", "bold"),
		Lock: icon("lock-key", "duotone"), Check: icon("check", "bold"),
	}
	key := "machine.down"
	if page == "bye.html" {
		key = "bye.card"
	}
	d.Line = p.spoken(l, key)
	p.mu.Lock()
	d.Phone = p.phone
	p.mu.Unlock()
	if d.Phone != "" {
		d.Call = p.spoken(l, "call.failed")
		d.Phone = phoneIn.FindString(d.Call.Caption)
	}
	return d
}

// phoneIn finds the number in a caption, as the language writes it.
var phoneIn = regexp.MustCompile(`\+?[0-9][0-9  .]{5,}[0-9]`)

// sentence says one of the few things that the page says.
func (p *Proxy) sentence(l *locales.Locale, key string) (locales.Sentence, bool) {
	switch key {
	case "machine.down", "bye.card":
		return l.Say(key, nil), true
	case "call.failed":
		p.mu.Lock()
		phone := p.phone
		p.mu.Unlock()
		return l.Say(key, locales.Args{"phone": locales.Phone(phone)}), phone != ""
	}
	return locales.Sentence{}, false
}

func (p *Proxy) spoken(l *locales.Locale, key string) spoken {
	s, _ := p.sentence(l, key)
	return spoken{s.Caption, "/" + p.token + "/-/down/voice?say=" + key}
}

func (p *Proxy) downVoice(w http.ResponseWriter, key, language string) {
	l, ok := locales.Get(language)
	if !ok {
		l, _ = locales.Get(locales.Fallback)
	}
	s, ok := p.sentence(l, key)
	if !ok {
		refuse(w, http.StatusNotFound)
		return
	}
	voice, err := locales.Join(s.Clips)
	if err != nil {
		p.Log.Error("no voice for the own page", "key", key)
		refuse(w, http.StatusNotFound)
		return
	}
	send(w, http.StatusOK, "audio/mpeg", voice)
}

// icon gives a picture that is known to be there: a test walks over them.
func icon(name, weight string) template.HTML {
	svg, _ := locales.Icon(name, weight)
	return template.HTML(svg) // our own file
}
