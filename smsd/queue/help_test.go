package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/smsd/queue"
)

const (
	number = "+33639980001"
	text   = "Rendez-vous demain a 14h30."
	grace  = time.Minute
)

// bench is a store with both its sides and a clock that the test moves.
type bench struct {
	*testing.T
	db     *database.DB
	keys   *queue.Keys
	sender *queue.Sender
	queue  *queue.Queue
	clock  *clock
}

type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) forward(d time.Duration) { c.at = c.at.Add(d) }

func onBoth(t *testing.T, fn func(b *bench)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { fn(newBench(t, db)) })
}

func newBench(t *testing.T, db *database.DB) *bench {
	c := &clock{time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)}
	keys := queue.NewKeys(seal.NewKey())
	return &bench{
		T: t, db: db, keys: keys, clock: c,
		sender: queue.NewSender(keys.Public(), c.now),
		queue:  queue.New(db, keys, c.now, grace),
	}
}

func (b *bench) write(fn func(tx database.Handle) error) error {
	return b.db.Write(b.Context(), fn)
}

// exec changes the store behind the queue's back.
func (b *bench) exec(query string, args ...any) {
	b.Helper()
	b.must(b.write(func(tx database.Handle) error {
		_, err := tx.Exec(b.Context(), query, args...)
		return err
	}))
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// message is due now and lasts an hour.
func (b *bench) message(id string) queue.Message {
	return queue.Message{ID: id, Text: text, Kind: queue.Reminder, Due: b.clock.at, Expires: b.clock.at.Add(time.Hour)}
}

// enqueue queues a message to the number that all tests write to.
func (b *bench) enqueue(id string) {
	b.Helper()
	b.enqueueTo(number, b.message(id))
}

func (b *bench) enqueueTo(to string, m queue.Message) {
	b.Helper()
	b.must(b.write(func(tx database.Handle) error {
		out, err := b.sender.EnqueueTo(b.Context(), tx, to, m)
		if err == nil && out != queue.Queued {
			err = fmt.Errorf("%v was not new", m)
		}
		return err
	}))
}

// claim takes what is due and expects that many.
func (b *bench) claim(want int) []queue.Delivery {
	b.Helper()
	got, err := b.queue.Claim(b.Context(), 100, "test")
	b.must(err)
	if len(got) != want {
		b.Fatalf("claimed %d messages, want %d", len(got), want)
	}
	return got
}

// answer settles one attempt: with an error, or as accepted under carrierID.
func (b *bench) answer(d queue.Delivery, carrierID string, failure error) {
	b.Helper()
	b.must(b.queue.Settle(b.Context(), []queue.Result{{
		Delivery: d, Receipt: queue.Receipt{CarrierID: carrierID, State: queue.Accepted}, Err: failure,
	}}))
}

// report takes in a callback and expects it to be news or not.
func (b *bench) report(id string, attempt int, carrierID string, s queue.State, news bool) {
	b.Helper()
	got, err := b.queue.Report(b.Context(), queue.Report{
		ID: id, Attempt: attempt, Receipt: queue.Receipt{CarrierID: carrierID, State: s},
	})
	b.must(err)
	if got != news {
		b.Fatalf("report %s on %s: news %v, want %v", s, id, got, news)
	}
}

func (b *bench) status(id string) queue.Status {
	b.Helper()
	all, err := queue.States(b.Context(), b.db.Read(), []string{id})
	b.must(err)
	s, ok := all[id]
	if !ok {
		b.Fatalf("message %s is not there", id)
	}
	return s
}

func (b *bench) want(id string, s queue.State) queue.Status {
	b.Helper()
	got := b.status(id)
	if got.State != s {
		b.Fatalf("message %s is %s (error %q), want %s", id, got.State, got.Error, s)
	}
	return got
}

// count runs a query that gives one number.
func (b *bench) count(query string, args ...any) int {
	b.Helper()
	var n int
	b.must(b.db.Read().QueryRow(b.Context(), query, args...).Scan(&n))
	return n
}

// erased expects a final message to have kept nothing of what it said.
func (b *bench) erased(id string) {
	b.Helper()
	if n := b.count(`SELECT COUNT(*) FROM message WHERE id = ? AND final_at IS NOT NULL
		AND text IS NULL AND number_id IS NULL AND sender IS NULL`, id); n != 1 {
		b.Errorf("message %s keeps its text or number", id)
	}
}

var errDoubt = &queue.Doubt{Code: "timeout"}

func refusal(class queue.Class) error { return &queue.Refusal{Code: "test", Class: class} }

func refusedFor(err error) queue.Reason {
	if no, ok := errors.AsType[*queue.Refused](err); ok {
		return no.Reason
	}
	return ""
}

// carrierFunc makes a carrier of two functions.
type fakeCarrier struct {
	deliver func(context.Context, queue.Delivery) (queue.Receipt, error)
	find    func(context.Context, queue.Delivery) ([]queue.Receipt, error)
	erase   func(context.Context, string) error
}

func (c fakeCarrier) Erase(ctx context.Context, id string) error {
	if c.erase == nil {
		return nil
	}
	return c.erase(ctx, id)
}

func (fakeCarrier) Name() string { return "fake" }

func (c fakeCarrier) Deliver(ctx context.Context, d queue.Delivery) (queue.Receipt, error) {
	return c.deliver(ctx, d)
}

func (c fakeCarrier) Find(ctx context.Context, d queue.Delivery) ([]queue.Receipt, error) {
	return c.find(ctx, d)
}
