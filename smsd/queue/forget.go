package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"consigne/internal/database"
)

// inboundLasts is for how long a carrier's second call about one text is known.
const inboundLasts = markLasts

// answersLast is how long an answer waits for the desk.
const answersLast = 30 * 24 * time.Hour

// Forget erases what has served: marks of messages a week after their end, but
// for numbers that are unwell or opted out, whose holders are still to be asked;
// what answers needed; answers after a month; numbers that no message points to;
// sender keys under which
// nothing lies.
func (q *Queue) Forget(ctx context.Context) error {
	now := q.now()
	unanswerable, err := unanswerable(ctx, q.db.Read())
	if err == nil {
		err = q.db.Write(ctx, func(tx database.Handle) error {
			for _, step := range []struct {
				query string
				args  []any
			}{
				{`UPDATE message SET mark = NULL WHERE mark IS NOT NULL AND expires <= ? AND final_at IS NOT NULL
					AND (SELECT COUNT(*) FROM number_health s WHERE s.mark = message.mark) = 0
					AND (SELECT COUNT(*) FROM opt_out o WHERE o.mark = message.mark) = 0`, []any{now.Add(-markLasts).UnixMilli()}},
				{`DELETE FROM reply WHERE ends <= ?`, []any{now.UnixMilli()}},
				{`DELETE FROM inbound WHERE at <= ?`, []any{now.Add(-inboundLasts).UnixMilli()}},
				{`DELETE FROM answer WHERE at <= ?`, []any{now.Add(-answersLast).UnixMilli()}},
				{`DELETE FROM number AS n WHERE ` + walkSpare + ` AND made <= ?`, []any{now.Add(-spareRows).UnixMilli()}},
				{`DELETE FROM sender_key WHERE made <= ?
					AND (SELECT 1 FROM message m WHERE m.sender = sender_key.id LIMIT 1) IS NULL
					AND (SELECT 1 FROM number n WHERE n.sender = sender_key.id LIMIT 1) IS NULL
					AND (SELECT 1 FROM reply r WHERE r.sender = sender_key.id LIMIT 1) IS NULL`, []any{now.Add(-spareKeys).UnixMilli()}},
			} {
				if _, err := tx.Exec(ctx, step.query, step.args...); err != nil {
					return err
				}
			}
			return deleteReplies(ctx, tx, unanswerable)
		})
	}
	if err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	return nil
}

// unanswerable finds what is kept for messages that came to their end without
// ever leaving: cancelled, suppressed, expired; and for those to numbers that opted
// out. It looks at all that is kept, so it does so outside of any transaction that
// others wait for.
func unanswerable(ctx context.Context, h database.Handle) ([]string, error) {
	return column(ctx, h, `SELECT r.message_id FROM reply r WHERE
		(SELECT CASE WHEN m.final_at IS NOT NULL AND m.attempts = 0 THEN 1 ELSE (SELECT COUNT(*) FROM opt_out o WHERE o.mark = m.mark) END
			FROM message m WHERE m.id = r.message_id) > 0`)
}

func deleteReplies(ctx context.Context, tx database.Handle, ids []string) error {
	for some := range slices.Chunk(ids, idsAtOnce) {
		if _, err := tx.Exec(ctx, `DELETE FROM reply WHERE message_id IN (`+marks(len(some))+`)`, bound(some)...); err != nil {
			return err
		}
	}
	return nil
}
