package queue

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"consigne/internal/database"
	"consigne/internal/revoked"
	"consigne/internal/seal"
)

// sweepSize bounds one transaction of a sweep.
const sweepSize = 500

// Sweep ends what has come to its expiry: what never left expires, and what
// left without a receipt keeps its state and is final. It returns how many. What is
// in doubt for a day longer, because the carrier could not be asked, is held first.
func (q *Queue) Sweep(ctx context.Context) (int, error) {
	var n int
	err := q.db.Write(ctx, func(tx database.Handle) error {
		n = 0
		now := q.millis()
		ids, err := column(ctx, tx, `SELECT m.id FROM message m WHERE `+walkOpen+` AND m.expires <= ?
			AND m.state IN ('planned', 'held', 'accepted', 'sent') ORDER BY m.expires LIMIT ?`+skipLocked(tx, "m"), now, sweepSize)
		if err != nil {
			return err
		}
		for _, id := range ids {
			moved, err := move(ctx, tx, change{id: id, to: Expired, at: now, code: "expired"})
			if err == nil && !moved {
				err = finish(ctx, tx, id, now)
			}
			if err != nil {
				return err
			}
		}
		n = len(ids)
		return endDoubts(ctx, tx, now)
	})
	if err != nil {
		return 0, fmt.Errorf("sweep expired messages: %w", err)
	}
	return n, nil
}

func endDoubts(ctx context.Context, tx database.Handle, now int64) error {
	ids, err := column(ctx, tx, `SELECT m.id FROM message m WHERE `+walkOpen+` AND m.expires <= ?
		AND m.state = 'unknown' ORDER BY m.expires LIMIT ?`+skipLocked(tx, "m"), now-doubtLasts.Milliseconds(), sweepSize)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := move(ctx, tx, change{id: id, to: Held, at: now, code: "carrier-cannot-tell"}); err != nil {
			return err
		}
	}
	return nil
}

// MarkNumbers marks numbers that were queued since the last time, and
// suppresses what is planned for those that opted out.
func (q *Queue) MarkNumbers(ctx context.Context) error {
	from := int64(math.MinInt64)
	for ctx.Err() == nil {
		fresh, last, err := q.unmarked(ctx, from)
		if err != nil || len(fresh) == 0 {
			return err
		}
		err = q.db.Write(ctx, func(tx database.Handle) error { return q.markMany(ctx, tx, fresh) })
		if err != nil {
			return err
		}
		if len(fresh) < sweepSize {
			return nil
		}
		from = last
	}
	return ctx.Err()
}

// unmarked reads numbers without a mark and makes theirs, the oldest first, and tells
// when the last one was made: going on from there spares PostgreSQL what it keeps of
// those that were marked just now. One that does not open gets an empty mark: its
// messages fail when they are claimed.
func (q *Queue) unmarked(ctx context.Context, from int64) (fresh map[string]numberMark, last int64, err error) {
	h := q.db.Read()
	rows, err := unmarkedRows(ctx, h, from)
	if err != nil {
		return nil, 0, fmt.Errorf("read unmarked numbers: %w", err)
	}
	fresh = make(map[string]numberMark, len(rows))
	for _, r := range rows {
		mark, err := q.markFor(ctx, h, r.boxed)
		if err != nil {
			return nil, 0, err
		}
		fresh[r.place.Row], last = numberMark{r.value, mark}, r.made
	}
	return fresh, last, nil
}

type unmarkedRow struct {
	boxed
	made int64
}

func unmarkedRows(ctx context.Context, h database.Handle, from int64) ([]unmarkedRow, error) {
	rows, err := h.Query(ctx, `SELECT id, sender, sealed, made FROM number n WHERE `+walkUnmarked+` AND made >= ? ORDER BY made LIMIT ?`, from, sweepSize)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []unmarkedRow
	for rows.Next() {
		var r unmarkedRow
		if err := rows.Scan(&r.place.Row, &r.sender, &r.value, &r.made); err != nil {
			return nil, err
		}
		r.place = numberPlace(r.place.Row)
		out = append(out, r)
	}
	return out, rows.Err()
}

// markFor makes the mark of a number, an empty one where it does not open.
func (q *Queue) markFor(ctx context.Context, h database.Handle, number boxed) ([]byte, error) {
	e164, err := q.open(ctx, h, number)
	if errors.Is(err, seal.ErrSealed) {
		return []byte{}, nil
	}
	if err != nil {
		return nil, err
	}
	return q.keys.mark(e164), nil
}

func (q *Queue) revoke(kind string, mark []byte) error { return noteIn(q.Revoked, kind, mark) }

// noteIn notes an opt-out or its end where a restore will find it.
func noteIn(note func(kind, id string) error, kind string, mark []byte) error {
	if note == nil {
		return nil
	}
	return note(kind, hex.EncodeToString(mark))
}

func (q *Queue) rememberOptOut(ctx context.Context, tx database.Handle, mark []byte) error {
	return rememberOptOut(ctx, tx, mark, q.Revoked, q.millis())
}

func rememberOptOut(ctx context.Context, tx database.Handle, mark []byte, note func(kind, id string) error, now int64) error {
	_, err := optOut(ctx, tx, mark, note, now)
	return err
}

// optOut suppresses everything for a number, and tells whether that is news. What
// was queued within the last second is suppressed when it is marked.
func optOut(ctx context.Context, tx database.Handle, mark []byte, note func(kind, id string) error, now int64) (news bool, err error) {
	rows, err := tx.Exec(ctx, `INSERT INTO opt_out (mark, at) VALUES (?, ?) ON CONFLICT (mark) DO NOTHING`, mark, now)
	if err == nil && rows > 0 {
		err = noteIn(note, revoked.OptOut, mark)
	}
	if err != nil {
		return false, fmt.Errorf("remember opt-out: %w", err)
	}
	return rows > 0, suppress(ctx, tx, mark, now)
}

func suppress(ctx context.Context, tx database.Handle, mark []byte, now int64) error {
	ids, err := messagesTo(ctx, tx, mark)
	if err != nil {
		return fmt.Errorf("find messages to suppress: %w", err)
	}
	for _, id := range ids {
		if _, err := move(ctx, tx, change{id: id, to: Suppressed, at: now, code: "opt-out"}); err != nil {
			return err
		}
	}
	return nil
}

// messagesTo finds what is planned or held for a number, but for what goes there
// despite an opt-out.
func messagesTo(ctx context.Context, tx database.Handle, mark []byte) (ids []string, err error) {
	numbers, err := column(ctx, tx, `SELECT id FROM number WHERE mark = ?`, mark)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(numbers, idsAtOnce) {
		found, err := column(ctx, tx, `SELECT id FROM message WHERE number_id IN (`+marks(len(some))+`)
			AND state IN ('planned', 'held') AND despite = 0`, bound(some)...)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	return ids, nil
}
