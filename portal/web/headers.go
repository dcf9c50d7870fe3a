package web

import (
	"net/http"
	"strings"
)

// Policy says what the pages of a room may do. The zero value is a page that
// shows its own pictures and styles and posts its own forms, and runs no script.
type Policy struct {
	Script bool // files of our own under script-src and connect-src
	Media  bool // clips of our own
}

func (p Policy) contentSecurity() string {
	rules := []string{
		"default-src 'none'", "img-src 'self'", "style-src 'self'", "font-src 'self'",
		"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	}
	if p.Script {
		rules = append(rules, "script-src 'self'", "connect-src 'self'")
	}
	if p.Media {
		rules = append(rules, "media-src 'self'")
	}
	return strings.Join(rules, "; ")
}

// Secure sets the headers that every answer of a room carries: a content security
// policy without inline script or style, no sniffing, no referrer, no framing, no
// sensors, and no copy kept by anybody. Static files replace the last.
func Secure(p Policy) func(http.Handler) http.Handler {
	csp := p.contentSecurity()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", csp)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("X-Frame-Options", "DENY")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
			h.Set("X-Robots-Tag", "noindex, nofollow")
			h.Set("Cache-Control", "no-store")
			if !Loopback(r.Host) {
				// Outside the machine itself we are only reached by TLS, which a
				// proxy in front of us ends. Browsers ignore this over plain HTTP.
				h.Set("Strict-Transport-Security", "max-age=63072000")
			}
			next.ServeHTTP(w, r)
		})
	}
}

// LimitBody refuses to read more than n bytes of a request's body: enough for the
// forms of a room. Uploads are routed past it.
func LimitBody(n int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, n)
			next.ServeHTTP(w, r)
		})
	}
}
