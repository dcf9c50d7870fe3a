package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Cookie makes the only kind of cookie we set: not for scripts, never sent from
// another site, limited to a path, and only over TLS unless the request came to a
// loopback address. An age of zero lasts as long as the browser; a negative one
// deletes.
func Cookie(r *http.Request, name, value, path string, age time.Duration) *http.Cookie {
	seconds := int(age / time.Second)
	if age < 0 {
		seconds = -1
	}
	return &http.Cookie{
		Name: name, Value: value, Path: path, MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: !Loopback(r.Host),
	}
}

// CookieValue returns the value of the cookie called name, or "".
func CookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// Loopback tells whether a Host header names this machine itself.
func Loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// ClientAddress returns the function that finds who a request comes from. What a
// proxy says in X-Forwarded-For is believed only of proxies in trusted, read from
// the right: the last address that no trusted proxy has is the client. The result
// is invalid when the request has no address at all.
func ClientAddress(trusted []netip.Prefix) func(*http.Request) netip.Addr {
	isTrusted := func(a netip.Addr) bool {
		for _, p := range trusted {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	return func(r *http.Request) netip.Addr {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return netip.Addr{}
		}
		client := peer.Addr().Unmap()
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && isTrusted(client); i-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			client = hop.Unmap()
		}
		return client
	}
}
