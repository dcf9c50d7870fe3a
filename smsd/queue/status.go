package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"consigne/internal/database"
)

// A Status tells where a message stands. Times that did not come are zero.
type Status struct {
	State     State
	Attempts  int
	Segments  int
	CarrierID string
	Error     string // a code, such as "21610" or "timeout"; never a text

	Planned, Claimed, Accepted, Sent, Final time.Time
	Due, Expires                            time.Time
}

const statusColumns = `id, state, attempts, segments, COALESCE(carrier_id, ''), COALESCE(error, ''),
	planned_at, COALESCE(claimed_at, 0), COALESCE(accepted_at, 0), COALESCE(sent_at, 0), COALESCE(final_at, 0), due, expires`

// idsAtOnce bounds the marks of one query; both databases take many more.
const idsAtOnce = 500

// States tells where these messages stand. Ids that were never queued are
// missing from the answer.
func States(ctx context.Context, h database.Handle, ids []string) (map[string]Status, error) {
	out := make(map[string]Status, len(ids))
	for some := range slices.Chunk(ids, idsAtOnce) {
		err := eachStatus(ctx, h, func(id string, s Status) error {
			out[id] = s
			return nil
		}, `SELECT `+statusColumns+` FROM message WHERE id IN (`+marks(len(some))+`)`, bound(some)...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// List gives every message to fn, in the order in which they are due.
func List(ctx context.Context, h database.Handle, fn func(id string, s Status) error) error {
	return eachStatus(ctx, h, fn, `SELECT `+statusColumns+` FROM message ORDER BY due, id`)
}

func eachStatus(ctx context.Context, h database.Handle, fn func(string, Status) error, query string, args ...any) error {
	rows, err := h.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var (
			id string
			s  Status
			at [7]int64
		)
		err := rows.Scan(&id, &s.State, &s.Attempts, &s.Segments, &s.CarrierID, &s.Error,
			&at[0], &at[1], &at[2], &at[3], &at[4], &at[5], &at[6])
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		for i, t := range []*time.Time{&s.Planned, &s.Claimed, &s.Accepted, &s.Sent, &s.Final, &s.Due, &s.Expires} {
			if at[i] != 0 {
				*t = time.UnixMilli(at[i]).UTC()
			}
		}
		if err := fn(id, s); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Attempted tells whether a request with this message may have left: from then
// on a link that it carries is live. A message that was never queued was not
// attempted.
func Attempted(ctx context.Context, h database.Handle, id string) (bool, error) {
	var n int
	err := h.QueryRow(ctx, `SELECT COUNT(*) FROM attempt WHERE message_id = ?`, id).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("read attempts: %w", err)
	}
	return n > 0, nil
}

// marks gives n question marks for an IN list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// Open counts the messages that are not final by state, and tells for how long
// the most overdue of the planned ones has been due.
func (q *Queue) Open(ctx context.Context) (counts map[State]int, late time.Duration, err error) {
	h := q.db.Read()
	rows, err := h.Query(ctx, `SELECT state, COUNT(*) FROM message m WHERE `+walkOpen+` GROUP BY state`)
	if err != nil {
		return nil, 0, fmt.Errorf("count messages: %w", err)
	}
	defer rows.Close()
	counts = map[State]int{}
	for rows.Next() {
		var (
			s State
			n int
		)
		if err := rows.Scan(&s, &n); err != nil {
			return nil, 0, fmt.Errorf("count messages: %w", err)
		}
		counts[s] = n
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("count messages: %w", err)
	}
	var first *int64
	if err := h.QueryRow(ctx, `SELECT MIN(next) FROM message m WHERE `+walkPlanned).Scan(&first); err != nil {
		return nil, 0, fmt.Errorf("find the oldest message: %w", err)
	}
	if first != nil {
		late = max(0, time.Duration(q.millis()-*first)*time.Millisecond)
	}
	return counts, late, nil
}
