package queue

import (
	"context"
	"crypto/rand"
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
