package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"consigne/internal/database"
	"consigne/smsd/carrier"
	"consigne/smsd/queue"
)

// patient takes in what carriers call back also where the store is locked or full for
// longer than a carrier waits: nobody calls a second time, and a STOP must not be lost.
type patient struct {
	inbox  carrier.Inbox
	log    *slog.Logger
	places chan struct{} // each call that is kept takes one; beyond them a call fails at once
	again  time.Duration // between two tries
	limit  time.Duration // after which a call is given up
}

const (
	callsKept  = 500 // of at most 64 KiB each
	keptAgain  = time.Second
	keptAtMost = time.Hour
)

func newPatient(inbox carrier.Inbox, log *slog.Logger) *patient {
	return &patient{inbox, log, make(chan struct{}, callsKept), keptAgain, keptAtMost}
}

// Report is part of carrier.Inbox.
func (p *patient) Report(ctx context.Context, r queue.Report) (bool, error) {
	return keep(ctx, p, func(ctx context.Context) (bool, error) { return p.inbox.Report(ctx, r) })
}

// Answered is part of carrier.Inbox.
func (p *patient) Answered(ctx context.Context, in queue.Inbound) (queue.Heard, error) {
	return keep(ctx, p, func(ctx context.Context) (queue.Heard, error) { return p.inbox.Answered(ctx, in) })
}

// keep tries until the store takes it, also when whoever called is gone.
func keep[T any](ctx context.Context, p *patient, try func(context.Context) (T, error)) (T, error) {
	var none T
	select {
	case p.places <- struct{}{}:
	default:
		return none, database.ErrBusy
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() { <-p.places }()
		lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.limit)
		defer cancel()
		value, err := try(lasting)
		for errors.Is(err, database.ErrBusy) || errors.Is(err, database.ErrFull) {
			p.log.Warn("a call waits for the store", "error", err)
			select {
			case <-lasting.Done():
				p.log.Error("a call was given up: the store could not be written", "error", err)
				done <- outcome{none, err}
				return
			case <-time.After(p.again):
			}
			value, err = try(lasting)
		}
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
