// Package twiliotest stands in for Twilio in tests: an HTTP server that takes
// messages, answers well or badly, lists what it took and calls back, signed.
package twiliotest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"consigne/smsd/carrier"
)

// Fault is how the server treats one request for a message.
type Fault int

// What can go wrong. After the first five the message was taken nevertheless.
const (
	None        Fault = iota
	Hang              // takes it and does not answer until the client leaves
	Close             // takes it and closes the connection
	BadGateway        // takes it and answers 502 in HTML
	Broken            // takes it and answers 201 with half an object
	Refuse            // 400 with the code of the server's Refusal
	Busy              // 429 and Retry-After
	Unavailable       // 503, not taken
	CloseBefore       // closes the connection without taking it
	HangBefore        // does not answer, without taking it
	Locked            // 401
)

func (f Fault) takes() bool { return f < Refuse }

// Message is one that the server took.
type Message struct {
	SID, To, From, Body, Callback, Status string
	Code                                  int
	Created                               time.Time
	Deleted                               bool // gone here; phones still have it
}

// Server is the stand-in. Its fields may be set before requests come.
type Server struct {
	*httptest.Server
	Account carrier.Account
	Refusal int                                // Twilio's code for Refuse
	Plan    func(n int, form url.Values) Fault // what becomes of the n-th request; nil: all go well
	Taken   chan Message                       // every message taken, for whoever wants to wait
	Asked   chan string                        // the text of every request, as soon as it is there
	Keep    func(Message) bool                 // whether one cannot be deleted yet; nil: all can
	Now     func() time.Time                   // the clock of what it takes; nil: the machine's
	Listed  func(Message) bool                 // whether the list shows it yet; nil: at once
	Took    func(Message)                      // told of every message taken; nil: nobody
	Listing func() Fault                       // what becomes of a question for the list; nil: it is answered

	mu       sync.Mutex
	messages []Message
	requests int
	lists    int
}

func (s *Server) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// SetPlan changes what becomes of the requests from now on.
func (s *Server) SetPlan(plan func(n int, form url.Values) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Plan = plan
}

// New starts a server that stops with the test.
func New(t testing.TB) *Server {
	s := Start()
	s.Taken, s.Asked = make(chan Message, 1<<16), make(chan string, 1<<16)
	t.Cleanup(s.Stop)
	return s
}

// Stop ends the server, and what hangs with it.
func (s *Server) Stop() {
	s.CloseClientConnections()
	s.Close()
}

// Start starts a server for a program; nobody need read its channels.
func Start() *Server {
	s := &Server{Account: carrier.Account{SID: "AC0123456789abcdef0123456789abcdef", Token: "0123456789abcdef", From: "+33756790000"}}
	mux := http.NewServeMux()
	path := "/2010-04-01/Accounts/" + s.Account.SID + "/Messages.json"
	mux.HandleFunc("POST "+path, s.create)
	mux.HandleFunc("GET "+path, s.list)
	mux.HandleFunc("DELETE "+strings.TrimSuffix(path, ".json")+"/{file}", s.delete)
	s.Server = httptest.NewServer(s.authorized(mux))
	return s
}

func (s *Server) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != s.Account.SID || password != s.Account.Token {
			refuse(w, http.StatusUnauthorized, 20003)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, 20001)
		return
	}
	s.mu.Lock()
	s.requests++
	fault := None
	if s.Plan != nil {
		fault = s.Plan(s.requests, r.PostForm)
	}
	m := Message{
		SID: fmt.Sprintf("SM%032x", s.requests), To: r.PostForm.Get("To"), From: r.PostForm.Get("From"),
		Body: r.PostForm.Get("Body"), Callback: r.PostForm.Get("StatusCallback"), Status: "queued",
		Created: s.now(),
	}
	if fault.takes() {
		s.messages = append(s.messages, m)
		if s.Taken != nil {
			s.Taken <- m
		}
		if s.Took != nil {
			s.Took(m)
		}
	}
	s.mu.Unlock()
	if s.Asked != nil {
		s.Asked <- m.Body
	}
	s.answer(w, r, fault, m)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, fault Fault, m Message) {
	switch fault {
	case None:
		answerJSON(w, http.StatusCreated, m.json())
	case Hang, HangBefore:
		<-r.Context().Done()
	case Close, CloseBefore:
		panic(http.ErrAbortHandler)
	case BadGateway:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html><body><h1>502 Bad Gateway</h1></body></html>")
	case Broken:
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"sid":"SM`)
	case Refuse:
		refuse(w, http.StatusBadRequest, s.Refusal)
	case Busy:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, 20429)
	case Unavailable:
		refuse(w, http.StatusServiceUnavailable, 20503)
	case Locked:
		refuse(w, http.StatusUnauthorized, 20003)
	}
}

func refuse(w http.ResponseWriter, status, code int) {
	answerJSON(w, status, map[string]any{"code": code, "message": "refused by the test", "status": status})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only for what is no JSON
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b)
}

func (m Message) json() map[string]any {
	out := map[string]any{
		"sid": m.SID, "to": m.To, "from": m.From, "body": m.Body, "status": m.Status, "error_code": nil,
		"date_created": m.Created.UTC().Format(time.RFC1123Z), "date_sent": nil,
	}
	if m.Code != 0 {
		out["error_code"] = m.Code
	}
	return out
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	if s.Listing != nil {
		if fault := s.Listing(); fault != None {
			s.answer(w, r, fault, Message{})
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	asked := r.URL.Query()
	size, err := strconv.Atoi(asked.Get("PageSize"))
	if err != nil || size < 1 || size > 1000 {
		size = 50
	}
	page, _ := strconv.Atoi(asked.Get("Page"))
	found := []map[string]any{}
	skip := page * size
	var next any
	for i := len(s.messages) - 1; i >= 0; i-- { // the newest first
		if to := asked.Get("To"); s.messages[i].Deleted || to != "" && s.messages[i].To != to || s.Listed != nil && !s.Listed(s.messages[i]) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if len(found) == size {
			asked.Set("Page", strconv.Itoa(page+1))
			asked.Set("PageToken", "PA"+s.messages[i].SID)
			next = r.URL.Path + "?" + asked.Encode()
			break
		}
		found = append(found, s.messages[i].json())
	}
	answerJSON(w, http.StatusOK, map[string]any{"messages": found, "page": page, "page_size": size, "next_page_uri": next})
}

// delete forgets a message, unless Keep says that it is being sent still.
func (s *Server) delete(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sid := strings.TrimSuffix(r.PathValue("file"), ".json")
	at := slices.IndexFunc(s.messages, func(m Message) bool { return m.SID == sid && !m.Deleted })
	switch {
	case at < 0:
		refuse(w, http.StatusNotFound, 20404)
	case s.Keep != nil && s.Keep(s.messages[at]):
		refuse(w, http.StatusConflict, 20009)
	default:
		s.messages[at].Deleted = true
		w.WriteHeader(http.StatusNoContent)
	}
}

// Messages gives what was taken so far, in order: what phones have.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Requests counts the requests for messages.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Lists counts the questions for the list.
func (s *Server) Lists() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists
}

// CallBack reports a status of a message as Twilio does and returns the HTTP
// status of the answer. A code of 0 is none.
func (s *Server) CallBack(m Message, status string, code int) (int, error) {
	form := map[string]string{
		"MessageSid": m.SID, "SmsSid": m.SID, "MessageStatus": status, "SmsStatus": status,
		"To": m.To, "From": m.From, "AccountSid": s.Account.SID, "ApiVersion": "2010-04-01",
	}
	if code != 0 {
		form["ErrorCode"] = fmt.Sprint(code)
	}
	if status == "delivered" {
		s.mu.Lock()
		for i := range s.messages {
			if s.messages[i].SID == m.SID {
				s.messages[i].Status = status
			}
		}
		s.mu.Unlock()
	}
	return s.Post(m.Callback, form)
}

// Post makes a signed webhook call.
func (s *Server) Post(address string, form map[string]string) (int, error) {
	return Call(address, form, carrier.Sign(s.Account.Token, address, form))
}

// Call makes a webhook call with any signature.
func Call(address string, form map[string]string, signature string) (int, error) {
	values := url.Values{}
	for name, v := range form {
		values.Set(name, v)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set(carrier.SignatureHeader, signature)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
