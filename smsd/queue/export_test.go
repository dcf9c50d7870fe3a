package queue

import (
	"context"
	"crypto/rand"
	"math"

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

// MarkLate marks numbers as they were before something else happened.
func (q *Queue) MarkLate(ctx context.Context, meanwhile func()) error {
	fresh, _, err := q.unmarked(ctx, math.MinInt64)
	if err != nil {
		return err
	}
	meanwhile()
	return q.db.Write(ctx, func(tx database.Handle) error { return q.markMany(ctx, tx, fresh) })
}

// Walks are the queries that walk an index, by its name.
var Walks = map[string]string{
	"message_due":     `SELECT m.id FROM message m WHERE ` + walkPlanned + ` AND m.next <= 1 ORDER BY m.next`,
	"message_flight":  `SELECT m.id FROM message m WHERE ` + walkClaimed + ` AND m.claimed_at <= 1`,
	"message_doubt":   `SELECT m.id FROM message m WHERE ` + walkUnknown + ` AND m.next <= 1 ORDER BY m.next`,
	"message_held":    `SELECT MIN(m.held_at) FROM message m WHERE ` + walkHeld,
	"message_end":     `SELECT m.id FROM message m WHERE ` + walkOpen + ` AND m.expires <= 1 ORDER BY m.expires`,
	"attempt_flying":  `SELECT a.n FROM attempt a WHERE ` + walkFlying + ` AND a.started <= 1`,
	"number_unmarked": `SELECT n.id FROM number n WHERE ` + walkUnmarked + ` AND n.made >= 1 ORDER BY n.made`,
	"number_spare":    `SELECT n.id FROM number n WHERE ` + walkSpare + ` AND n.made <= 1`,
}
