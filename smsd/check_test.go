package main

import (
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"consigne/internal/database"
	"consigne/smsd/carrier/twiliotest"
)

// checked is a real daemon behind a proxy that speaks https, and an account.
type checked struct {
	*station
	account *twiliotest.AccountServer
	proxy   *httptest.Server
	target  atomic.Pointer[url.URL] // where the daemon listens
}

func newChecked(t *testing.T, kind database.Kind) *checked {
	c := &checked{station: newStation(t, kind), account: twiliotest.NewAccount(t)}
	c.proxy = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httputil.NewSingleHostReverseProxy(c.target.Load()).ServeHTTP(w, r)
	}))
	c.proxy.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	c.proxy.StartTLS()
	t.Cleanup(c.proxy.Close)
	roots := filepath.Join(c.dir, "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.proxy.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c.account.Change(func() { c.account.Numbers[0].URL = c.proxy.URL + "/twilio/inbound" })
	c.more = []string{
		"TWILIO_ACCOUNT_SID=" + c.account.Account.SID, "TWILIO_AUTH_TOKEN=" + c.account.Account.Token,
		"TWILIO_FROM=" + c.account.Account.From, "TWILIO_API_URL=" + c.account.URL,
		"CONSIGNE_SMSD_PUBLIC_URL=" + c.proxy.URL, "SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + c.dir,
	}
	return c
}

// The real programs: a daemon that runs, a proxy before it, and the question.
func TestCheck_WholeProgram(t *testing.T) {
	for _, kind := range []database.Kind{database.SQLite, database.PostgreSQL} {
		t.Run(kind.String(), func(t *testing.T) {
			c := newChecked(t, kind)
			target, err := url.Parse(c.start().webhooks)
			if err != nil {
				t.Fatal(err)
			}
			c.target.Store(target)
			out, status := c.run("", "check")
			want := `credentials  yes  the account answers and is active
sender       yes  the number is the account's and sends SMS
answers      yes  what people write to the number comes to smsd
webhooks     yes  the public address is https, is reached, and this store's smsd answers
signatures   yes  a call without a signature was refused
`
			if out != want || status != 0 {
				t.Errorf("status %d\n%s%s", status, out, c.logs)
			}
			c.account.Change(func() { c.account.SID = "" })
			other := newStation(t, database.SQLite)
			other.more = c.more
			nowhere := "sqlite:" + filepath.Join(t.TempDir(), "nothing.db")
			if _, status = other.run("", "check", "--database", nowhere); status != 1 || !strings.Contains(other.logs.String(), "no store") {
				t.Errorf("without a store: status %d: %s", status, other.logs)
			}
			out, status = other.run("", "check") // the same address, from another store
			for _, line := range []string{"credentials  no   Twilio knows no such account", "webhooks     no   smsd of another store answers"} {
				if !strings.Contains(out, line) {
					t.Errorf("no line %q in\n%s", line, out)
				}
			}
			if status != 1 || !strings.Contains(other.logs.String(), "smsd: check: not ready: credentials, webhooks, signatures\n") {
				t.Errorf("status %d: %s", status, other.logs)
			}
			for _, secret := range []string{c.account.Account.Token, c.account.Account.SID, c.account.Account.From[1:]} {
				if strings.Contains(out+c.logs.String()+other.logs.String(), secret) {
					t.Errorf("the output holds %q", secret)
				}
			}
		})
	}
}

func TestCheck_UsedWrongly(t *testing.T) {
	s := newStation(t, database.SQLite)
	if _, stderr, status := s.inProcess("", "check"); status != 2 || !strings.Contains(stderr, "nothing to check") {
		t.Errorf("without an account: status %d, %q", status, stderr)
	}
	t.Setenv("TWILIO_ACCOUNT_SID", "AC1")
	if _, stderr, status := s.inProcess("", "check"); status != 2 || !strings.Contains(stderr, "TWILIO_AUTH_TOKEN") {
		t.Errorf("with a third of an account: status %d, %q", status, stderr)
	}
	t.Setenv("TWILIO_AUTH_TOKEN", "t")
	t.Setenv("TWILIO_FROM", "CCAS")
	if _, stderr, status := s.inProcess("", "check", "--sender-capability", "both"); status != 2 || !strings.Contains(stderr, "one-way or two-way") {
		t.Errorf("an odd capability: status %d, %q", status, stderr)
	}
	t.Setenv("TWILIO_API_URL", "ftp://x")
	if _, stderr, status := s.inProcess("", "check"); status != 2 || !strings.HasPrefix(stderr, "smsd: check: TWILIO_API_URL: ") {
		t.Errorf("an odd address: status %d, %q", status, stderr)
	}
}
