package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Only a trusted proxy is believed about who asks.
func TestClientAddress(t *testing.T) {
	var trusted prefixes
	if err := trusted.Set("10.0.0.0/8, 192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ peer, forwarded, want string }{
		{"10.1.2.3:4000", "203.0.113.9", "203.0.113.9:0"},
		{"192.0.2.7:4000", "203.0.113.9, 10.0.0.1", "203.0.113.9:0"},
		{"192.0.2.8:4000", "203.0.113.9", "192.0.2.8:0"},
		{"10.1.2.3:4000", "", "10.1.2.3:0"},
		{"10.1.2.3:4000", "nonsense", "10.1.2.3:0"},
		{"[2001:db8::1]:4000", "203.0.113.9", "[2001:db8::1]:0"},
		{"@", "203.0.113.9", "@"}, // a peer without an address stays as it is
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		got := ""
		next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })
		clientAddress(trusted)(next).ServeHTTP(httptest.NewRecorder(), r)
		if got != tt.want {
			t.Errorf("%s says %q: client %s, want %s", tt.peer, tt.forwarded, got, tt.want)
		}
	}
}

func TestPrefixes(t *testing.T) {
	for text, want := range map[string]string{
		"10.1.2.3/8": "10.0.0.0/8", "::1": "::1/128", "10.0.0.0/8,127.0.0.1": "10.0.0.0/8,127.0.0.1/32",
		"": "", "10.0.0.0/33": "", "10.0.0.0/8,": "", "localhost": "",
	} {
		var p prefixes
		err := p.Set(text)
		if (err == nil) != (want != "") || err == nil && p.String() != want {
			t.Errorf("%q: %q, %v; want %q", text, p.String(), err, want)
		}
	}
}
