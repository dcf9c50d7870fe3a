package queue

import (
	"context"
	"crypto/rand"

	"consigne/internal/database"
)

// OptOut says STOP from a number, for tests that are about something else.
func (q *Queue) OptOut(ctx context.Context, e164 string) error {
	_, err := q.Answered(ctx, Inbound{CarrierID: rand.Text(), From: e164, Text: "STOP"})
	return err
}

// OptIn says START.
func (q *Queue) OptIn(ctx context.Context, e164 string) error {
	_, err := q.Answered(ctx, Inbound{CarrierID: rand.Text(), From: e164, Text: "START"})
	return err
}

// ReportHalf writes of a report only what a transaction writes first, so that a
// test can hold it open there.
func (q *Queue) ReportHalf(ctx context.Context, tx database.Handle, r Report) error {
	_, err := moveAttempt(ctx, tx, attemptChange{
		id: r.ID, n: r.Attempt, to: string(r.State), at: q.millis(), carrierID: r.CarrierID,
	})
	return err
}
