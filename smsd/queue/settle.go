package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"consigne/internal/database"
)

// A Result is what came of one attempt.
type Result struct {
	Delivery Delivery
	Receipt  Receipt // when Err is nil
	Err      error   // a *Refusal is certain, anything else is doubt
}

// Settle writes the results of attempts, all in one transaction. On an error
// nothing is written and the caller tries again: until then the messages stay
// claimed, and become unknown if the process dies.
func (q *Queue) Settle(ctx context.Context, results []Result) error {
	return q.writeOwned(ctx, func(tx database.Handle) error {
		rest, err := q.settleAccepted(ctx, tx, results)
		if err != nil {
			return fmt.Errorf("settle what was accepted: %w", err)
		}
		for _, r := range rest {
			err := q.settleOne(ctx, tx, r)
			if err != nil && !errors.Is(err, ErrNoMessage) { // an attempt that a restored store does not know
				return fmt.Errorf("settle %v: %w", r.Delivery, err)
			}
		}
		return nil
	})
}

// writeOwned runs a transaction that gives a carrier's entry to an attempt. Where
// another process gave the same entry away meanwhile, unseen until it committed,
// the second run sees whose it is.
func (q *Queue) writeOwned(ctx context.Context, fn func(tx database.Handle) error) error {
	err := q.db.Write(ctx, fn)
	if errors.Is(err, database.ErrExists) {
		err = q.db.Write(ctx, fn)
	}
	return err
}

// settleAccepted writes all plain acceptances at once, which is nearly
// everything on most days, and gives back the other results: among them those
// that a callback overtook, or the list while it was asked.
func (q *Queue) settleAccepted(ctx context.Context, tx database.Handle, results []Result) (rest []Result, err error) {
	var plain []Result
	var ids []any
	seen := map[string]bool{}
	for _, r := range results {
		if r.Err == nil && !seen[r.Receipt.CarrierID] && r.Receipt.State == Accepted && r.Receipt.CarrierID != "" && r.Receipt.Code == "" {
			plain, ids = append(plain, r), append(ids, r.Receipt.CarrierID)
			seen[r.Receipt.CarrierID] = true
		} else {
			rest = append(rest, r)
		}
	}
	if len(plain) == 0 {
		return rest, nil
	}
	taken, err := column(ctx, tx, `SELECT carrier_id FROM attempt WHERE carrier_id IN (`+marks(len(ids))+`)`, ids...)
	if err != nil {
		return nil, err
	}
	var fresh []Result
	for _, r := range plain {
		if slices.Contains(taken, r.Receipt.CarrierID) {
			rest = append(rest, r)
		} else {
			fresh = append(fresh, r)
		}
	}
	return rest, q.accept(ctx, tx, fresh)
}

// accept names its rows twice: once with what becomes of each, and once so that they
// are looked up by their keys whatever PostgreSQL believes about the tables' sizes.
func (q *Queue) accept(ctx context.Context, tx database.Handle, plain []Result) error {
	if len(plain) == 0 {
		return nil
	}
	now := q.millis()
	args := []any{now}
	var ids []any
	for _, r := range plain {
		args = append(args, r.Delivery.ID, r.Delivery.Attempt, r.Receipt.CarrierID)
		ids = append(ids, r.Delivery.ID)
	}
	news, err := column(ctx, tx, `UPDATE attempt SET state = 'accepted', ended = COALESCE(ended, ?), error = NULL, carrier_id = v.column3
		FROM (VALUES `+tuples(len(plain), "?, CAST(? AS BIGINT), ?")+`) AS v
		WHERE attempt.message_id = v.column1 AND attempt.n = v.column2 AND attempt.message_id IN (`+marks(len(plain))+`)
			AND attempt.state IN (`+attemptCameFrom["accepted"]+`)
		RETURNING carrier_id`, append(args, ids...)...)
	if err != nil || len(news) == 0 {
		return err
	}
	known := make(map[string]bool, len(news))
	for _, id := range news {
		known[id] = true
	}
	args = []any{now}
	var late []string
	for _, r := range plain {
		if known[r.Receipt.CarrierID] {
			args = append(args, r.Delivery.ID, r.Receipt.CarrierID)
			late = append(late, r.Delivery.ID)
		}
	}
	_, err = tx.Exec(ctx, `UPDATE message SET state = 'accepted', accepted_at = ?, error = NULL, carrier_id = v.column2, asks = 0
		FROM (VALUES `+tuples(len(late), "?, ?")+`) AS v
		WHERE message.id = v.column1 AND message.id IN (`+marks(len(late))+`)
			AND message.attempts > 0 AND message.state IN (`+quotedStates(cameFrom[Accepted])+`)`, append(args, bound(late)...)...)
	if err != nil {
		return err
	}
	return forgetAtCarrier(ctx, tx, now, late...)
}

func (q *Queue) settleOne(ctx context.Context, tx database.Handle, r Result) error {
	if r.Err == nil {
		_, err := q.report(ctx, tx, Report{ID: r.Delivery.ID, Attempt: r.Delivery.Attempt, Receipt: r.Receipt})
		return err
	}
	if no, ok := errors.AsType[*Refusal](r.Err); ok {
		return q.settleRefusal(ctx, tx, r.Delivery, no)
	}
	a := attemptChange{id: r.Delivery.ID, n: r.Delivery.Attempt, to: "unknown", at: q.millis(), code: code(r.Err)}
	moved, err := moveAttempt(ctx, tx, a)
	if err != nil || !moved {
		return err
	}
	return q.doubt(ctx, tx, a)
}

// doubt sets a message aside until the carrier has had time to call back.
func (q *Queue) doubt(ctx context.Context, tx database.Handle, a attemptChange) error {
	_, err := move(ctx, tx, change{
		id: a.id, to: Unknown, at: a.at, attempt: a.n, code: a.code, next: a.at + q.grace.Milliseconds(),
	})
	return err
}

func (q *Queue) settleRefusal(ctx context.Context, tx database.Handle, d Delivery, no *Refusal) error {
	now := q.millis()
	moved, err := moveAttempt(ctx, tx, attemptChange{id: d.ID, n: d.Attempt, to: "refused", at: now, code: no.Code})
	if err != nil || !moved {
		return err
	}
	if no.Class == ClassNumber {
		if err := unwell(ctx, tx, q.keys.mark(d.To), Dead, now); err != nil {
			return err
		}
	}
	c := change{id: d.ID, at: now, attempt: d.Attempt, code: no.Code}
	switch no.Class {
	case ClassBusy, ClassSetup, ClassDown:
		c.next = now + jitter(max(no.Wait, shortWait)).Milliseconds()
		return replan(ctx, tx, c)
	case ClassTemporary:
		return retry(ctx, tx, c, Failed)
	case ClassNumber:
		return q.failedNumber(ctx, tx, c, Failed)
	case ClassOptOut:
		return q.refusedForGood(ctx, tx, c, q.keys.mark(d.To))
	}
	c.to = Failed
	_, err = move(ctx, tx, c)
	return err
}

// refusedForGood suppresses a message whose number the carrier knows to have
// opted out, and with it everything else for that number. One that goes to another
// number by now is planned for that.
func (q *Queue) refusedForGood(ctx context.Context, tx database.Handle, c change, mark []byte) error {
	away, err := redirected(ctx, tx, c.id)
	if err != nil {
		return err
	}
	c.next = c.at
	if err := replan(ctx, tx, c); err != nil {
		return err
	}
	if !away {
		c.to, c.next = Suppressed, 0
		if _, err := move(ctx, tx, c); err != nil {
			return err
		}
	}
	return q.rememberOptOut(ctx, tx, mark)
}

// retry plans a message again after a failure that may pass, while tries and
// time are left; else it ends as end says.
func retry(ctx context.Context, tx database.Handle, c change, end State) error {
	var (
		failures int
		expires  int64
	)
	err := tx.QueryRow(ctx, `SELECT failures, expires FROM message WHERE id = ?`, c.id).Scan(&failures, &expires)
	if err != nil {
		return err
	}
	c.burn = 1
	c.next = c.at + backoff(failures).Milliseconds()
	if failures+1 < maxFailures && c.next < expires {
		return replan(ctx, tx, c)
	}
	c.to, c.next = end, 0
	_, err = move(ctx, tx, c)
	return err
}

// replan plans a message again, unless it was taken back meanwhile, and for its
// new number where it was redirected.
func replan(ctx context.Context, tx database.Handle, c change) error {
	c.to = Planned
	moved, err := move(ctx, tx, c)
	if err != nil || !moved {
		return err
	}
	var unwanted int
	if err := tx.QueryRow(ctx, `SELECT unwanted FROM message WHERE id = ?`, c.id).Scan(&unwanted); err != nil {
		return err
	}
	switch unwanted {
	case 0:
	case elsewhere:
		err = goElsewhere(ctx, tx, c.id)
	default:
		_, err = move(ctx, tx, change{id: c.id, to: Cancelled, at: c.at})
	}
	return err
}

// attemptCameFrom is the table of transitions for attempts: what is known about
// a request only ever grows.
var attemptCameFrom = map[string]string{
	"unknown":     `'flying'`,
	"absent":      `'unknown'`,
	"refused":     `'flying', 'unknown'`,
	"accepted":    `'flying', 'unknown', 'absent'`,
	"sent":        `'flying', 'unknown', 'absent', 'accepted'`,
	"undelivered": `'flying', 'unknown', 'absent', 'accepted', 'sent'`,
	"failed":      `'flying', 'unknown', 'absent', 'accepted', 'sent'`,
	"delivered":   `'flying', 'unknown', 'absent', 'accepted', 'sent', 'undelivered', 'failed'`,
}

type attemptChange struct {
	id        string
	n         int
	to        string
	at        int64
	carrierID string
	code      string
}

// moveAttempt writes what became of a request, and tells whether that was news.
func moveAttempt(ctx context.Context, tx database.Handle, c attemptChange) (bool, error) {
	rows, err := tx.Exec(ctx, `UPDATE attempt SET state = ?, ended = COALESCE(ended, ?), error = ?, carrier_id = COALESCE(?, carrier_id)
		WHERE message_id = ? AND n = ? AND state IN (`+attemptCameFrom[c.to]+`)`,
		c.to, c.at, orNull(c.code), orNull(c.carrierID), c.id, c.n)
	if err != nil {
		return false, fmt.Errorf("move attempt to %s: %w", c.to, err)
	}
	return rows > 0, nil
}

// Recover takes messages whose request was in flight for longer than lease as
// unknown: the process that sent it died, or nobody will settle it. A process
// that has the store for itself calls it at its start with no lease. A request
// whose message has moved on, by a late word about an earlier one, is taken so too:
// it would keep its number's twins from being asked about.
func (q *Queue) Recover(ctx context.Context, lease time.Duration) (int, error) {
	var n int
	err := q.db.Write(ctx, func(tx database.Handle) error {
		n = 0
		rows, err := attemptsInFlight(ctx, tx, q.now().Add(-lease).UnixMilli())
		if err != nil {
			return err
		}
		for _, a := range rows {
			a.to, a.at, a.code = "unknown", q.millis(), died
			if _, err := moveAttempt(ctx, tx, a); err != nil {
				return err
			}
			if err := q.doubt(ctx, tx, a); err != nil {
				return err
			}
		}
		n = len(rows)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("recover messages in flight: %w", err)
	}
	return n, nil
}

func attemptsInFlight(ctx context.Context, tx database.Handle, before int64) ([]attemptChange, error) {
	var out []attemptChange
	for _, query := range []string{
		`SELECT m.id, m.attempts FROM message m WHERE ` + walkClaimed + ` AND m.claimed_at <= ? LIMIT 1000` + skipLocked(tx, "m"),
		`SELECT a.message_id, a.n FROM attempt a WHERE ` + walkFlying + ` AND a.started <= ?
			AND (SELECT CASE WHEN m.state = 'claimed' AND m.attempts = a.n THEN 0 ELSE 1 END FROM message m WHERE m.id = a.message_id) = 1 LIMIT 1000` + skipLocked(tx, "a"),
	} {
		some, err := attemptRows(ctx, tx, query, before)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func attemptRows(ctx context.Context, tx database.Handle, query string, before int64) ([]attemptChange, error) {
	rows, err := tx.Query(ctx, query, before)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []attemptChange
	for rows.Next() {
		var a attemptChange
		if err := rows.Scan(&a.id, &a.n); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}
