package queue

import (
	"context"
	"errors"
	"fmt"

	"consigne/internal/database"
)

// A Report is what a carrier says about a message by itself: its status
// callback. Reports may come twice, out of order, before the answer to the
// request, and long after the message is final.
type Report struct {
	ID      string // our message id, from the callback's address
	Attempt int    // from the address too; 0 if it is not there
	Receipt
}

// ErrNoMessage is returned for a report about a message or an attempt that does
// not exist.
var ErrNoMessage = errors.New("no such message")

// Report takes in a report and tells whether it said anything new. Status moves
// by rank only, so a repeated or overtaken report changes nothing. Reports that
// come while others are being written share the next transaction, and so its sync
// to disk.
func (q *Queue) Report(ctx context.Context, r Report) (news bool, err error) {
	mine := &reporting{Report: r, done: make(chan struct{})}
	q.mu.Lock()
	q.reports = append(q.reports, mine)
	leads := !q.reporting
	q.reporting = true
	q.mu.Unlock()
	if leads {
		go q.takeReports(context.WithoutCancel(ctx))
	}
	<-mine.done
	if mine.err != nil {
		return false, fmt.Errorf("report on message %s: %w", r.ID, mine.err)
	}
	return mine.news, nil
}

// reporting is a report whose caller waits.
type reporting struct {
	Report
	news bool
	err  error
	done chan struct{}
}

// reportsAtOnce bounds one transaction.
const reportsAtOnce = 500

// takeReports writes what has come until nothing is left.
func (q *Queue) takeReports(ctx context.Context) {
	for {
		q.mu.Lock()
		some := q.reports[:min(len(q.reports), reportsAtOnce)]
		q.reports = q.reports[len(some):]
		q.reporting = len(some) > 0
		q.mu.Unlock()
		if len(some) == 0 {
			return
		}
		err := q.writeOwned(ctx, func(tx database.Handle) error {
			for _, r := range some {
				r.news, r.err = q.report(ctx, tx, r.Report)
				if r.err != nil && !errors.Is(r.err, ErrNoMessage) && !errors.Is(r.err, errOddState) {
					return r.err
				}
			}
			return nil
		})
		for _, r := range some {
			if err != nil {
				r.err = err
			}
			close(r.done)
		}
	}
}

var errOddState = errors.New("a carrier cannot report this state")

func (q *Queue) report(ctx context.Context, tx database.Handle, r Report) (bool, error) {
	switch r.State {
	case Accepted, Sent, Delivered, Undelivered, Failed:
	default:
		return false, fmt.Errorf("%w: %q", errOddState, r.State)
	}
	r, err := attemptOf(ctx, tx, r)
	if err != nil {
		return false, err
	}
	now, n := q.millis(), r.Attempt
	news, err := moveAttempt(ctx, tx, attemptChange{
		id: r.ID, n: n, to: string(r.State), at: now, carrierID: r.CarrierID, code: r.Code,
	})
	if err != nil || !news {
		return false, err
	}
	c := change{id: r.ID, to: r.State, at: now, carrierID: r.CarrierID, code: r.Code}
	switch r.State {
	case Undelivered, Failed:
		c.attempt = n // a newer attempt goes on, whatever became of an older one
		if err := q.reportFailure(ctx, tx, c, r.Class); err != nil {
			return true, err
		}
		return true, forgetAtCarrier(ctx, tx, now, r.ID)
	}
	if _, err = move(ctx, tx, c); err != nil {
		return true, err
	}
	return true, forgetAtCarrier(ctx, tx, now, r.ID)
}

// attemptOf finds which attempt a report is about: the one that is known by the
// carrier's id, else the one that the report names, else the latest.
//
// The id goes before the name: of two messages of one text to one number that
// were both in doubt, the list may have given one's entry to the other. They
// have changed places then, and every later word about that entry must go where
// the entry went, or the one that is missing in the phone would count as there.
func attemptOf(ctx context.Context, tx database.Handle, r Report) (Report, error) {
	err := database.ErrNotFound
	if r.CarrierID != "" {
		err = tx.QueryRow(ctx, `SELECT message_id, n FROM attempt WHERE carrier_id = ? LIMIT 1`, r.CarrierID).Scan(&r.ID, &r.Attempt)
	}
	if errors.Is(err, database.ErrNotFound) {
		err = tx.QueryRow(ctx, `SELECT n FROM attempt WHERE message_id = ? AND (n = ? OR ? = 0)
			ORDER BY n DESC LIMIT 1`, r.ID, r.Attempt, r.Attempt).Scan(&r.Attempt)
	}
	if errors.Is(err, database.ErrNotFound) {
		return r, ErrNoMessage
	}
	return r, err
}

// reportFailure takes in that the carrier gave an attempt up. What that says about
// a number is about the one to which the latest attempt went, whose mark the
// message bears: of an older attempt nobody knows any more which that was.
func (q *Queue) reportFailure(ctx context.Context, tx database.Handle, c change, class Class) error {
	var (
		state    State
		mark     []byte
		final    *int64
		attempts int
	)
	err := tx.QueryRow(ctx, `SELECT state, mark, final_at, attempts FROM message WHERE id = ?`, c.id).Scan(&state, &mark, &final, &attempts)
	if err != nil {
		return err
	}
	if c.attempt != attempts { // the newer one goes on
		return nil
	}
	ofNumber := class == ClassNumber || class == ClassOptOut
	switch {
	case state == Planned: // it is to be tried again already
	case final == nil && (class == ClassTemporary || class == ClassSetup): // accepted while our account was sound
		err = retry(ctx, tx, c, c.to)
	case final == nil && ofNumber:
		err = q.failedNumber(ctx, tx, c, c.to)
	default:
		_, err = move(ctx, tx, c)
	}
	if err != nil || !ofNumber || len(mark) == 0 {
		return err
	}
	if class == ClassOptOut {
		return q.rememberOptOut(ctx, tx, mark)
	}
	return unwell(ctx, tx, mark, Dead, c.at)
}

// failedNumber ends a message whose number failed, unless it goes to another
// number by now.
func (q *Queue) failedNumber(ctx context.Context, tx database.Handle, c change, end State) error {
	away, err := redirected(ctx, tx, c.id)
	if err != nil {
		return err
	}
	if away {
		c.next = c.at
		return replan(ctx, tx, c)
	}
	c.to = end
	_, err = move(ctx, tx, c)
	return err
}
