package queue

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// Claim takes up to limit messages that are due, the most overdue first, writes
// an attempt for each and returns them once that is durable: only then may a
// request leave. What may not go to its number is suppressed instead, and what
// does not open fails; neither counts as an attempt.
func (q *Queue) Claim(ctx context.Context, limit int, carrier string) ([]Delivery, error) {
	var out []Delivery
	err := q.db.Write(ctx, func(tx database.Handle) error {
		rows, err := q.due(ctx, tx, limit)
		if err != nil {
			return err
		}
		if err := q.markAll(ctx, tx, rows); err != nil {
			return err
		}
		if err := stand(ctx, tx, rows); err != nil {
			return err
		}
		out = out[:0]
		for _, r := range rows {
			d, ok, err := q.claimable(ctx, tx, r)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, d)
			}
		}
		return q.takeOff(ctx, tx, out, carrier)
	})
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	return out, nil
}

// openRow is what is read of a message that has to be opened.
type openRow struct {
	id       string
	kind     Kind
	attempts int
	left     int64 // when its latest attempt began; 0 without one
	linked   bool
	despite  bool
	text     boxed
	numberID string
	number   boxed
	mark     []byte // of the number; empty before it was marked, or where it does not open
	standing standing
}

func (q *Queue) due(ctx context.Context, tx database.Handle, limit int) ([]openRow, error) {
	now := q.millis()
	return openRows(ctx, tx, `WHERE `+walkPlanned+` AND m.next <= ? AND m.expires > ? ORDER BY m.next LIMIT ?`, now, now, limit)
}

// openRows reads messages that have to be opened, those of a query's rest, and
// their numbers. What lies in several tables is read from one after the other, each
// by its key: which of them a join reads in whole would be left to statistics.
func openRows(ctx context.Context, tx database.Handle, rest string, args ...any) ([]openRow, error) {
	rows, err := openMessages(ctx, tx, rest, args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]any, len(rows))
	for i, r := range rows {
		ids[i] = r.numberID
	}
	found, err := tx.Query(ctx, `SELECT id, sender, sealed, mark FROM number WHERE id IN (`+marks(len(ids))+`)`, ids...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	numbers := map[string]openRow{}
	for found.Next() {
		var n openRow
		if err := found.Scan(&n.numberID, &n.number.sender, &n.number.value, &n.mark); err != nil {
			return nil, err
		}
		n.number.place = numberPlace(n.numberID)
		numbers[n.numberID] = n
	}
	for i := range rows {
		n := numbers[rows[i].numberID] // one that is gone does not open
		rows[i].number, rows[i].mark = n.number, n.mark
	}
	return rows, found.Err()
}

func openMessages(ctx context.Context, tx database.Handle, rest string, args ...any) ([]openRow, error) {
	rows, err := tx.Query(ctx, `SELECT m.id, m.kind, m.attempts, COALESCE(m.claimed_at, 0), m.linked, m.despite,
			COALESCE(m.sender, ''), m.text, COALESCE(m.number_id, '')
		FROM message m `+rest+skipLocked(tx, "m"), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []openRow
	for rows.Next() {
		var r openRow
		var linked, despite int
		err := rows.Scan(&r.id, &r.kind, &r.attempts, &r.left, &linked, &despite, &r.text.sender, &r.text.value, &r.numberID)
		if err != nil {
			return nil, err
		}
		r.text.place = textPlace(r.id)
		r.linked, r.despite = linked != 0 || r.kind == Link, despite != 0
		out = append(out, r)
	}
	return out, rows.Err()
}

// markAll marks the numbers that are not yet: one that was queued a moment ago may
// have opted out.
func (q *Queue) markAll(ctx context.Context, tx database.Handle, rows []openRow) error {
	fresh := map[string]numberMark{}
	for i := range rows {
		r := &rows[i]
		if len(r.mark) > 0 {
			continue
		}
		mark, err := q.markFor(ctx, tx, r.number)
		if err != nil {
			return err
		}
		fresh[r.numberID], r.mark = numberMark{r.number.value, mark}, mark
	}
	return q.markMany(ctx, tx, fresh)
}

// stand reads how the numbers stand.
func stand(ctx context.Context, tx database.Handle, rows []openRow) error {
	all := make([][]byte, len(rows))
	for i, r := range rows {
		all[i] = r.mark
	}
	known, err := standings(ctx, tx, all)
	for i, r := range rows {
		rows[i].standing = known[string(r.mark)]
	}
	return err
}

// forbidden says why a message may not go to its number, or nothing.
func (r openRow) forbidden() string {
	switch {
	case r.standing.optedOut && !r.despite:
		return "opt-out"
	case r.standing.health == NotMe:
		return "not-me"
	case r.standing.health != "" && r.linked:
		return "number-unwell"
	}
	return ""
}

// claimable opens a message, or ends it where it may not leave.
func (q *Queue) claimable(ctx context.Context, tx database.Handle, r openRow) (Delivery, bool, error) {
	now := q.millis()
	if why := r.forbidden(); why != "" {
		_, err := move(ctx, tx, change{id: r.id, to: Suppressed, at: now, code: why})
		return Delivery{}, false, err
	}
	d, err := q.delivery(ctx, tx, r)
	if errors.Is(err, seal.ErrSealed) {
		_, err := move(ctx, tx, change{id: r.id, to: Failed, at: now, code: "does-not-open"})
		return Delivery{}, false, err
	}
	if err != nil {
		return Delivery{}, false, err
	}
	d.Attempt, d.Left = r.attempts+1, time.UnixMilli(now).UTC()
	d.Ref = reference(d.ID, d.Attempt)
	return d, true, nil
}

// takeOff writes the attempts of all messages that are to leave.
func (q *Queue) takeOff(ctx context.Context, tx database.Handle, all []Delivery, carrier string) error {
	if len(all) == 0 {
		return nil
	}
	now := q.millis()
	ids := make([]any, len(all))
	for i, d := range all {
		ids[i] = d.ID
	}
	n, err := tx.Exec(ctx, `UPDATE message SET state = 'claimed', claimed_at = ?, error = NULL, asks = 0, attempts = attempts + 1,
		mark = (SELECT n.mark FROM number n WHERE n.id = message.number_id)
		WHERE state = 'planned' AND id IN (`+marks(len(ids))+`)`, append([]any{now}, ids...)...)
	if err != nil {
		return err
	}
	if n != int64(len(all)) {
		return fmt.Errorf("%d of %d messages were planned", n, len(all)) // their rows are locked: cannot be
	}
	_, err = tx.Exec(ctx, `INSERT INTO attempt (message_id, n, state, carrier, started)
		SELECT id, attempts, 'flying', CAST(? AS TEXT), CAST(? AS BIGINT) FROM message WHERE id IN (`+marks(len(ids))+`)`,
		append([]any{carrier, now}, ids...)...)
	return err
}

// delivery opens a message.
func (q *Queue) delivery(ctx context.Context, h database.Handle, r openRow) (Delivery, error) {
	to, err := q.open(ctx, h, r.number)
	if err != nil {
		return Delivery{}, err
	}
	text, err := q.open(ctx, h, r.text)
	if err != nil {
		return Delivery{}, err
	}
	return Delivery{ID: r.id, Kind: r.kind, To: to, Text: text}, nil
}

// reference is a name for one attempt that fits every carrier's field for names
// of its clients: 16 letters and digits.
func reference(id string, attempt int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", id, attempt))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}
