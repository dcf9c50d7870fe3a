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
	heard   []queue.Inbound
	failure error
}

func (i *inbox) Report(_ context.Context, r queue.Report) (bool, error) {
	i.reports = append(i.reports, r)
	return true, i.failure
}

func (i *inbox) Answered(_ context.Context, in queue.Inbound) (queue.Heard, error) {
	i.heard = append(i.heard, in)
	return queue.HeardStop, i.failure
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
		Token: token, Public: public, Store: "5708e", Inbox: w.inbox, Log: slog.New(slog.NewJSONHandler(&w.log, nil)),
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
	if got := w.send("/twilio/inbound", url.Values{"MessageSid": {"SM9"}, "From": {"+33639980001"}, "Body": {"STOP"}}, nil); got.Code != http.StatusInternalServerError {
		t.Errorf("an opt-out that is not written: %d", got.Code)
	}
	if w.results["status unknown"] != 1 || w.results["status failed"] != 1 || w.results["inbound failed"] != 1 {
		t.Errorf("counted %v", w.results)
	}
}

// What is written goes to the queue as it is; the log holds nothing of it.
func TestWebhook_Inbound(t *testing.T) {
	for name, body := range map[string]string{
		"STOP": "STOP", "empty": "", "emoji": "🛑🛑", "invalid UTF-8": "\xff\xfe", "1,600 letters": strings.Repeat("é", 1600), "a nought": "a\x00b",
		"markup": "<Response><Message>oui</Message></Response>", "lines": "oui\r\nlevel=error",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWebhooks()
			got := w.send("/twilio/inbound", url.Values{"MessageSid": {"SM9"}, "From": {"+33639980001"}, "To": {"+33756790000"}, "Body": {body}}, nil)
			if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "<Response></Response>") || got.Header().Get("Content-Type") != "text/xml; charset=utf-8" {
				t.Errorf("answer %d %s", got.Code, got.Body)
			}
			if diff := cmp.Diff([]queue.Inbound{{CarrierID: "SM9", From: "+33639980001", Text: body}}, w.inbox.heard); diff != "" {
				t.Error(diff)
			}
			if w.results["inbound opt-out"] != 1 {
				t.Errorf("counted %v", w.results)
			}
			if log := w.log.String(); strings.Contains(log, "63998") || body != "" && strings.Contains(log, body) || strings.Count(log, "\n") != 1 {
				t.Errorf("the log holds more than a code: %s", log)
			}
		})
	}
}

// Ids that are none of ours are not even looked for.
func TestWebhook_StatusOfNoMessage(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		form url.Values
	}{
		"no id":                {"/twilio/status", statusForm("sent", "")},
		"an empty id":          {"/twilio/status?m=", statusForm("sent", "")},
		"a nought in it":       {"/twilio/status?m=m%00", statusForm("sent", "")},
		"invalid UTF-8":        {"/twilio/status?m=%ff", statusForm("sent", "")},
		"a long one":           {"/twilio/status?m=" + strings.Repeat("m", 65), statusForm("sent", "")},
		"the carrier's is odd": {"/twilio/status?m=m1", url.Values{"MessageSid": {"SM\x00"}, "MessageStatus": {"sent"}}},
	} {
		w := newWebhooks()
		if got := w.send(c.path, c.form, nil); got.Code != http.StatusNoContent || w.results["status unknown"] != 1 || len(w.inbox.reports) != 0 {
			t.Errorf("%s: answer %d, counted %v", name, got.Code, w.results)
		}
	}
}

// A failure is counted by what it means for us, also where the message is tried
// again.
func TestWebhook_CountsFailuresByClass(t *testing.T) {
	for code, want := range map[string]string{
		"30005": "failed-number", "30007": "failed-content", "30002": "failed-setup", "30003": "failed-temporary", "39999": "failed-other",
		"": "failed", "0": "failed", "x": "failed", "99999999999999999999": "failed",
	} {
		w := newWebhooks()
		w.send("/twilio/status?m=m1&n=1", statusForm("failed", code), nil)
		if w.results["status "+want] != 1 {
			t.Errorf("%q: counted %v, want %s", code, w.results, want)
		}
	}
}

// Whoever signs is told which store takes the calls, nobody else.
func TestWebhook_NamesItsStore(t *testing.T) {
	w := newWebhooks()
	if got := w.send("/twilio/status?m=check", url.Values{"MessageStatus": {"check"}}, nil); got.Code != http.StatusNoContent || got.Header().Get(carrier.StoreHeader) != "5708e" {
		t.Errorf("answer %d, %v", got.Code, got.Header())
	}
	if got := w.send("/twilio/status?m=check", url.Values{"MessageStatus": {"check"}}, func(r *http.Request) { r.Header.Del(carrier.SignatureHeader) }); got.Header().Get(carrier.StoreHeader) != "" {
		t.Error("an unsigned call was told the store")
	}
	if w.results["status check"] != 1 || w.results["status refused"] != 1 || len(w.inbox.reports) != 0 {
		t.Errorf("counted %v", w.results)
	}
}

// A signed form is read as it was written, or refused: whatever it is made of,
// what is signed is what is acted on.
func FuzzSignedForm(f *testing.F) {
	f.Add("/twilio/status?m=m1&n=2", "MessageSid=SM1&MessageStatus=sent")
	f.Add("/twilio/inbound", "MessageSid=SM1&From=%2B33639980001&Body=STOP")
	f.Add("/twilio/inbound?a=b", "Body=a&Body=b")
	f.Add("/twilio/inbound", "Body=%ff%00;&%zz")
	f.Fuzz(func(t *testing.T, path, body string) {
		target, err := url.ParseRequestURI(path)
		values, formErr := url.ParseQuery(body)
		if err != nil || target.Host != "" {
			return
		}
		first := map[string]string{}
		for name, v := range values {
			first[name] = v[0]
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL, r.RequestURI = target, path
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(carrier.SignatureHeader, carrier.Sign(token, public+path, first))
		w := newWebhooks()
		out := httptest.NewRecorder()
		w.ServeHTTP(out, r)
		if formErr != nil && len(w.inbox.reports)+len(w.inbox.heard) != 0 {
			t.Fatalf("a form that is none was acted on: %q", body)
		}
		for _, heard := range w.inbox.heard {
			if heard.Text != first["Body"] || heard.From != first["From"] || len(values["Body"]) > 1 {
				t.Fatalf("%q was heard as %#v", body, heard.Text)
			}
		}
		for _, report := range w.inbox.reports {
			if report.CarrierID != first["MessageSid"] || !queue.ValidID(report.ID) || len(values["MessageSid"]) > 1 {
				t.Fatalf("%q was reported as %+v", body, report)
			}
		}
	})
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
		if out.Code < 400 && out.Code != http.StatusTemporaryRedirect || len(w.inbox.reports)+len(w.inbox.heard) != 0 {
			t.Fatalf("answer %d, inbox %+v", out.Code, w.inbox)
		}
	})
}
