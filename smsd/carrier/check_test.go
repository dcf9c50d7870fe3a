package carrier_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"consigne/smsd/carrier"
	"consigne/smsd/carrier/twiliotest"
	"consigne/smsd/queue"

	"github.com/google/go-cmp/cmp"
)

// setUp is a whole set-up that works, for tests to spoil.
type setUp struct {
	account *twiliotest.AccountServer
	hooks   carrier.Webhooks
	public  *httptest.Server
	front   http.HandlerFunc // stands before the webhooks where it is set
	check   carrier.Check
}

func newSetUp(t *testing.T) *setUp {
	s := &setUp{account: twiliotest.NewAccount(t)}
	s.public = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.front != nil {
			s.front(w, r)
			return
		}
		s.hooks.Routes().ServeHTTP(w, r)
	}))
	s.public.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.public.StartTLS()
	t.Cleanup(s.public.Close)
	s.hooks = carrier.Webhooks{
		Token: s.account.Account.Token, Public: s.public.URL, Store: "this", Inbox: &inbox{},
		Log: slog.New(slog.DiscardHandler), Watch: func(string, string) {},
	}
	s.account.Numbers[0].URL, s.account.Numbers[0].Method = s.public.URL+"/twilio/inbound", "POST"
	client := s.public.Client()
	client.CheckRedirect = carrier.NoRedirects
	s.check = carrier.Check{
		Account: s.account.Account, API: s.account.URL, Public: s.public.URL + "/", Store: "this",
		Capability: queue.TwoWay, Client: client,
	}
	return s
}

// run gives the answers by question, and sees that no secret is among them.
func (s *setUp) run(t *testing.T) map[string]carrier.Finding {
	t.Helper()
	all, err := s.check.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]carrier.Finding{}
	for _, f := range all {
		if _, twice := out[f.About]; twice {
			t.Errorf("%s is answered twice", f.About)
		}
		out[f.About] = f
		for _, secret := range []string{s.check.Account.Token, s.check.Account.SID, "33756790000", "example", "127.0.0.1"} {
			if secret != "" && strings.Contains(f.Words, secret) {
				t.Errorf("%s tells %q: %s", f.About, secret, f.Words)
			}
		}
	}
	return out
}

func TestCheck_AllGood(t *testing.T) {
	s := newSetUp(t)
	want := map[string]carrier.Finding{
		"credentials": {About: "credentials", Good: true, Words: "the account answers and is active"},
		"sender":      {About: "sender", Good: true, Words: "the number is the account's and sends SMS"},
		"answers":     {About: "answers", Good: true, Words: "what people write to the number comes to smsd"},
		"webhooks":    {About: "webhooks", Good: true, Words: "the public address is https, is reached, and this store's smsd answers"},
		"signatures":  {About: "signatures", Good: true, Words: "a call without a signature was refused"},
	}
	if diff := cmp.Diff(want, s.run(t)); diff != "" {
		t.Error(diff)
	}
	if in := s.hooks.Inbox.(*inbox); len(in.reports)+len(in.heard) != 0 {
		t.Error("a question changed something")
	}
}

// Each fault is told under the question that it is about, in words that name it.
func TestCheck_Faults(t *testing.T) {
	front := func(fn http.HandlerFunc) func(*setUp) { return func(s *setUp) { s.front = fn } }
	from := func(from string) func(*setUp) { return func(s *setUp) { s.check.Account.From = from } }
	for name, c := range map[string]struct {
		spoil func(*setUp)
		about string
		words string
	}{
		"wrong token":               {func(s *setUp) { s.check.Account.Token = "wrong" }, "credentials", "does not take this account and token"},
		"no such account":           {func(s *setUp) { s.account.SID = "" }, "credentials", "knows no such account"},
		"another account":           {func(s *setUp) { s.account.SID = "AC9" }, "credentials", "another account answers"},
		"suspended":                 {func(s *setUp) { s.account.Status = "suspended" }, "credentials", "suspended or closed"},
		"Twilio is down":            {func(s *setUp) { s.account.Fault = 503 }, "credentials", "does not answer as it should (http-503)"},
		"not Twilio":                {func(s *setUp) { s.account.Fault = 200 }, "credentials", "does not answer as it should"},
		"Twilio far away":           {func(s *setUp) { s.account.Close() }, "credentials", "cannot be reached"},
		"number not ours":           {func(s *setUp) { s.account.Numbers[0].Number = "+33756790001" }, "sender", "none of the account's"},
		"no numbers":                {func(s *setUp) { s.account.Numbers = nil }, "sender", "none of the account's"},
		"number of voice":           {func(s *setUp) { s.account.Numbers[0].SMS = false }, "sender", "sends no SMS"},
		"numbers not told":          {func(s *setUp) { s.account.Fault = 500 }, "sender", "could not be asked for (http-500)"},
		"two letters":               {from("AB"), "sender", "3 to 11 letters"},
		"twelve letters":            {from("ABCDEFGHIJKL"), "sender", "3 to 11 letters"},
		"accents":                   {from("Aîné"), "sender", "3 to 11 letters"},
		"digits alone":              {from("36179"), "sender", "needs a letter"},
		"answers nowhere":           {func(s *setUp) { s.account.Numbers[0].URL = "" }, "answers", "does not come to smsd"},
		"answers by GET":            {func(s *setUp) { s.account.Numbers[0].Method = "GET" }, "answers", "does not come to smsd"},
		"answers to an application": {func(s *setUp) { s.account.Numbers[0].ApplicationID = "AP1" }, "answers", "does not come to smsd"},
		"no public address":         {func(s *setUp) { s.check.Public = "" }, "webhooks", "no public address is set"},
		"no address":                {func(s *setUp) { s.check.Public = "sms.example.org" }, "webhooks", "the public address is none"},
		"not https":                 {func(s *setUp) { s.check.Public = strings.Replace(s.check.Public, "https", "http", 1) }, "webhooks", "not https"},
		"nobody there":              {func(s *setUp) { s.public.Close() }, "webhooks", "cannot be reached from here (no connection)"},
		"bad certificate":           {func(s *setUp) { s.check.Client = &http.Client{} }, "webhooks", "certificate is not valid"},
		"cut":                       {front(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "webhooks", "the connection broke"},
		"a proxy's page":            {front(http.NotFound), "webhooks", "something else than smsd answers at the public address (status 404)"},
		"says yes to all":           {front(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }), "webhooks", "something else than smsd"},
		"a redirect": {front(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		}),
			"webhooks", "something else than smsd answers at the public address (status 302)"},
		"another token":   {func(s *setUp) { s.hooks.Token = "other" }, "webhooks", "a signed call was refused"},
		"another address": {func(s *setUp) { s.hooks.Public = "https://old.example" }, "webhooks", "a signed call was refused"},
		"another store":   {func(s *setUp) { s.hooks.Store = "that" }, "webhooks", "smsd of another store"},
		"takes unsigned calls": {front(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(carrier.StoreHeader, "this")
			w.WriteHeader(204)
		}), "signatures", "a call without a signature was taken"},
		"fails on unsigned calls": {func(s *setUp) {
			s.front = func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get(carrier.SignatureHeader) == "" {
					http.Error(w, "oops", http.StatusBadGateway)
					return
				}
				s.hooks.Routes().ServeHTTP(w, r)
			}
		}, "signatures", "was not answered as it should be (status 502)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetUp(t)
			c.spoil(s)
			got := s.run(t)[c.about]
			if got.Good || !strings.Contains(got.Words, c.words) {
				t.Errorf("%+v, want %q", got, c.words)
			}
		})
	}
}

func TestCheck_Letters(t *testing.T) {
	for _, from := range []string{"CCAS", "Ma Mairie", "SMS-75", "a b", "ABCDEFGHIJK"} {
		s := newSetUp(t)
		s.check.Account.From = from
		got := s.run(t)
		if f := got["sender"]; !f.Good || !strings.Contains(f.Words, "nobody can answer") {
			t.Errorf("%q: %+v", from, f)
		}
		if _, asked := got["answers"]; asked {
			t.Errorf("%q: asked where answers go", from)
		}
	}
}

// A number of which it was said that nobody can answer it is not asked about
// answers; a trial account is good, and says what it cannot do.
func TestCheck_OneWayNumberOfATrial(t *testing.T) {
	s := newSetUp(t)
	s.check.Capability, s.account.Numbers[0].URL, s.account.Type = queue.OneWay, "", "Trial"
	got := s.run(t)
	if _, asked := got["answers"]; asked || !got["sender"].Good {
		t.Errorf("%+v", got)
	}
	if f := got["credentials"]; !f.Good || !strings.Contains(f.Words, "verified") {
		t.Errorf("%+v", f)
	}
}

func TestCheck_BadAPI(t *testing.T) {
	s := newSetUp(t)
	s.check.API = "ftp://x"
	if got, err := s.check.Run(t.Context()); err == nil {
		t.Errorf("took an address that is none: %v", got)
	}
}
