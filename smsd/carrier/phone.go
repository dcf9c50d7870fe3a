package carrier

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"consigne/smsd/queue"
)

// Phone is the simulated phone: a carrier in memory, whose page shows a phone
// for each number. It takes every message and then calls this daemon's own
// webhooks, as Twilio would, signed with a token that nobody else knows.
type Phone struct {
	token string
	now   func() time.Time
	log   *slog.Logger
	http  *http.Client

	mu      sync.Mutex
	held    []bubble
	dropped bool // it has shown more than it keeps
	calls   chan hook
}

// bubble is one message, from us or, when an answer, to us.
type bubble struct {
	id, ref, number, text string
	at                    time.Time
	answer                bool
}

// hook is a webhook call that is still to be made.
type hook struct {
	path string
	form map[string]string
}

const (
	phoneKeeps = 500  // messages in memory, the oldest go first
	phoneCalls = 4096 // webhook calls waiting; more are dropped, as a carrier may
	hookTries  = 5
)

// NewPhone makes the simulated phone with a fresh token. Its webhooks are at
// the address given to [Phone.Run].
func NewPhone(now func() time.Time, log *slog.Logger) *Phone {
	return &Phone{
		token: rand.Text(), now: now, log: log,
		http:  &http.Client{Timeout: 10 * time.Second},
		calls: make(chan hook, phoneCalls),
	}
}

// Token is the key of the webhook signatures.
func (p *Phone) Token() string { return p.token }

// Name is "phone".
func (p *Phone) Name() string { return "phone" }

// Deliver shows the message and reports it sent and delivered soon after.
func (p *Phone) Deliver(_ context.Context, d queue.Delivery) (queue.Receipt, error) {
	id := "PH" + rand.Text()
	p.add(bubble{id: id, ref: d.Ref, number: d.To, text: d.Text, at: p.now()})
	path := "/twilio/status?" + url.Values{"m": {d.ID}, "n": {strconv.Itoa(d.Attempt)}}.Encode()
	for _, status := range []string{"sent", "delivered"} {
		p.call(hook{path, map[string]string{"MessageSid": id, "MessageStatus": status, "To": d.To}})
	}
	return queue.Receipt{CarrierID: id, State: queue.Accepted}, nil
}

// Find looks for the attempt's reference among the messages that the phone still
// shows; one that it has shown and dropped cannot be told from one that never came.
func (p *Phone) Find(_ context.Context, d queue.Delivery) ([]queue.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.held {
		if !b.answer && b.ref == d.Ref {
			return []queue.Receipt{{CarrierID: b.id, State: queue.Delivered, Taken: b.at}}, nil
		}
	}
	if p.dropped {
		return nil, queue.ErrCannotTell
	}
	return nil, nil
}

// Erase does nothing: there is no carrier here that keeps a copy of its own, only
// the phone, and a phone goes on showing what it got.
func (p *Phone) Erase(context.Context, string) error { return nil }

// Answer sends a text back from the phone of a number. It returns an error for
// a number that has had no message.
func (p *Phone) Answer(number, text string) error {
	if !slices.ContainsFunc(p.shown(), func(b bubble) bool { return b.number == number }) {
		return errors.New("no such phone")
	}
	id := "PH" + rand.Text()
	p.add(bubble{id: id, number: number, text: text, at: p.now(), answer: true})
	p.call(hook{"/twilio/inbound", map[string]string{"MessageSid": id, "From": number, "Body": text}})
	return nil
}

func (p *Phone) add(b bubble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = append(p.held, b)
	if len(p.held) > phoneKeeps {
		p.held, p.dropped = slices.Delete(p.held, 0, len(p.held)-phoneKeeps), true
	}
}

func (p *Phone) shown() []bubble {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.held)
}

func (p *Phone) call(h hook) {
	select {
	case p.calls <- h:
	default:
		p.log.Warn("simulated phone drops a call")
	}
}

// Run makes the webhook calls to the daemon at base until ctx ends.
func (p *Phone) Run(ctx context.Context, base string) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case h := <-p.calls:
			p.make(ctx, base, h)
		}
	}
}

// make calls until the webhook answers, a few times.
func (p *Phone) make(ctx context.Context, base string, h hook) {
	for try := range hookTries {
		err := p.post(ctx, base, h)
		if err == nil || ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second << try / 4):
		}
	}
	p.log.Warn("simulated phone cannot call back")
}

func (p *Phone) post(ctx context.Context, base string, h hook) error {
	values := url.Values{}
	for name, v := range h.form {
		values.Set(name, v)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+h.path, strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(SignatureHeader, Sign(p.token, base+h.path, h.form))
	res, err := p.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return errors.New("webhook answered " + res.Status)
	}
	return nil
}
