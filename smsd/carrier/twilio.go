package carrier

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"consigne/smsd/queue"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// Account is what Twilio's console gives.
type Account struct {
	SID   string
	Token string // also the key of webhook signatures
	From  string // a number, or letters for a one-way sender
}

// Twilio delivers through Twilio's HTTP interface of 2010-04-01.
type Twilio struct {
	account Account
	base    *url.URL // overrides the library's address
	public  string   // where Twilio calls back
	http    http.RoundTripper
}

// maxAnswer is far above anything that Twilio answers for a page of messages.
const maxAnswer = 16 << 20

// connections is how many stay open between requests: twice as many as requests in
// flight by default, so that none waits for a handshake.
const connections = 2 * queue.DefaultWorkers

// NewTwilio makes the carrier. apiURL overrides Twilio's address where it is not
// empty; publicURL is where this daemon's webhooks are reached from outside. The
// error is for an address that is none.
func NewTwilio(a Account, apiURL, publicURL string) (*Twilio, error) {
	base, err := url.Parse(cmp.Or(apiURL, "https://api.twilio.com"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, errors.New("carrier's address is no http or https URL")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = connections, connections
	return &Twilio{account: a, base: base, public: strings.TrimSuffix(publicURL, "/"), http: transport}, nil
}

// Name is "twilio".
func (t *Twilio) Name() string { return "twilio" }

// Deliver asks Twilio to send one message. Twilio has no idempotency key: only
// an answer that says so, or a connection that was never made, is certain.
func (t *Twilio) Deliver(ctx context.Context, d queue.Delivery) (queue.Receipt, error) {
	x := t.exchange(ctx)
	p := &api.CreateMessageParams{}
	p.SetTo(d.To).SetFrom(t.account.From).SetBody(d.Text).SetStatusCallback(t.callback(d))
	m, err := x.service().CreateMessage(p)
	if err != nil {
		return queue.Receipt{}, x.verdict(err)
	}
	if x.status != http.StatusCreated && x.status != http.StatusOK || !queue.ValidID(text(m.Sid)) {
		return queue.Receipt{}, &queue.Doubt{Code: "odd-answer"}
	}
	return receipt(*m), nil
}

// callback is where Twilio reports on one attempt. A message id is no secret.
func (t *Twilio) callback(d queue.Delivery) string {
	q := url.Values{"m": {d.ID}, "n": {strconv.Itoa(d.Attempt)}}
	return t.public + "/twilio/status?" + q.Encode()
}

// A number's list is looked through to its end, in pages of the most that Twilio
// gives, unless it is longer than any person's.
const (
	listPage = 1000
	maxPages = 5
)

// Find lists the messages to the same number and keeps those with the same text.
// Twilio keeps no reference of ours, and its list names no callback address. It
// can be narrowed by the day of sending, but a message that still waits to be
// sent has none, so the whole list is read; when each was taken is told on. What
// is final is deleted there, which keeps the list short.
func (t *Twilio) Find(ctx context.Context, d queue.Delivery) ([]queue.Receipt, error) {
	var (
		out   []queue.Receipt
		blind bool
		next  url.Values
	)
	for range maxPages {
		page, err := t.list(ctx, d.To, next)
		if err != nil {
			return nil, err
		}
		some, unreadable := matching(page.Messages, d)
		out, blind = append(some, out...), blind || unreadable
		if text(page.NextPageUri) == "" {
			if blind { // it may be one whose text the account has redacted
				return out, queue.ErrCannotTell
			}
			return out, nil
		}
		address, err := url.Parse(text(page.NextPageUri))
		if err != nil || address.Query().Get("PageToken") == "" {
			break
		}
		next = address.Query()
	}
	return out, queue.ErrCannotTell // it may stand further down
}

// list reads one page of the messages to a number, the first or the one that
// next names.
func (t *Twilio) list(ctx context.Context, to string, next url.Values) (*api.ListMessageResponse, error) {
	x := t.exchange(ctx)
	p := &api.ListMessageParams{}
	p.SetTo(to).SetPageSize(listPage)
	page, err := x.service().PageMessage(p, next.Get("PageToken"), next.Get("Page"))
	if err != nil {
		return nil, &queue.Doubt{Code: x.code(err)}
	}
	if x.status != http.StatusOK || page.Messages == nil {
		return nil, &queue.Doubt{Code: "odd-answer"}
	}
	return page, nil
}

// Erase deletes a message at Twilio, with its number and text. Twilio refuses
// while it is still sending it; one that is not there is gone already.
func (t *Twilio) Erase(ctx context.Context, carrierID string) error {
	x := t.exchange(ctx)
	err := x.service().DeleteMessage(url.PathEscape(carrierID), nil)
	_, told := errors.AsType[*client.TwilioRestError](err) // and not some proxy
	switch {
	case told && x.status == http.StatusNotFound, err == nil && x.status == http.StatusNoContent:
		return nil
	case err == nil:
		return &queue.Doubt{Code: "odd-answer"}
	}
	return &queue.Doubt{Code: x.code(err)}
}

// matching keeps the messages with the number and text of d, oldest first, and
// tells whether some to that number show no text.
func matching(page []api.ApiV2010Message, d queue.Delivery) (out []queue.Receipt, blind bool) {
	for _, m := range slices.Backward(page) { // the newest come first
		if text(m.To) != d.To || !queue.ValidID(text(m.Sid)) {
			continue
		}
		body := strings.TrimPrefix(text(m.Body), trialPrefix)
		if sameText(body, d.Text) {
			out = append(out, receipt(m))
		}
		blind = blind || body == ""
	}
	return out, blind
}

// trialPrefix is what Twilio puts before every text of a trial account.
const trialPrefix = "Sent from your Twilio trial account - "

// sameText forgives what carriers change in texts: ends of lines, spaces, and with
// smart encoding (https://www.twilio.com/docs/messaging/services#smart-encoding) quotes,
// dashes and dots. Letters and digits they leave, and of two texts that have the same
// ones the entries are told apart by their ids.
func sameText(a, b string) bool {
	if x := lettersOf(a); x != "" {
		return x == lettersOf(b)
	}
	return strings.TrimSpace(a) == strings.TrimSpace(b)
}

func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

func receipt(m api.ApiV2010Message) queue.Receipt {
	r := queue.Receipt{CarrierID: text(m.Sid), State: queue.Accepted}
	if at, err := time.Parse(time.RFC1123Z, text(m.DateCreated)); err == nil {
		r.Taken = at.UTC()
	}
	if s, known := states[text(m.Status)]; known {
		r.State = s
	}
	if m.ErrorCode != nil {
		r.Code, r.Class = strconv.Itoa(*m.ErrorCode), codes[*m.ErrorCode]
	}
	return r
}

// states translates the words of Twilio's status; others say nothing new.
var states = map[string]queue.State{
	"accepted": queue.Accepted, "scheduled": queue.Accepted, "queued": queue.Accepted, "sending": queue.Accepted,
	"sent": queue.Sent, "delivered": queue.Delivered, "read": queue.Delivered,
	"undelivered": queue.Undelivered, "failed": queue.Failed, "canceled": queue.Failed,
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// exchange is one request and what is known about its answer. The library takes
// no context, has a fixed address and hides the status, so it stands in as the
// library's transport.
type exchange struct {
	twilio *Twilio
	ctx    context.Context
	status int
	wait   time.Duration
}

func (t *Twilio) exchange(ctx context.Context) *exchange { return &exchange{twilio: t, ctx: ctx} }

func (x *exchange) service() *api.ApiService {
	c := &client.Client{
		Credentials: client.NewCredentials(x.twilio.account.SID, x.twilio.account.Token),
		HTTPClient: &http.Client{Transport: x, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	c.SetAccountSid(x.twilio.account.SID)
	return api.NewApiService(client.NewRequestHandler(c))
}

// RoundTrip sends the request to the address that was set, under the context of
// the exchange, and reads the answer whole: a cut one is an error here.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(x.ctx)
	out.URL.Scheme, out.URL.Host = x.twilio.base.Scheme, x.twilio.base.Host
	out.URL.Path = strings.TrimSuffix(x.twilio.base.Path, "/") + r.URL.Path
	out.Host = x.twilio.base.Host
	res, err := x.twilio.http.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	x.status = res.StatusCode
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		x.wait = time.Duration(s) * time.Second
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// verdict says what a failed request means: a *queue.Refusal where it is certain
// that Twilio did not take the message, a *queue.Doubt otherwise.
func (x *exchange) verdict(err error) error {
	if x.status == http.StatusTooManyRequests {
		return &queue.Refusal{Code: "429", Class: queue.ClassBusy, Wait: x.wait}
	}
	if x.status == 0 && neverConnected(err) {
		return &queue.Refusal{Code: "no-connection", Class: queue.ClassDown}
	}
	rest, ok := errors.AsType[*client.TwilioRestError](err)
	if x.status == 0 && ok { // the library refused to send: credentials with odd letters
		return &queue.Refusal{Code: strconv.Itoa(rest.Code), Class: queue.ClassSetup}
	}
	// 408 says that a server gave up waiting, not that nothing was done.
	certain := x.status >= 400 && x.status < 500 && x.status != http.StatusRequestTimeout
	if !certain || !ok || rest.Code == 0 {
		return &queue.Doubt{Code: x.code(err)}
	}
	return &queue.Refusal{Code: strconv.Itoa(rest.Code), Class: codes[rest.Code], Wait: x.wait}
}

// neverConnected tells failures before a byte of the request could leave.
func neverConnected(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// code names a failure without its text, in which the library puts numbers.
func (x *exchange) code(err error) string {
	var timeout net.Error
	switch {
	case x.status != 0:
		return "http-" + strconv.Itoa(x.status)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "cut"
}
