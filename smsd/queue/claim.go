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
		rows, err := q.dueMarked(ctx, tx, limit)
		if err != nil {
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
	mark     []byte
	optedOut bool
	health   Health // empty when well
}

const openColumns = `m.id, m.kind, m.attempts, COALESCE(m.claimed_at, 0), m.linked, m.despite, m.sender, m.text,
	n.id, n.sender, n.sealed, n.mark, o.mark, COALESCE(s.why, '')`

const fromOpen = ` FROM message m JOIN number n ON n.id = m.number_id
	LEFT JOIN opt_out o ON o.mark = n.mark LEFT JOIN number_health s ON s.mark = n.mark `

// dueMarked reads what is due, once all its numbers are marked: one that was
// queued a moment ago may have opted out.
func (q *Queue) dueMarked(ctx context.Context, tx database.Handle, limit int) ([]openRow, error) {
	rows, err := q.due(ctx, tx, limit)
	if err != nil {
		return nil, err
	}
	fresh := map[string][]byte{}
	for _, r := range rows {
		if r.mark != nil {
			continue
		}
		if fresh[r.numberID], err = q.markFor(ctx, tx, r.number); err != nil {
			return nil, err
		}
	}
	if len(fresh) == 0 {
		return rows, nil
	}
	if err := q.markMany(ctx, tx, fresh); err != nil {
		return nil, err
	}
	return q.due(ctx, tx, limit)
}

func (q *Queue) due(ctx context.Context, tx database.Handle, limit int) ([]openRow, error) {
	now := q.millis()
	return openRows(ctx, tx, `SELECT `+openColumns+fromOpen+`
		WHERE m.state = 'planned' AND m.next <= ? AND m.expires > ?
		ORDER BY m.next LIMIT ?`+skipLocked(tx), now, now, limit)
}

func openRows(ctx context.Context, tx database.Handle, query string, args ...any) ([]openRow, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []openRow
	for rows.Next() {
		var (
			r               openRow
			optOut          []byte
			linked, despite int
		)
		err := rows.Scan(&r.id, &r.kind, &r.attempts, &r.left, &linked, &despite, &r.text.sender, &r.text.value,
			&r.numberID, &r.number.sender, &r.number.value, &r.mark, &optOut, &r.health)
		if err != nil {
			return nil, err
		}
		r.text.place, r.number.place = textPlace(r.id), numberPlace(r.numberID)
		r.linked, r.despite, r.optedOut = linked != 0 || r.kind == Link, despite != 0, optOut != nil
		out = append(out, r)
	}
	return out, rows.Err()
}

// forbidden says why a message may not go to its number, or nothing.
func (r openRow) forbidden() string {
	switch {
	case r.optedOut && !r.despite:
		return "opt-out"
	case r.health == NotMe:
		return "not-me"
	case r.health != "" && r.linked:
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
	if err != nil || len(r.mark) == 0 { // without a mark: queued since the others were marked
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
