package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// lockedInbox cannot write until it was tried so often.
type lockedInbox struct {
	tries int
	why   error
	heard chan queue.Inbound
}

func (*lockedInbox) Report(context.Context, queue.Report) (bool, error) {
	return false, queue.ErrNoMessage
}

func (i *lockedInbox) Answered(ctx context.Context, in queue.Inbound) (queue.Heard, error) {
	if i.tries--; i.tries >= 0 {
		return "", i.why
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	i.heard <- in
	return queue.HeardStop, nil
}

// A STOP that comes while the store is locked is taken in when it is free, though the
// carrier has hung up long before.
func TestPatient_StopIsNotLost(t *testing.T) {
	for _, why := range []error{database.ErrBusy, database.ErrFull} {
		inbox := &lockedInbox{tries: 5, why: why, heard: make(chan queue.Inbound, 1)}
		p := newPatient(inbox, slog.New(slog.DiscardHandler))
		p.again = time.Millisecond
		gone, hangUp := context.WithCancel(t.Context())
		hangUp()
		want := queue.Inbound{CarrierID: "SM1", From: "+33639980001", Text: "STOP"}
		if _, err := p.Answered(gone, want); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got := <-inbox.heard; got != want {
			t.Errorf("taken in: %v", got)
		}
	}
}

func TestPatient(t *testing.T) {
	inbox := &lockedInbox{tries: 1, why: database.ErrBusy, heard: make(chan queue.Inbound, 1)}
	p := newPatient(inbox, slog.New(slog.DiscardHandler))
	p.again = time.Millisecond
	if heard, err := p.Answered(t.Context(), queue.Inbound{}); heard != queue.HeardStop || err != nil {
		t.Errorf("a moment later: %v, %v", heard, err)
	}
	if _, err := p.Report(t.Context(), queue.Report{}); !errors.Is(err, queue.ErrNoMessage) {
		t.Errorf("what does not pass is told at once: %v", err)
	}
	inbox.tries, p.limit = 1<<30, 5*time.Millisecond // the store stays shut
	if _, err := p.Answered(t.Context(), queue.Inbound{}); !errors.Is(err, database.ErrBusy) {
		t.Errorf("given up: %v", err)
	}
	for range callsKept {
		p.places <- struct{}{}
	}
	if _, err := p.Answered(t.Context(), queue.Inbound{}); !errors.Is(err, database.ErrBusy) {
		t.Errorf("too many wait: %v", err)
	}
}
