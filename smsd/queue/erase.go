package queue

import (
	"context"
	"time"

	"consigne/internal/database"
)

// How the carrier is asked to delete what is final here: after a minute, then
// four times as long each time and at most twice a day, for a week in all.
const (
	firstEraseWait   = time.Minute
	longestEraseWait = 12 * time.Hour
	maxErasures      = 19
	copiesLast       = 7 * 24 * time.Hour // that no carrier of ours asks about
)

// anyCarrier stands for whichever carrier is used now: where a restored store
// does not know to which one a request went, and for what people wrote.
const anyCarrier = "unknown"

// A Copy is a message that is final here, or a text that was taken in, and that the
// carrier still holds.
type Copy struct {
	CarrierID string
	MessageID string // empty for what somebody wrote to us
	tries     int
}

// forgetAtCarrier notes that whatever the carrier has of a final message is to
// be deleted there. It does so again for one that turns up later.
func forgetAtCarrier(ctx context.Context, tx database.Handle, at int64, messageIDs ...string) error {
	_, err := tx.Exec(ctx, `INSERT INTO carrier_copy (carrier_id, carrier, message_id, next, tries)
		SELECT carrier_id, carrier, message_id, CAST(? AS BIGINT), 0 FROM attempt WHERE message_id IN (`+marks(len(messageIDs))+`)
			AND COALESCE(carrier_id, '') <> '' AND (SELECT m.final_at FROM message m WHERE m.id = attempt.message_id) IS NOT NULL
		ON CONFLICT (carrier_id) DO NOTHING`, append([]any{at}, bound(messageIDs)...)...)
	return wrapped("note what the carrier holds", err)
}

// forgetText notes that a text which somebody wrote is to be deleted at the carrier.
func forgetText(ctx context.Context, tx database.Handle, at int64, carrierID string) error {
	_, err := tx.Exec(ctx, `INSERT INTO carrier_copy (carrier_id, carrier, next, tries) VALUES (?, ?, ?, 0)
		ON CONFLICT (carrier_id) DO NOTHING`, carrierID, anyCarrier, at)
	return wrapped("note what the carrier holds", err)
}

// Copies gives up to limit messages that this carrier is to be asked to delete
// now. Each is due again only after its wait, whatever becomes of the question.
func (q *Queue) Copies(ctx context.Context, limit int, carrier string) ([]Copy, error) {
	var out []Copy
	err := q.db.Write(ctx, func(tx database.Handle) error {
		var err error
		now := q.now()
		if out, err = copies(ctx, tx, `SELECT m.carrier_id, COALESCE(m.message_id, ''), m.tries FROM carrier_copy m
			WHERE m.next <= ? AND m.carrier IN (?, ?) ORDER BY m.next LIMIT ?`+skipLocked(tx, "m"), now.UnixMilli(), carrier, anyCarrier, limit); err != nil {
			return err
		}
		for _, c := range out {
			_, err := tx.Exec(ctx, `UPDATE carrier_copy SET tries = tries + 1, next = ? WHERE carrier_id = ?`,
				now.Add(eraseWait(c.tries)).UnixMilli(), c.CarrierID)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, wrapped("find what the carrier is to delete", err)
}

func eraseWait(tries int) time.Duration {
	return jitter(min(firstEraseWait<<min(2*tries, 20), longestEraseWait))
}

func copies(ctx context.Context, h database.Handle, query string, args ...any) ([]Copy, error) {
	rows, err := h.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Copy
	for rows.Next() {
		var c Copy
		if err := rows.Scan(&c.CarrierID, &c.MessageID, &c.tries); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// ForgetCopies drops what other carriers still hold, for a week: they are not ours
// to ask any more.
func (q *Queue) ForgetCopies(ctx context.Context, carrier string) error {
	err := q.db.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, `DELETE FROM carrier_copy WHERE next <= ? AND carrier NOT IN (?, ?)`,
			q.now().Add(-copiesLast).UnixMilli(), carrier, anyCarrier)
		return err
	})
	return wrapped("forget what other carriers hold", err)
}

// Last tells whether the carrier was asked about this copy for the last time.
func (c Copy) Last() bool { return c.tries+1 >= maxErasures }

// Erased notes that the carrier need not be asked again about these.
func (q *Queue) Erased(ctx context.Context, gone []Copy) error {
	if len(gone) == 0 {
		return nil
	}
	ids := make([]any, len(gone))
	for i, c := range gone {
		ids[i] = c.CarrierID
	}
	err := q.db.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, `DELETE FROM carrier_copy WHERE carrier_id IN (`+marks(len(ids))+`)`, ids...)
		return err
	})
	return wrapped("note what the carrier deleted", err)
}
