package queue

import (
	"context"
	"errors"
	"fmt"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// Claim takes up to limit messages that are due, the most overdue first, writes
// an attempt for each and returns them once that is durable: only then may a
// request leave. Messages whose number opted out are suppressed instead, and
// what does not open fails; neither counts as an attempt.
func (q *Queue) Claim(ctx context.Context, limit int, carrier string) ([]Delivery, error) {
	var out []Delivery
	err := q.db.Write(ctx, func(tx database.Handle) error {
		out = out[:0]
		rows, err := q.due(ctx, tx, limit)
		if err != nil {
			return err
		}
		for _, r := range rows {
			d, ok, err := q.claimOne(ctx, tx, r, carrier)
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
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	return out, nil
}

// openRow is what is read of a message that has to be opened.
type openRow struct {
	id       string
	kind     Kind
	attempts int
	text     boxed
	numberID string
	number   boxed
	mark     []byte
	optedOut bool
}

const openColumns = `m.id, m.kind, m.attempts, m.sender, m.text, n.id, n.sender, n.sealed, n.mark, o.mark`

const fromOpen = ` FROM message m JOIN number n ON n.id = m.number_id LEFT JOIN opt_out o ON o.mark = n.mark `

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
			r      openRow
			optOut []byte
		)
		err := rows.Scan(&r.id, &r.kind, &r.attempts, &r.text.sender, &r.text.value,
			&r.numberID, &r.number.sender, &r.number.value, &r.mark, &optOut)
		if err != nil {
			return nil, err
		}
		r.text.place, r.number.place = textPlace(r.id), numberPlace(r.numberID)
		r.optedOut = optOut != nil
		out = append(out, r)
	}
	return out, rows.Err()
}

func (q *Queue) claimOne(ctx context.Context, tx database.Handle, r openRow, carrier string) (Delivery, bool, error) {
	now := q.millis()
	if r.optedOut {
		_, err := move(ctx, tx, change{id: r.id, to: Suppressed, at: now, code: "opt-out"})
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
	if r.mark == nil { // queued a moment ago: it may have opted out
		r.mark = q.keys.mark(d.To)
		if err := q.markOne(ctx, tx, r.numberID, r.mark); err != nil {
			return Delivery{}, false, err
		}
	}
	moved, err := move(ctx, tx, change{id: r.id, to: Claimed, at: now})
	if err != nil || !moved {
		return Delivery{}, false, err
	}
	if _, err := tx.Exec(ctx, `UPDATE message SET attempts = ?, mark = ? WHERE id = ?`, d.Attempt, r.mark, r.id); err != nil {
		return Delivery{}, false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO attempt (message_id, n, state, carrier, started) VALUES (?, ?, 'flying', ?, ?)`,
		r.id, d.Attempt, carrier, now)
	return d, true, err
}

// delivery opens a message for its next attempt.
func (q *Queue) delivery(ctx context.Context, h database.Handle, r openRow) (Delivery, error) {
	to, err := q.open(ctx, h, r.number)
	if err != nil {
		return Delivery{}, err
	}
	text, err := q.open(ctx, h, r.text)
	if err != nil {
		return Delivery{}, err
	}
	return Delivery{ID: r.id, Attempt: r.attempts + 1, Kind: r.kind, To: to, Text: text}, nil
}
