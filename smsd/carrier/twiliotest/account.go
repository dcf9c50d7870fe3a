package twiliotest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"consigne/smsd/carrier"
)

// Number is one of the account's numbers.
type Number struct {
	Number        string
	SMS           bool
	URL, Method   string // where Twilio takes what people write to it
	ApplicationID string
}

// AccountServer stands in for what Twilio tells about an account. Its fields may
// be changed with Change, or as they are where the requests come from the test's
// own process.
type AccountServer struct {
	*httptest.Server
	Account carrier.Account
	SID     string // that the answer bears
	Status  string // "active", "suspended" or "closed"
	Type    string // "Full" or "Trial"
	Numbers []Number
	Fault   int // HTTP status of every answer; 0 for none

	mu sync.Mutex
}

// Change changes what is told from now on.
func (s *AccountServer) Change(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

// NewAccount starts a server that stops with the test: an active account with
// the sender among its numbers.
func NewAccount(t testing.TB) *AccountServer {
	a := carrier.Account{SID: "AC0123456789abcdef0123456789abcdef", Token: "5ecre7t0ken0f7hi5acc0un7", From: "+33756790000"}
	s := &AccountServer{Account: a, SID: a.SID, Status: "active", Type: "Full", Numbers: []Number{{Number: a.From, SMS: true}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2010-04-01/Accounts/{file}", s.account)
	mux.HandleFunc("GET /2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json", s.numbers)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		user, password, _ := r.BasicAuth()
		switch {
		case s.Fault != 0:
			http.Error(w, "<html>fault</html>", s.Fault)
		case user != s.Account.SID || password != s.Account.Token:
			refuse(w, http.StatusUnauthorized, 20003)
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *AccountServer) account(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("file") != s.Account.SID+".json" || s.SID == "" {
		refuse(w, http.StatusNotFound, 20404)
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"sid": s.SID, "status": s.Status, "type": s.Type, "friendly_name": "Tests", "auth_token": s.Account.Token,
	})
}

func (s *AccountServer) numbers(w http.ResponseWriter, r *http.Request) {
	found := []map[string]any{}
	for _, n := range s.Numbers {
		found = append(found, map[string]any{
			"phone_number": n.Number, "capabilities": map[string]any{"sms": n.SMS, "voice": true},
			"sms_url": n.URL, "sms_method": n.Method, "sms_application_sid": n.ApplicationID,
		})
	}
	answerJSON(w, http.StatusOK, map[string]any{"incoming_phone_numbers": found, "next_page_uri": nil})
}
