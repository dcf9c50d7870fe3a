package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// Doubts gives up to limit unknown messages whose grace is over and about which
// the carrier must be asked now. Each is due again only after the grace, so
// that no two processes ask about one at the same time.
func (q *Queue) Doubts(ctx context.Context, limit int) ([]Delivery, error) {
	var out []Delivery
	err := q.db.Write(ctx, func(tx database.Handle) error {
		out = out[:0]
		now := q.now()
		rows, err := openRows(ctx, tx, `WHERE `+walkUnknown+` AND m.next <= ? ORDER BY m.next LIMIT ?`, now.UnixMilli(), limit)
		if err != nil {
			return err
		}
		for _, r := range rows {
			d, ok, err := q.askAbout(ctx, tx, r, now)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, d)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find unknown messages: %w", err)
	}
	return out, nil
}

func (q *Queue) askAbout(ctx context.Context, tx database.Handle, r openRow, now time.Time) (Delivery, bool, error) {
	d, err := q.delivery(ctx, tx, r)
	if errors.Is(err, seal.ErrSealed) {
		return Delivery{}, false, hold(ctx, tx, change{id: r.id, at: now.UnixMilli(), code: "does-not-open"})
	}
	if err != nil {
		return Delivery{}, false, err
	}
	d.Attempt, d.Left, d.asked = r.attempts, time.UnixMilli(r.left).UTC(), now
	d.Ref = reference(d.ID, d.Attempt)
	_, err = tx.Exec(ctx, `UPDATE message SET next = ? WHERE id = ?`, now.Add(q.grace).UnixMilli(), r.id)
	return d, true, err
}

// Resolve takes in what the carrier's list says about an unknown message:
//   - one that it holds, and that is no other message of ours, is this one, unless
//     it took it before the request left: then nobody can tell, and it is held;
//   - if there is none the request never arrived, and the message is planned,
//     unless the store was restored since: then the carrier may have been told to
//     forget it, and it is held;
//   - if the carrier does not answer it is asked again later, and held at last;
//   - if its list cannot answer, the message is held at once.
//
// Two messages of the same text to the same number are told apart by the ids
// that are known. While another one to that number is in flight its id is not
// known yet, so the question is put again later.
func (q *Queue) Resolve(ctx context.Context, d Delivery, found []Receipt, failure error) error {
	err := q.writeOwned(ctx, func(tx database.Handle) error {
		if failure != nil && len(found) == 0 {
			return q.unanswered(ctx, tx, d, failure)
		}
		if err := oneByOne(ctx, tx, d); err != nil {
			return err
		}
		crowded, err := othersInFlight(ctx, tx, d)
		if err != nil || crowded {
			return err
		}
		found, older, err := unclaimed(ctx, tx, d, found)
		switch {
		case err != nil:
			return err
		case len(found) > 0:
			_, err := q.report(ctx, tx, Report{ID: d.ID, Attempt: d.Attempt, Receipt: found[0]})
			return err
		case older, failure != nil:
			return q.hold(ctx, tx, d, "carrier-cannot-tell")
		}
		return q.absent(ctx, tx, d)
	})
	if err != nil {
		return fmt.Errorf("resolve %v: %w", d, err)
	}
	return nil
}

// restored is the code of attempts that a restore from a backup wrote: whether
// their requests left, and what was done about them since, only the lost store
// knew.
const restored = "restored"

// maxAbsent is how often a carrier may say of one message that it has nothing, beside
// requests of processes that died. One that says so once more most likely has it and
// does not list it.
const maxAbsent = 4

// died is the code of attempts whose process ended before it wrote what came of them.
const died = "process-died"

// absent plans a message again whose request never arrived. That the carrier has
// nothing proves it only where we cannot have told it to delete what it had, and not
// again and again.
func (q *Queue) absent(ctx context.Context, tx database.Handle, d Delivery) error {
	var (
		why    string
		before int // attempts that were absent, and why is not known
	)
	err := tx.QueryRow(ctx, `SELECT COALESCE(error, ''), 
			(SELECT COUNT(*) FROM attempt b WHERE b.message_id = a.message_id AND b.state = 'absent' AND COALESCE(b.error, '') <> ?)
		FROM attempt a WHERE message_id = ? AND n = ?`, died, d.ID, d.Attempt).Scan(&why, &before)
	if err != nil {
		return err
	}
	switch {
	case why == restored:
		return q.hold(ctx, tx, d, restored)
	case before >= maxAbsent && why != died:
		return q.hold(ctx, tx, d, "carrier-cannot-tell")
	}
	now := q.millis()
	moved, err := moveAttempt(ctx, tx, attemptChange{id: d.ID, n: d.Attempt, to: "absent", at: now, code: why})
	if err != nil || !moved {
		return err
	}
	return replan(ctx, tx, change{id: d.ID, at: now, attempt: d.Attempt, next: now})
}

func (q *Queue) hold(ctx context.Context, tx database.Handle, d Delivery, code string) error {
	return hold(ctx, tx, change{id: d.ID, at: q.millis(), attempt: d.Attempt, code: code})
}

// hold leaves a message to a person's decision, unless it was taken back
// meanwhile: then there is nothing to decide, and perhaps nobody left who could.
func hold(ctx context.Context, tx database.Handle, c change) error {
	c.to = Held
	moved, err := move(ctx, tx, c)
	if err != nil || !moved {
		return err
	}
	var unwanted int
	if err := tx.QueryRow(ctx, `SELECT unwanted FROM message WHERE id = ?`, c.id).Scan(&unwanted); err != nil {
		return err
	}
	if unwanted == 0 || unwanted == elsewhere {
		return nil
	}
	c.to = Cancelled
	_, err = move(ctx, tx, c)
	return err
}

// unanswered asks again after a grace that doubles, and holds the message when
// asking leads nowhere.
func (q *Queue) unanswered(ctx context.Context, tx database.Handle, d Delivery, failure error) error {
	var asks int
	err := tx.QueryRow(ctx, `SELECT asks FROM message WHERE id = ?`, d.ID).Scan(&asks)
	if err != nil {
		return err
	}
	now := q.now()
	if asks+1 >= maxAsks || errors.Is(failure, ErrCannotTell) {
		return q.hold(ctx, tx, d, "carrier-cannot-tell")
	}
	wait := q.grace << asks
	_, err = tx.Exec(ctx, `UPDATE message SET asks = asks + 1, next = ? WHERE id = ? AND state = 'unknown' AND attempts = ?`,
		now.Add(jitter(wait)).UnixMilli(), d.ID, d.Attempt)
	return err
}

// oneByOne lets questions about one number wait for each other: two messages in
// doubt, asked about at the same moment, must not both take the request that one
// of them made, or the other would be lost. SQLite has only one writer anyway.
func oneByOne(ctx context.Context, tx database.Handle, d Delivery) error {
	if tx.Kind() == database.SQLite {
		return nil
	}
	mark, err := markOf(ctx, tx, d.ID)
	if errors.Is(err, ErrNeverLeft) {
		return nil
	}
	if err == nil { // in an order that no index has, so that the mark's is used
		_, err = column(ctx, tx, `SELECT id FROM message WHERE mark = ? AND state = 'unknown' ORDER BY id || '' FOR UPDATE`, mark)
	}
	return err
}

// othersInFlight tells whether another message to the same number has a request
// in flight, or had since the carrier was asked.
func othersInFlight(ctx context.Context, tx database.Handle, d Delivery) (bool, error) {
	mark, err := markOf(ctx, tx, d.ID)
	if errors.Is(err, ErrNeverLeft) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var n int
	// A second of slack: the times of two processes may differ a little.
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM message m WHERE m.mark = ? AND m.id <> ?
		AND (SELECT COUNT(*) FROM attempt a WHERE a.message_id = m.id AND (a.state = 'flying' OR a.started >= ?)) > 0`,
		mark, d.ID, d.asked.Add(-time.Second).UnixMilli()).Scan(&n)
	return n > 0, err
}

// clocksDiffer is how far our clock and the carrier's may be apart.
const clocksDiffer = time.Hour

// unclaimed leaves out what belongs to other attempts, and what the carrier took
// before the request left: an entry of the same words from another day, or from
// before a clock was set.
func unclaimed(ctx context.Context, tx database.Handle, d Delivery, found []Receipt) (ours []Receipt, older bool, err error) {
	seen := map[string]bool{}
	for _, r := range found {
		owners, err := column(ctx, tx, `SELECT message_id FROM attempt WHERE carrier_id = ?`, r.CarrierID)
		if err != nil {
			return nil, false, err
		}
		if len(owners) > 0 || seen[r.CarrierID] {
			continue
		}
		seen[r.CarrierID] = true
		if !r.Taken.IsZero() && r.Taken.Before(d.Left.Add(-clocksDiffer)) {
			older = true
			continue
		}
		ours = append(ours, r)
	}
	return ours, older, nil
}
