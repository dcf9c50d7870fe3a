package carrier

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"consigne/smsd/queue"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// A Finding answers one question about the set-up, in plain words that hold no
// secret.
type Finding struct {
	About string // "credentials", "sender", "answers", "webhooks" or "signatures"
	Good  bool
	Words string
}

// A Check asks whether messages could leave and calls could come back, without
// sending anything.
type Check struct {
	Account    Account
	API        string // overrides Twilio's address, as for [NewTwilio]
	Public     string // where Twilio calls back
	Store      string // fingerprint that this store's smsd tells; see [Webhooks]
	Capability queue.Capability
	Client     *http.Client // for calls to Public; they must not follow redirects
}

// Run asks all questions, each whatever became of the others. The error is that
// of [NewTwilio].
func (c Check) Run(ctx context.Context) ([]Finding, error) {
	t, err := NewTwilio(c.Account, c.API, c.Public)
	if err != nil {
		return nil, err
	}
	findings := []Finding{t.checkCredentials(ctx)}
	if strings.HasPrefix(c.Account.From, "+") {
		findings = append(findings, t.checkNumber(ctx, c.Capability == queue.TwoWay)...)
	} else {
		findings = append(findings, checkLetters(c.Account.From))
	}
	return append(findings, c.checkWebhooks(ctx)...), nil
}

// NoRedirects is for the Client of a [Check]: a redirect is an answer.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (t *Twilio) checkCredentials(ctx context.Context) Finding {
	bad := func(words string) Finding { return Finding{"credentials", false, words} }
	x := t.exchange(ctx)
	a, err := x.service().FetchAccount(t.account.SID)
	switch {
	case x.status == http.StatusUnauthorized, x.status == http.StatusForbidden, refusedToAsk(x, err):
		return bad("Twilio does not take this account and token: see TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
	case x.status == http.StatusNotFound:
		return bad("Twilio knows no such account: see TWILIO_ACCOUNT_SID")
	case x.status == 0:
		return bad("Twilio cannot be reached from here (" + x.code(err) + ")")
	case err != nil || x.status != http.StatusOK:
		return bad("Twilio does not answer as it should (" + x.code(err) + "): try again later")
	case text(a.Sid) != t.account.SID:
		return bad("another account answers than the one that was asked for: see TWILIO_ACCOUNT_SID and TWILIO_API_URL")
	case text(a.Status) != "active":
		return bad("the account is suspended or closed")
	case text(a.Type) == "Trial":
		return Finding{"credentials", true, "the account answers; as a trial it writes only to numbers that are verified there"}
	}
	return Finding{"credentials", true, "the account answers and is active"}
}

// refusedToAsk tells that the library sent nothing, because of odd letters in the
// credentials.
func refusedToAsk(x *exchange, err error) bool {
	_, refused := errors.AsType[*client.TwilioRestError](err)
	return refused && x.status == 0
}

// letters are what Twilio takes as an alphanumeric sender
// (https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id); networks
// take none of less than three.
var letters = regexp.MustCompile(`^[A-Za-z0-9 +\-_&]{3,11}$`)

func checkLetters(from string) Finding {
	switch {
	case !letters.MatchString(from):
		return Finding{"sender", false, "a sender is a number that begins with +, or 3 to 11 letters, digits and spaces: see TWILIO_FROM"}
	case !strings.ContainsAny(strings.ToLower(from), "abcdefghijklmnopqrstuvwxyz"):
		return Finding{"sender", false, "a sender that is no number needs a letter at least: see TWILIO_FROM"}
	}
	return Finding{"sender", true, "letters, as networks take them; nobody can answer them"}
}

// checkNumber asks whether the number is the account's and, where people may
// answer, whether what they write comes to us.
func (t *Twilio) checkNumber(ctx context.Context, answers bool) []Finding {
	bad := func(words string) []Finding { return []Finding{{"sender", false, words}} }
	x := t.exchange(ctx)
	p := &api.ListIncomingPhoneNumberParams{}
	p.SetPhoneNumber(t.account.From)
	page, err := x.service().PageIncomingPhoneNumber(p, "", "")
	if err != nil || x.status != http.StatusOK {
		return bad("the account's numbers could not be asked for (" + x.code(err) + ")")
	}
	for _, n := range page.IncomingPhoneNumbers {
		if text(n.PhoneNumber) != t.account.From {
			continue
		}
		if n.Capabilities == nil || !n.Capabilities.Sms {
			return bad("the number is the account's, and sends no SMS")
		}
		findings := []Finding{{"sender", true, "the number is the account's and sends SMS"}}
		if answers {
			findings = append(findings, t.checkInbound(n))
		}
		return findings
	}
	return bad("the number is none of the account's: see TWILIO_FROM")
}

func (t *Twilio) checkInbound(n api.ApiV2010IncomingPhoneNumber) Finding {
	method := text(n.SmsMethod)
	if text(n.SmsApplicationSid) == "" && text(n.SmsUrl) == t.public+"/twilio/inbound" && (method == "" || method == http.MethodPost) {
		return Finding{"answers", true, "what people write to the number comes to smsd"}
	}
	return Finding{"answers", false, "what people write to the number does not come to smsd: have Twilio POST to the public address with /twilio/inbound"}
}

// StoreHeader tells whoever signs a call which store took it.
const StoreHeader = "Consigne-Store"

// checkWebhooks calls the public address as Twilio would, with a status that
// says nothing: once signed, once not.
func (c Check) checkWebhooks(ctx context.Context) []Finding {
	hooks := c.checkSigned(ctx)
	signatures := Finding{"signatures", false, "not asked, since smsd was not found at the public address"}
	if hooks.Good {
		status, _, err := c.call(ctx, false)
		switch {
		case err == nil && status == http.StatusForbidden:
			signatures = Finding{"signatures", true, "a call without a signature was refused"}
		case err == nil && status < 300:
			signatures.Words = "a call without a signature was taken: anybody could say what became of messages"
		default:
			signatures.Words = "a call without a signature was not answered as it should be (" + outcome(status, err) + ")"
		}
	}
	return []Finding{hooks, signatures}
}

func (c Check) checkSigned(ctx context.Context) Finding {
	bad := func(words string) Finding { return Finding{"webhooks", false, words} }
	public, err := url.Parse(c.Public)
	switch {
	case c.Public == "":
		return bad("no public address is set, so nobody can call back: see --public-url")
	case err != nil || public.Host == "":
		return bad("the public address is none: see --public-url")
	case public.Scheme != "https":
		return bad("the public address is not https: numbers and texts would travel in the clear")
	}
	status, store, err := c.call(ctx, true)
	switch {
	case err != nil:
		return bad("the public address cannot be reached from here (" + outcome(0, err) + ")")
	case status == http.StatusForbidden:
		return bad("a signed call was refused: smsd there has another token or another --public-url")
	case status != http.StatusNoContent || store == "":
		return bad("something else than smsd answers at the public address (" + outcome(status, nil) + "): see the proxy before it")
	case store != c.Store:
		return bad("smsd of another store answers at the public address")
	}
	return Finding{"webhooks", true, "the public address is https, is reached, and this store's smsd answers"}
}

// probeID stands for a message in the probes' addresses.
const probeID = "check"

// call makes one webhook call and tells which store took it.
func (c Check) call(ctx context.Context, signed bool) (status int, store string, err error) {
	address := strings.TrimSuffix(c.Public, "/") + "/twilio/status?m=" + probeID
	form := map[string]string{"MessageSid": "CK" + rand.Text(), "MessageStatus": "check"}
	values := url.Values{}
	for name, v := range form {
		values.Set(name, v)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if signed {
		r.Header.Set(SignatureHeader, Sign(c.Account.Token, address, form))
	}
	res, err := c.Client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, res.Header.Get(StoreHeader), err
}

// outcome names what came of a call, without the address.
func outcome(status int, err error) string {
	var (
		certificate *tls.CertificateVerificationError
		late        interface{ Timeout() bool }
	)
	switch {
	case err == nil:
		return fmt.Sprint("status ", status)
	case errors.As(err, &certificate):
		return "its certificate is not valid"
	case errors.As(err, &late) && late.Timeout():
		return "no answer in time"
	case neverConnected(err):
		return "no connection"
	}
	return "the connection broke"
}
