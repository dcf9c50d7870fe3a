package session

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"consigne/kiosk/device"
	"consigne/locales"
)

// Reasons for which a session ends, as they stand in the log.
const (
	WhyLeft   = "left"   // the person left, or the goodbye page was over
	WhyRest   = "rest"   // the rest screen came back
	WhyLimit  = "limit"  // open for too long
	WhyAsked  = "asked"  // the supervisor said so
	WhyWindow = "window" // the window's process crashed
)

// restPage is the first page of every child.
const restPage = "rest"

// DefaultGoodbye is more than twice the time in which the goodbye is said and
// the page itself ends the session.
const DefaultGoodbye = 20 * time.Second

// maxBody is more than any form at the kiosk; there are no uploads here.
const maxBody = 1 << 20

// Options make a proxy.
type Options struct {
	Portal *url.URL
	Device device.Device
	Host   string // the only Host that is answered: "127.0.0.1:PORT"
	Alias  string // a second one, "" for none
	Window bool   // without one, "/" leads to the rest screen
	Reader string // where the scanner is: "right", "left" or "below" the screen, "" for not said
	// Close stops accepting connections; it is called before the answer that
	// sends an ordinary browser to the next child.
	Close func()
	// Ended is called once, when the session is over.
	Ended func(why string)
	// Goodbye is how long the last page may stay, 0 for DefaultGoodbye.
	Goodbye time.Duration
	Log     *slog.Logger
}

// Proxy answers one window. Make one with New.
type Proxy struct {
	Options
	token     string
	jar       http.CookieJar
	client    *http.Client // follows no redirect
	reverse   *httputil.ReverseProxy
	next      chan string
	active    chan struct{} // closed when the person sees this child
	activate  sync.Once
	begun     chan struct{} // closed when a card was accepted or an enrolment opened
	begin     sync.Once
	over      atomic.Bool // nothing is answered any more
	finishing sync.Once

	mu        sync.Mutex
	page      page
	enrolling bool   // the session is somebody's first
	phone     string // the relay's number, "" while the portal has not said it
}

// New makes a proxy for one child.
func New(o Options) *Proxy {
	jar, _ := cookiejar.New(nil) // never fails without options
	if o.Goodbye == 0 {
		o.Goodbye = DefaultGoodbye
	}
	p := &Proxy{
		Options: o,
		token:   rand.Text(),
		jar:     jar,
		next:    make(chan string, 1),
		active:  make(chan struct{}),
		begun:   make(chan struct{}),
		page:    page{restPage, scanCard, locales.Fallback},
	}
	transport := newTransport()
	p.client = &http.Client{
		Transport:     transport,
		Jar:           jar,
		Timeout:       answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p.reverse = p.newReverse(transport)
	return p
}

// Prefix is how every address of this session begins.
func (p *Proxy) Prefix() string { return p.origin() + "/" + p.token + "/" }

// Page gives the address of a page of the portal, such as "rest" or
// "problem?what=unread".
func (p *Proxy) Page(name string) string { return p.Prefix() + "k/" + name }

func (p *Proxy) origin() string { return "http://" + p.Host }

// Activate says that the person sees this child from now on.
func (p *Proxy) Activate() { p.activate.Do(func() { close(p.active) }) }

// Offer tells an ordinary browser, which asks at -/next, to go to a page. Where
// nobody asked yet a later page takes the place of an earlier one.
func (p *Proxy) Offer(name string) {
	select {
	case <-p.next:
	default:
	}
	p.next <- name
}

// Watch ends the session when it has been open for longer than limit, whatever
// the portal says. It returns when ctx ends.
func (p *Proxy) Watch(ctx context.Context, limit time.Duration) {
	select {
	case <-p.begun:
	case <-ctx.Done():
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-timer.C:
		p.finish(WhyLimit)
	case <-ctx.Done():
	}
}

func (p *Proxy) finish(why string) {
	p.finishing.Do(func() {
		p.Close()
		p.Ended(why)
	})
}

// ServeHTTP checks Host, token and path, and answers or forwards.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.over.Load() {
		panic(http.ErrAbortHandler) // the browser asks again, and the next child answers
	}
	if !p.hosted(r.Host) {
		refuse(w, http.StatusMisdirectedRequest)
		return
	}
	if r.URL.Path == "/" && !p.Window && r.Method == http.MethodGet {
		redirect(w, r, p.Page(restPage))
		return
	}
	token, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if subtle.ConstantTimeCompare([]byte(token), []byte(p.token)) != 1 {
		p.stranger(w, r)
		return
	}
	if status := p.check(r); status != 0 {
		refuse(w, status)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	p.route(w, r, "/"+rest)
}

func (p *Proxy) hosted(host string) bool {
	return host == p.Host || p.Alias != "" && host == p.Alias
}

// stranger answers a request without the token. An ordinary browser whose child
// has ended still stands on that one's page, and is led to the new one's.
func (p *Proxy) stranger(w http.ResponseWriter, r *http.Request) {
	if !p.Window && r.Method == http.MethodGet && isDocument(r) && strings.Contains(r.URL.Path, "/k/") {
		redirect(w, r, p.origin()+"/")
		return
	}
	refuse(w, http.StatusNotFound)
}

// check refuses what a page of ours never sends. It returns 0 for what is right.
func (p *Proxy) check(r *http.Request) int {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed
	case r.Header.Get("Upgrade") != "":
		return http.StatusBadRequest
	// Two spellings of one path are how a check is walked around.
	case r.URL.RawPath != "" || path.Clean(r.URL.Path) != r.URL.Path || strings.ContainsAny(r.URL.Path, "\\\x00"):
		return http.StatusNotFound
	case !p.sameOrigin(r):
		return http.StatusForbidden
	}
	return 0
}

// sameOrigin refuses what another site's page sent. "null" is what a browser
// says for a page that wants no referrer; the token then speaks for it.
func (p *Proxy) sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	return len(origins) == 1 && slices.Contains([]string{"null", p.origin(), "http://" + r.Host}, origins[0])
}

func (p *Proxy) route(w http.ResponseWriter, r *http.Request, path string) {
	// Pages lie under k/, so that "-/end" seen from one of them is k/-/end.
	if own, ok := strings.CutPrefix(strings.TrimPrefix(path, "/k"), "/-/"); ok {
		p.own(w, r, own)
		return
	}
	name, ok := strings.CutPrefix(path, "/k/")
	if !ok || name == "" {
		refuse(w, http.StatusNotFound)
		return
	}
	if name == restPage && r.Method == http.MethodGet && p.opened() {
		p.leave(w, r, WhyRest)
		return
	}
	p.reverse.ServeHTTP(w, r)
}

// leave ends the session. An ordinary browser goes to the next child; its
// connection is closed, because the next child will not answer on it.
func (p *Proxy) leave(w http.ResponseWriter, r *http.Request, why string) {
	p.over.Store(true)
	p.Close()
	w.Header().Set("Connection", "close")
	if p.Window {
		w.WriteHeader(http.StatusNoContent)
	} else {
		redirect(w, r, p.origin()+"/")
	}
	p.finish(why)
}

// opened tells whether a card was accepted or an enrolment opened: such a child
// never goes back to rest.
func (p *Proxy) opened() bool {
	select {
	case <-p.begun:
		return true
	default:
		return false
	}
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
}

func redirect(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther)
}
