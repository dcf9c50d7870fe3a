package carrier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"consigne/smsd/carrier"
	"consigne/smsd/queue"

	"github.com/google/go-cmp/cmp"
	"github.com/twilio/twilio-go/client"
)

const token = "0123456789abcdef"

// inbox writes down what the webhooks say.
type inbox struct {
	reports []queue.Report
	out, in []string
	failure error
}

func (i *inbox) Report(_ context.Context, r queue.Report) (bool, error) {
	i.reports = append(i.reports, r)
	return true, i.failure
}

func (i *inbox) OptOut(_ context.Context, e164 string) error {
	i.out = append(i.out, e164)
	return i.failure
}

func (i *inbox) OptIn(_ context.Context, e164 string) error {
	i.in = append(i.in, e164)
	return i.failure
}

type webhooks struct {
	http.Handler
	inbox   *inbox
	log     bytes.Buffer
	results map[string]int
}

func newWebhooks() *webhooks {
	w := &webhooks{inbox: &inbox{}, results: map[string]int{}}
	w.Handler = carrier.Webhooks{
		Token: token, Public: public, Inbox: w.inbox, Log: slog.New(slog.NewJSONHandler(&w.log, nil)),
		Watch: func(what, result string) { w.results[what+" "+result]++ },
	}.Routes()
	return w
}

// send makes a call with the right signature, which change may then spoil.
func (w *webhooks) send(path string, form url.Values, change func(r *http.Request)) *httptest.ResponseRecorder {
	first := map[string]string{}
	for name, v := range form {
		first[name] = v[0]
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(carrier.SignatureHeader, carrier.Sign(token, public+path, first))
	if change != nil {
		change(r)
	}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out
}

func statusForm(status, code string) url.Values {
	f := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {status}, "To": {"+33639980001"}}
	if code != "" {
		f.Set("ErrorCode", code)
	}
	return f
}

// Sign must be what Twilio's own library accepts.
func TestSign_LikeTwilio(t *testing.T) {
	form := map[string]string{"b": "2", "a": "1 é", "C": ""}
	address := public + "/twilio/status?m=m1&n=2"
	v := client.NewRequestValidator(token)
	if !v.Validate(address, form, carrier.Sign(token, address, form)) {
		t.Error("refused")
	}
	// From Twilio's documentation of the scheme.
	documented := carrier.Sign("12345", "https://example.com/myapp.php?foo=1&bar=2", map[string]string{
		"CallSid": "CA1234567890ABCDE", "Caller": "+14158675310", "Digits": "1234", "From": "+14158675310", "To": "+18005551212",
	})
	if documented != "L/OH5YylLD5NRKLltdqwSvS0BnU=" {
		t.Errorf("signature %s", documented)
	}
}

func TestWebhook_Status(t *testing.T) {
	for name, c := range map[string]struct {
		path, status, code string
		want               []queue.Report
	}{
		"sent": {"/twilio/status?m=m1&n=2", "sent", "", []queue.Report{
			{ID: "m1", Attempt: 2, Receipt: queue.Receipt{CarrierID: "SM1", State: queue.Sent}}}},
		"without attempt": {"/twilio/status?m=m1", "delivered", "", []queue.Report{
			{ID: "m1", Receipt: queue.Receipt{CarrierID: "SM1", State: queue.Delivered}}}},
		"queued": {"/twilio/status?m=m1&n=1", "queued", "", []queue.Report{
			{ID: "m1", Attempt: 1, Receipt: queue.Receipt{CarrierID: "SM1", State: queue.Accepted}}}},
		"undelivered": {"/twilio/status?m=m1&n=1", "undelivered", "30003", []queue.Report{
			{ID: "m1", Attempt: 1, Receipt: queue.Receipt{CarrierID: "SM1", State: queue.Undelivered, Code: "30003", Class: queue.ClassTemporary}}}},
		"failed, new code": {"/twilio/status?m=m1&n=1", "failed", "39999", []queue.Report{
			{ID: "m1", Attempt: 1, Receipt: queue.Receipt{CarrierID: "SM1", State: queue.Failed, Code: "39999"}}}},
		"a status that says nothing": {"/twilio/status?m=m1", "receiving", "", nil},
		"no status":                  {"/twilio/status?m=m1", "", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWebhooks()
			if got := w.send(c.path, statusForm(c.status, c.code), nil); got.Code != http.StatusNoContent {
				t.Errorf("answer %d", got.Code)
			}
			if diff := cmp.Diff(c.want, w.inbox.reports); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(w.log.String(), "63998") {
				t.Error("the log holds a number")
			}
		})
	}
}

func TestWebhook_Refused(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		form   url.Values
		change func(r *http.Request)
		want   int
	}{
		"no signature": {change: func(r *http.Request) { r.Header.Del(carrier.SignatureHeader) }, want: 403},
		"signature of another token": {change: func(r *http.Request) {
			r.Header.Set(carrier.SignatureHeader, carrier.Sign("other", public+"/twilio/status?m=m1", map[string]string{"MessageSid": "SM1", "MessageStatus": "sent", "To": "+33639980001"}))
		}, want: 403},
		"another message":       {change: func(r *http.Request) { r.URL.RawQuery = "m=m2"; r.RequestURI = "/twilio/status?m=m2" }, want: 403},
		"a name added":          {change: func(r *http.Request) { r.URL.RawQuery = "m=m1&n=9"; r.RequestURI = "/twilio/status?m=m1&n=9" }, want: 403},
		"repeated in the form":  {form: url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"sent", "delivered"}, "To": {"+33639980001"}}, want: 400},
		"repeated in the query": {path: "/twilio/status?m=m1&m=m2", want: 400},
		"no form":               {change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, want: 415},
		"no type":               {change: func(r *http.Request) { r.Header.Del("Content-Type") }, want: 415},
		"broken escape": {change: func(r *http.Request) {
			r.Body = http.NoBody
			r.URL.RawQuery = "m=%zz"
		}, want: 400},
		"65 KiB": {form: url.Values{"MessageStatus": {"sent"}, "Body": {strings.Repeat("a", 65<<10)}}, want: 413},
		"10 MB":  {form: url.Values{"MessageStatus": {"sent"}, "Body": {strings.Repeat("a", 10<<20)}}, want: 413},
		"GET":    {change: func(r *http.Request) { r.Method = http.MethodGet }, want: 405},
		"voice":  {path: "/twilio/voice", want: 404},
		"other":  {path: "/twilio/", want: 404},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWebhooks()
			path, form := c.path, c.form
			if path == "" {
				path = "/twilio/status?m=m1"
			}
			if form == nil {
				form = statusForm("sent", "")
			}
			if got := w.send(path, form, c.change); got.Code != c.want {
				t.Errorf("answer %d, want %d", got.Code, c.want)
			}
			if len(w.inbox.reports) != 0 {
				t.Error("a refused call was reported")
			}
		})
	}
}

func TestWebhook_StoreFaults(t *testing.T) {
	w := newWebhooks()
	w.inbox.failure = fmt.Errorf("report: %w", queue.ErrNoMessage)
	if got := w.send("/twilio/status?m=gone", statusForm("sent", ""), nil); got.Code != http.StatusNoContent {
		t.Errorf("a message of another store: %d", got.Code)
	}
	w.inbox.failure = errors.New("disk full")
	if got := w.send("/twilio/status?m=m1", statusForm("sent", ""), nil); got.Code != http.StatusInternalServerError {
		t.Errorf("a store that fails: %d", got.Code)
	}
	if got := w.send("/twilio/inbound", url.Values{"From": {"+33639980001"}, "Body": {"STOP"}}, nil); got.Code != http.StatusInternalServerError {
		t.Errorf("an opt-out that is not written: %d", got.Code)
	}
	if w.results["status unknown"] != 1 || w.results["status failed"] != 1 || w.results["inbound failed"] != 1 {
		t.Errorf("counted %v", w.results)
	}
}

func TestWebhook_Inbound(t *testing.T) {
	for body, want := range map[string]string{
		"STOP": "opt-out", "stop": "opt-out", " Stop. ": "opt-out", "S.T.O.P": "opt-out", "ARRET": "opt-out", "Arrêt": "opt-out", "arrêt !": "opt-out",
		"arre\u0302t": "opt-out", "STOP SMS": "opt-out", "توقف": "opt-out", "Unsubscribe": "opt-out",
		"START": "opt-in", "unstop": "opt-in",
		"": "other", "1": "other", "oui": "other", "stop demain": "other", "je ne peux pas": "other", "🛑": "other", "\xff\xfe": "other",
		strings.Repeat("STOP ", 300): "other", strings.Repeat("é", 1600): "other",
	} {
		w := newWebhooks()
		got := w.send("/twilio/inbound", url.Values{"From": {"+33639980001"}, "Body": {body}}, nil)
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "<Response></Response>") {
			t.Errorf("%q: answer %d %s", body, got.Code, got.Body)
		}
		if w.results["inbound "+want] != 1 {
			t.Errorf("%q: %v, want %s", body, w.results, want)
		}
		if (len(w.inbox.out) == 1) != (want == "opt-out") || (len(w.inbox.in) == 1) != (want == "opt-in") {
			t.Errorf("%q: opted out %v, in %v", body, w.inbox.out, w.inbox.in)
		}
		if body != "" && body != "1" && strings.Contains(w.log.String(), body) || strings.Contains(w.log.String(), "63998") {
			t.Errorf("%q: the log holds the text or the number: %s", body, w.log.String())
		}
	}
}

func TestWebhook_InboundFromNobody(t *testing.T) {
	for _, from := range []string{"", "36179", "CAF", "+999", "٠٦"} {
		w := newWebhooks()
		got := w.send("/twilio/inbound", url.Values{"From": {from}, "Body": {"STOP"}}, nil)
		if got.Code != http.StatusOK || w.results["inbound odd"] != 1 || len(w.inbox.out) != 0 {
			t.Errorf("%q: answer %d, %v, opted out %v", from, got.Code, w.results, w.inbox.out)
		}
	}
}

// Nothing unsigned gets through, whatever it is made of.
func FuzzWebhook(f *testing.F) {
	f.Add("/twilio/status?m=m1", "MessageSid=SM1&MessageStatus=sent", "application/x-www-form-urlencoded", "")
	f.Add("/twilio/inbound", "From=%2B33639980001&Body=STOP", "application/x-www-form-urlencoded", "bm90aGluZw==")
	f.Add("/twilio/status?%zz", "a=b&a=c", "multipart/form-data; boundary=x", "x")
	f.Fuzz(func(t *testing.T, path, body, kind, signature string) {
		target, err := url.ParseRequestURI(path)
		if err != nil || target.Host != "" {
			return
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL, r.RequestURI = target, path
		r.Header.Set("Content-Type", kind)
		r.Header.Set(carrier.SignatureHeader, signature)
		w := newWebhooks()
		out := httptest.NewRecorder()
		w.ServeHTTP(out, r)
		if out.Code < 400 && out.Code != http.StatusTemporaryRedirect || len(w.inbox.reports)+len(w.inbox.out)+len(w.inbox.in) != 0 {
			t.Fatalf("answer %d, inbox %+v", out.Code, w.inbox)
		}
	})
}
