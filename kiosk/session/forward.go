package session

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"consigne/locales"
)

// How long the portal may take to be reached, and to begin an answer. After that
// the person is told that the machine does not work.
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 10 * time.Second
)

// Headers that the portal sets for the proxy alone.
const (
	headerScan    = "Consigne-Scan"
	headerSession = "Consigne-Session"
)

// Where a scan is posted.
const (
	scanNone  = "none"
	scanCard  = "card"
	scanEnrol = "enrol-card"
)

// page is what the window shows.
type page struct {
	name     string // with its query: goes nowhere but back to the window
	scan     string
	language string
}

var (
	errGone     = errors.New("portal gone")
	errLocation = errors.New("portal leads elsewhere")
	errFault    = errors.New("portal failed")
	errAnswer   = errors.New("portal refused or cannot be understood")
)

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       time.Minute,
		ForceAttemptHTTP2:     true,
	}
}

func (p *Proxy) newReverse(transport http.RoundTripper) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:      transport,
		Rewrite:        p.rewrite,
		ModifyResponse: p.modify,
		ErrorHandler:   p.failed,
		// Its words may hold addresses; a cut answer is seen by the person.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// rewrite turns the window's request into the kiosk's.
func (p *Proxy) rewrite(r *httputil.ProxyRequest) {
	out := r.Out
	out.URL.Scheme, out.URL.Host, out.Host = p.Portal.Scheme, p.Portal.Host, ""
	out.URL.Path = strings.TrimPrefix(out.URL.Path, "/"+p.token)
	if out.Header.Get("Origin") != "" {
		out.Header.Set("Origin", p.Portal.String())
	}
	p.rewriteReferer(out)
	// The transport asks for compression itself and undoes it, so that the
	// beginning of a page can be read here.
	out.Header.Del("Accept-Encoding")
	out.Header.Del("Cookie")
	for _, c := range p.jar.Cookies(out.URL) {
		out.AddCookie(c)
	}
	p.sign(out.Header)
}

func (p *Proxy) rewriteReferer(out *http.Request) {
	rest, ok := strings.CutPrefix(out.Referer(), p.Prefix())
	if !ok || !strings.HasPrefix(rest, "k/") {
		out.Header.Del("Referer")
		return
	}
	out.Header.Set("Referer", p.Portal.String()+"/"+rest)
}

// modify turns the portal's answer into the window's. An error leads to failed.
func (p *Proxy) modify(r *http.Response) error {
	if absent(r) {
		return errGone
	}
	p.jar.SetCookies(r.Request.URL, r.Cookies())
	r.Header.Del("Set-Cookie")
	if to := r.Header.Get("Location"); to != "" {
		name, err := p.follow(r.Request.URL, to)
		if err != nil {
			return err
		}
		r.Header.Set("Location", "/"+p.token+"/k/"+name)
	}
	if isDocument(r.Request) && r.StatusCode >= http.StatusBadRequest && !isHTML(r) {
		return errAnswer // words for programs: the portal does not know this kiosk
	}
	if p.Window {
		// One origin is all that the window ever sees. This header would only
		// make WebKit start another process for the same page.
		r.Header.Del("Cross-Origin-Opener-Policy")
	}
	err := p.note(r)
	r.Header.Del(headerScan)
	r.Header.Del(headerSession)
	return err
}

// absent tells what stands in for a portal that is gone from what the portal says
// itself: its own pages always carry a content policy.
func absent(r *http.Response) bool {
	switch r.StatusCode {
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	case http.StatusServiceUnavailable:
		return r.Header.Get("Content-Security-Policy") == ""
	}
	return false
}

// follow gives the page that a Location names, seen from at: only the portal's
// own pages under /k/ are gone to.
func (p *Proxy) follow(at *url.URL, location string) (string, error) {
	to, err := at.Parse(location)
	if err != nil || to.Scheme != p.Portal.Scheme || to.Host != p.Portal.Host || to.User != nil {
		return "", errLocation
	}
	name, ok := strings.CutPrefix(to.EscapedPath(), "/k/")
	if !ok || name == "" || path.Clean(to.Path) != to.Path {
		return "", errLocation
	}
	if to.RawQuery != "" {
		name += "?" + to.RawQuery
	}
	if to.Fragment != "" {
		name += "#" + to.EscapedFragment()
	}
	return name, nil
}

// note remembers the page that the window is about to show.
func (p *Proxy) note(r *http.Response) error {
	if !isHTML(r) {
		return nil
	}
	language, err := languageOf(r)
	if err != nil {
		return errGone
	}
	name := strings.TrimPrefix(r.Request.URL.RequestURI(), "/k/")
	p.mu.Lock()
	defer p.mu.Unlock()
	scan := r.Header.Get(headerScan)
	if scan == "" {
		scan = scanOf(name, p.enrolling)
	}
	p.page = page{name, scan, language}
	if r.Header.Get(headerSession) == "ended" || strings.HasPrefix(name, "goodbye") {
		time.AfterFunc(p.Goodbye, func() { p.finish(WhyLeft) })
	}
	return nil
}

func isHTML(r *http.Response) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
}

// scanOf tells by a page's name what a card shown on it is for.
func scanOf(name string, enrolling bool) string {
	name, _, _ = strings.Cut(name, "?")
	switch {
	case name == "enrol-card", name == "problem" && enrolling:
		return scanEnrol
	case name == restPage, name == "card", name == "problem":
		return scanCard
	}
	return scanNone
}

// headLen is how far into a page its language stands at the latest.
const headLen = 512

var langAttribute = regexp.MustCompile(`<html[^>]*\slang="?([A-Za-z0-9-]+)`)

// languageOf reads the language of a page without touching the page.
func languageOf(r *http.Response) (string, error) {
	if tag := r.Header.Get("Content-Language"); tag != "" {
		return tag, nil
	}
	body := bufio.NewReaderSize(r.Body, headLen)
	head, err := body.Peek(headLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	if m := langAttribute.FindSubmatch(bytes.ToValidUTF8(head, nil)); m != nil {
		return string(m[1]), nil
	}
	return locales.Fallback, nil
}

// failed answers for a portal that does not.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the window went elsewhere
	}
	p.Log.Warn("portal does not answer", "code", codeOf(err))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusRequestEntityTooLarge)
	case !isDocument(r):
		refuse(w, http.StatusBadGateway)
	default:
		p.showDown(w, r)
	}
}

// codeOf names a failure without its address.
func codeOf(err error) string {
	var network net.Error
	switch {
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.As(err, &network):
		return "unreachable"
	case errors.Is(err, errGone):
		return "stand-in"
	case errors.Is(err, errLocation):
		return "location"
	case errors.Is(err, errFault):
		return "fault"
	case errors.Is(err, errAnswer):
		return "answer"
	}
	return "cut"
}

// isDocument tells a page from what a page loads.
func isDocument(r *http.Request) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
