package queue

import (
	"context"
	"time"

	"consigne/internal/database"
)

// farAhead is later than the queue ever puts anything off: the last grace of a
// doubt, doubled for good measure. What is put off for longer was so by a clock
// that has been set back since.
func (q *Queue) farAhead() time.Duration { return max(2*q.grace<<maxAsks, time.Hour) }

// Mend brings times back that were written while the clock was ahead: otherwise
// tries, questions and recoveries would wait until it is that late again. It
// returns how many messages it brought back.
func (q *Queue) Mend(ctx context.Context) (int64, error) {
	now := q.now()
	at, far := now.UnixMilli(), now.Add(q.farAhead()).UnixMilli()
	// Planned messages are many, so they are looked through without a lock.
	tried, err := column(ctx, q.db.Read(), `SELECT id FROM message m WHERE `+walkPlanned+` AND next > ? AND next > due LIMIT ?`, far, sweepSize)
	if err != nil {
		return 0, wrapped("look for times ahead", err)
	}
	var mended int64
	err = q.db.Write(ctx, func(tx database.Handle) error {
		mended = 0
		for _, s := range []struct {
			query string
			args  []any
		}{
			{`UPDATE message AS m SET next = ? WHERE ` + walkUnknown + ` AND next > ?`, []any{at, far}},
			{`UPDATE message AS m SET claimed_at = ? WHERE ` + walkClaimed + ` AND claimed_at > ?`, []any{at, far}},
		} {
			rows, err := tx.Exec(ctx, s.query, s.args...)
			if err != nil {
				return err
			}
			mended += rows
		}
		for _, id := range tried {
			rows, err := tx.Exec(ctx, `UPDATE message SET next = CASE WHEN due > ? THEN due ELSE ? END WHERE state = 'planned' AND id = ?`, at, at, id)
			if err != nil {
				return err
			}
			mended += rows
		}
		_, err := tx.Exec(ctx, `UPDATE carrier_copy SET next = ? WHERE next > ?`, at, now.Add(2*longestEraseWait).UnixMilli())
		return err
	})
	return mended, wrapped("bring times back", err)
}
