package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/smsd/queue"
)

// network is a carrier that misbehaves: what it takes it puts down in phones,
// whatever it answers.
type network struct {
	mu     sync.Mutex
	random *rand.Rand
	silent map[string]bool // messages about which it was asked last without an answer
	phones map[string][]string
	ids    map[string][]queue.Receipt
	n      int
	asked  int
}

func newNetwork() *network {
	return &network{random: rand.New(rand.NewPCG(7, 7)), silent: map[string]bool{}, phones: map[string][]string{}, ids: map[string][]queue.Receipt{}}
}

func (*network) Name() string { return "network" }

func (w *network) Deliver(ctx context.Context, d queue.Delivery) (queue.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fault := w.random.IntN(10)
	switch fault {
	case 0:
		return queue.Receipt{}, &queue.Refusal{Code: "429", Class: queue.ClassBusy}
	case 1: // closed before it took the message
		return queue.Receipt{}, &queue.Doubt{Code: "cut"}
	}
	w.n++
	r := queue.Receipt{CarrierID: fmt.Sprint("SM", w.n), State: queue.Accepted}
	w.phones[d.To] = append(w.phones[d.To], d.Text)
	w.ids[d.To+d.Text] = append(w.ids[d.To+d.Text], r)
	if fault <= 4 { // took it, and answers badly
		return queue.Receipt{}, &queue.Doubt{Code: "http-502"}
	}
	return r, nil
}

func (w *network) Find(_ context.Context, d queue.Delivery) ([]queue.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	// Never twice in a row about one message: after six it would be held.
	if w.silent[d.ID] = !w.silent[d.ID] && w.random.IntN(4) == 0; w.silent[d.ID] {
		return nil, &queue.Doubt{Code: "timeout"}
	}
	return w.ids[d.To+d.Text], nil
}

func (w *network) Erase(_ context.Context, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, all := range w.ids {
		w.ids[key] = slices.DeleteFunc(all, func(r queue.Receipt) bool { return r.CarrierID == id })
	}
	return nil
}

// strides is a clock that is set forward a little whenever no message is seen in
// flight, so that hours pass in seconds and no machine is too slow for it: a stride is
// far shorter than a request may take.
type strides struct {
	mu    sync.Mutex
	start time.Time
	ahead time.Duration
}

func newStrides() *strides { return &strides{start: time.Now()} }

func (c *strides) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(c.ahead)
}

func (c *strides) both() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(c.ahead), c.ahead
}

func (c *strides) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// With half the requests at fault, every message is in its phone exactly once.
func TestDaemon_NeverLostNeverTwice(t *testing.T) {
	t.Parallel() // it waits more than it works
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		t.Parallel()
		const many = 120
		clock := newStrides()
		now := clock.now
		keys := queue.NewKeys(seal.NewKey())
		sender := queue.NewSender(keys.Public(), now)
		want := map[string]map[string]int{}
		err := db.Write(t.Context(), func(tx database.Handle) error {
			for i := range many {
				m := queue.Message{
					ID: fmt.Sprint("m", i), Kind: queue.Notice, Due: now(), Expires: now().Add(300 * 24 * time.Hour),
					Text: fmt.Sprint("Message ", i%40), // each text to each phone more than once
				}
				to := fmt.Sprintf("+3363998%04d", i%10)
				if want[to] == nil {
					want[to] = map[string]int{}
				}
				want[to][m.Text]++
				if _, err := sender.EnqueueTo(t.Context(), tx, to, m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w, q := newNetwork(), queue.New(db, keys, now, 2*time.Minute)
		runUntil(t, db, q, w, clock, func(open map[queue.State]int) bool {
			return open[queue.Planned]+open[queue.Claimed]+open[queue.Unknown] == 0
		})
		if w.asked == 0 {
			t.Error("the carrier was never asked: the test makes no doubt")
		}
		if open, _, err := q.Open(t.Context()); err != nil || open[queue.Accepted] != many {
			t.Errorf("%v, %v: want all accepted", open, err)
		}
		for to, texts := range want {
			got := map[string]int{}
			for _, text := range w.phones[to] {
				got[text]++
			}
			for text, n := range texts {
				if got[text] != n {
					t.Errorf("a phone has %q %d times, want %d", text, got[text], n)
				}
			}
		}
	})
}

// runUntil runs a daemon until the counts of open messages satisfy done.
func runUntil(t *testing.T, db *database.DB, q *queue.Queue, c queue.Carrier, clock *strides, done func(map[queue.State]int) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := queue.NewDaemon(q, c, queue.Options{
		Workers: 8, Poll: 10 * time.Millisecond, Timeout: 10 * time.Minute,
		Alone: db.Kind() == database.SQLite, Log: slog.New(slog.DiscardHandler), Clock: clock.both,
	})
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	late := time.After(2 * time.Minute)
	for {
		open, _, err := q.Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if done(open) {
			break
		}
		select {
		case <-look.C:
			if open[queue.Claimed] == 0 {
				clock.forward(20 * time.Second)
			}
		case <-late:
			t.Fatalf("not done after two minutes: %v", open)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// A stop waits for the request in flight and writes what came of it.
func TestDaemon_StopWaitsForTheAnswer(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		leaving, answer := make(chan bool), make(chan bool)
		c := fakeCarrier{deliver: func(context.Context, queue.Delivery) (queue.Receipt, error) {
			leaving <- true
			<-answer
			return accepted("SM1"), nil
		}}
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		d := queue.NewDaemon(b.queue, c, queue.Options{Poll: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
		go func() { ended <- d.Run(ctx) }()
		<-leaving
		stop()
		b.want("m", queue.Claimed)
		close(answer)
		b.must(<-ended)
		b.want("m", queue.Accepted)
	})
}

// One number that fails holds up no other, and a carrier that hangs keeps only
// the workers that wait for it.
func TestDaemon_OthersGoOn(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueueTo("+33639980009", b.message("hangs"))
		b.enqueueTo("+33639980008", b.message("bad"))
		b.clock.forward(time.Second)
		b.enqueue("good")
		sent := make(chan string, 1)
		release := make(chan bool)
		c := fakeCarrier{deliver: func(_ context.Context, d queue.Delivery) (queue.Receipt, error) {
			switch d.ID {
			case "hangs":
				<-release
			case "bad":
				return queue.Receipt{}, refusal(queue.ClassNumber)
			}
			sent <- d.ID
			return accepted("SM-" + d.ID), nil
		}}
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		d := queue.NewDaemon(b.queue, c, queue.Options{Workers: 2, Poll: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
		go func() { ended <- d.Run(ctx) }()
		if got := <-sent; got != "good" {
			b.Errorf("%s left first", got)
		}
		close(release)
		stop()
		b.must(<-ended)
		b.want("bad", queue.Failed)
		b.want("good", queue.Accepted)
	})
}

// down is a carrier that is not there until it comes up.
type down struct {
	mu                      sync.Mutex
	up                      bool
	requests, absent, asked int
}

func (*down) Name() string { return "down" }

func (c *down) Deliver(context.Context, queue.Delivery) (queue.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	switch {
	case c.up:
	case c.requests > 4: // first nobody answers, then nobody is there
		c.absent++
		return queue.Receipt{}, &queue.Refusal{Code: "no-connection", Class: queue.ClassDown}
	default:
		return queue.Receipt{}, &queue.Doubt{Code: "timeout"}
	}
	return accepted(fmt.Sprint("SM", c.requests)), nil
}

func (c *down) Find(context.Context, queue.Delivery) ([]queue.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if !c.up {
		return nil, &queue.Doubt{Code: "timeout"}
	}
	return nil, nil
}

func (*down) Erase(context.Context, string) error { return nil }

// An outage of hours: few requests, nothing held, nothing failed, and all is sent
// when it is over.
func TestDaemon_CarrierDownForHours(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, outage)
}

func outage(t *testing.T, db *database.DB) {
	t.Parallel()
	const many, hours = 40, 3 * time.Hour
	clock := newStrides()
	now := clock.now
	start := now()
	keys := queue.NewKeys(seal.NewKey())
	sender := queue.NewSender(keys.Public(), now)
	err := db.Write(t.Context(), func(tx database.Handle) error {
		for i := range many {
			m := queue.Message{ID: fmt.Sprint("m", i), Kind: queue.Notice, Due: start, Expires: start.Add(300 * 24 * time.Hour), Text: "a"}
			if _, err := sender.EnqueueTo(t.Context(), tx, fmt.Sprintf("+3363998%04d", i), m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &down{}
	runUntil(t, db, queue.New(db, keys, now, time.Minute), c, clock, func(open map[queue.State]int) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if open[queue.Held] > 0 || open[queue.Planned]+open[queue.Claimed]+open[queue.Unknown]+open[queue.Accepted] != many {
			t.Fatalf("something was burnt: %v", open)
		}
		if !c.up && now().Sub(start) > hours {
			if c.absent == 0 || c.asked == 0 {
				t.Errorf("%d of %d requests met nobody, %d questions: want some of each", c.absent, c.requests, c.asked)
			}
			// One request and one question a minute at most, once it is known, beside those that were out before.
			if most := many + 2*int(hours/time.Minute); c.requests+c.asked > most {
				t.Errorf("%d requests and questions, want at most %d", c.requests+c.asked, most)
			}
			c.up = true
		}
		return open[queue.Accepted] == many
	})
}

// A process that stood still between its claim and its request does not send any
// more: the message may have been found absent, and gone by another process.
func TestDaemon_TooLateToLeave(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		var mu sync.Mutex
		var looks, sent int
		clock := func() (time.Time, time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			looks++
			return b.clock.at.Add(time.Duration(looks) * 20 * time.Second), 0 // it stands still before each look
		}
		settled := make(chan bool, 1)
		c := fakeCarrier{deliver: func(context.Context, queue.Delivery) (queue.Receipt, error) {
			sent++
			return accepted("SM1"), nil
		}}
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		d := queue.NewDaemon(b.queue, c, queue.Options{Poll: time.Millisecond, Clock: clock, Log: slog.New(noting{settled})})
		go func() { ended <- d.Run(ctx) }()
		<-settled
		stop()
		b.must(<-ended)
		if s := b.want("m", queue.Planned); sent != 0 || s.Error != "too-late" {
			b.Errorf("sent %d times, planned as %q", sent, s.Error)
		}
	})
}

// noting is a log that tells when a message was too late.
type noting struct{ told chan bool }

func (noting) Enabled(context.Context, slog.Level) bool { return true }
func (n noting) WithAttrs([]slog.Attr) slog.Handler     { return n }
func (n noting) WithGroup(string) slog.Handler          { return n }

func (n noting) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "too late to leave" {
		select {
		case n.told <- true:
		default:
		}
	}
	return nil
}
