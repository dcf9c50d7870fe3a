package queue

import (
	"context"
	"fmt"
	"time"
)

// HeldFor tells for how long the oldest held message has waited for somebody to
// decide; 0 if there is none. It looks through all open messages.
func (q *Queue) HeldFor(ctx context.Context) (time.Duration, error) {
	var since *int64
	err := q.db.Read().QueryRow(ctx, `SELECT MIN(held_at) FROM message m WHERE `+walkHeld+` AND final_at IS NULL`).Scan(&since)
	if err != nil {
		return 0, fmt.Errorf("find the oldest held message: %w", err)
	}
	if since == nil {
		return 0, nil
	}
	return max(0, time.Duration(q.millis()-*since)*time.Millisecond), nil
}

// OptOuts counts the numbers that want no messages.
func (q *Queue) OptOuts(ctx context.Context) (n int, err error) {
	if err := q.db.Read().QueryRow(ctx, `SELECT COUNT(*) FROM opt_out`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count opt-outs: %w", err)
	}
	return n, nil
}

// Unwell counts the numbers with which something is wrong.
func (q *Queue) Unwell(ctx context.Context) (map[Health]int, error) {
	rows, err := q.db.Read().Query(ctx, `SELECT why, COUNT(*) FROM number_health GROUP BY why`)
	if err != nil {
		return nil, fmt.Errorf("count unwell numbers: %w", err)
	}
	defer rows.Close()
	out := map[Health]int{}
	for rows.Next() {
		var (
			why Health
			n   int
		)
		if err := rows.Scan(&why, &n); err != nil {
			return nil, fmt.Errorf("count unwell numbers: %w", err)
		}
		out[why] = n
	}
	return out, rows.Err()
}
