package carrier

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"consigne/smsd/queue"

	"github.com/go-chi/chi/v5"
	"github.com/twilio/twilio-go/client"
)

// Inbox is what the webhooks tell the queue.
type Inbox interface {
	Report(ctx context.Context, r queue.Report) (news bool, err error)
	Answered(ctx context.Context, in queue.Inbound) (queue.Heard, error)
}

var _ Inbox = (*queue.Queue)(nil)

// Webhooks answers what a carrier calls back. Every call is signed with the
// account's token over the public address; anything else is refused unread.
type Webhooks struct {
	Token  string
	Public string // address under which the carrier calls, without a path's end slash
	Store  string // fingerprint of the store, told to whoever signs; see [Check]
	Inbox  Inbox
	Log    *slog.Logger              // ids and codes only
	Watch  func(what, result string) // counts calls
}

// maxCall is far above the largest call: a text of 1,600 letters.
const maxCall = 64 << 10

// Routes gives the webhooks' routes.
func (h Webhooks) Routes() http.Handler {
	r := chi.NewRouter()
	r.Post("/twilio/status", h.signed("status", h.status))
	r.Post("/twilio/inbound", h.signed("inbound", h.inbound))
	return r
}

// call is a signed form: each name once.
type call struct {
	query, form map[string]string
}

func (h Webhooks) signed(what string, next func(http.ResponseWriter, *http.Request, call) string) http.HandlerFunc {
	validator := client.NewRequestValidator(h.Token)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		c, status := readCall(w, r)
		address := strings.TrimSuffix(h.Public, "/") + r.URL.RequestURI()
		if status == 0 && !validator.Validate(address, c.form, r.Header.Get(SignatureHeader)) {
			status = http.StatusForbidden
		}
		if status != 0 {
			h.Watch(what, "refused")
			h.Log.Warn("webhook refused", "webhook", what, "status", status)
			http.Error(w, http.StatusText(status), status)
			return
		}
		if h.Store != "" {
			w.Header().Set(StoreHeader, h.Store)
		}
		result := next(w, r, c)
		if c.query["m"] == probeID {
			result = "check" // no carrier called
		}
		h.Watch(what, result)
	}
}

// readCall reads a form of at most 64 KiB in which no name comes twice: the
// signature check sees the first of several values, a reader perhaps another.
func readCall(w http.ResponseWriter, r *http.Request) (c call, status int) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return c, http.StatusUnsupportedMediaType
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxCall)
	if err := r.ParseForm(); err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			return c, http.StatusRequestEntityTooLarge
		}
		return c, http.StatusBadRequest
	}
	var once [2]bool
	c.form, once[0] = single(r.PostForm)
	c.query, once[1] = single(r.URL.Query())
	if !once[0] || !once[1] {
		return c, http.StatusBadRequest
	}
	return c, 0
}

func single(values url.Values) (map[string]string, bool) {
	out := make(map[string]string, len(values))
	for name, v := range values {
		if len(v) != 1 {
			return nil, false
		}
		out[name] = v[0]
	}
	return out, true
}

// status takes in what became of a message. Nothing about it is an error to the
// carrier, which could do nothing about it; only a store that fails is.
func (h Webhooks) status(w http.ResponseWriter, r *http.Request, c call) string {
	state, known := states[c.form["MessageStatus"]]
	if !known {
		w.WriteHeader(http.StatusNoContent)
		return "ignored"
	}
	report := queue.Report{ID: c.query["m"], Receipt: queue.Receipt{CarrierID: c.form["MessageSid"], State: state}}
	report.Attempt, _ = strconv.Atoi(c.query["n"])
	class := queue.ClassOther
	if n, err := strconv.Atoi(c.form["ErrorCode"]); err == nil && n != 0 {
		class = codes[n]
		report.Code, report.Class = strconv.Itoa(n), told(class)
	}
	news, err := false, queue.ErrNoMessage
	if queue.ValidID(report.ID) && (report.CarrierID == "" || queue.ValidID(report.CarrierID)) { // else not of ours
		news, err = h.Inbox.Report(r.Context(), report)
	}
	switch {
	case errors.Is(err, queue.ErrNoMessage):
		h.Log.Warn("webhook for an unknown message", "state", string(state))
		w.WriteHeader(http.StatusNoContent)
		return "unknown"
	case err != nil:
		h.Log.Error("webhook", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return "failed"
	}
	h.Log.Info("status", "message", report.ID, "attempt", report.Attempt, "state", string(state), "code", report.Code, "news", news)
	w.WriteHeader(http.StatusNoContent)
	switch {
	case !news:
		return "repeated"
	case report.Code != "":
		return string(state) + "-" + class.String()
	}
	return string(state)
}

// inbound takes in what somebody wrote to us.
func (h Webhooks) inbound(w http.ResponseWriter, r *http.Request, c call) string {
	heard, err := h.Inbox.Answered(r.Context(), queue.Inbound{
		CarrierID: c.form["MessageSid"], From: c.form["From"], Text: c.form["Body"],
	})
	if err != nil {
		h.Log.Error("webhook", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return "failed"
	}
	h.Log.Info("inbound", "result", string(heard))
	return answer(w, string(heard))
}

// answer is an empty TwiML answer: nothing is sent back.
func answer(w http.ResponseWriter, result string) string {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><Response></Response>`))
	return result
}
