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
	places chan struct{} // each call that waits takes one; without one a call fails
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
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.limit)
		defer cancel()
		value, err := try(lasting)
		if shut(err) {
			err = p.wait(lasting, err, func() (err error) { value, err = try(lasting); return err })
		}
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func shut(err error) bool {
	return errors.Is(err, database.ErrBusy) || errors.Is(err, database.ErrFull)
}

// wait tries again and again while the store is shut, if a place is free.
func (p *patient) wait(ctx context.Context, err error, try func() error) error {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		return err
	}
	p.log.Warn("a call waits for the store", "error", err)
	for shut(err) {
		select {
		case <-ctx.Done():
			p.log.Error("a call was given up: the store could not be written", "error", err)
			return err
		case <-time.After(p.again):
			err = try()
		}
	}
	return err
}
