package queue

import (
	"context"
	"fmt"

	"consigne/internal/database"
)

// elsewhere, in message.unwanted, says that the number changed while a request
// was out: should the message be planned again it goes to the number whose row
// is named by nextNumber. Until then it points to the number to which the
// request went, since the carrier may have to be asked about that one.
const elsewhere = 2

func nextNumber(messageID string) string { return "next:" + messageID }

// Redirect sends messages that are open to another number from now on. A request
// that is out already is not called back; should it turn out that it never
// arrived, the message goes to the new number. Messages that are final, or
// unknown here, are left alone. Numbers are read, and refused, as by
// [ParseNumber].
func (s *Sender) Redirect(ctx context.Context, tx database.Handle, messageIDs []string, number string) error {
	e164, err := ParseNumber(number)
	if err != nil {
		return err
	}
	k, err := s.ready(ctx, tx)
	if err != nil {
		return err
	}
	shared := s.numberID() // one row for all that have not left
	if err := s.keepNumber(ctx, tx, k, shared, e164, 0); err != nil {
		return err
	}
	for _, id := range messageIDs {
		moved, err := pointTo(ctx, tx, id, shared)
		if err != nil {
			return fmt.Errorf("redirect message %s: %w", id, err)
		}
		if moved {
			continue
		}
		if err := s.redirectLater(ctx, tx, k, id, e164); err != nil {
			return fmt.Errorf("redirect message %s: %w", id, err)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM number WHERE id = ? AND waiting <= 0`, shared); err != nil {
		return fmt.Errorf("erase number: %w", err)
	}
	return nil
}

// pointTo lets a message that has no request out point to another number, and
// tells whether it did.
func pointTo(ctx context.Context, tx database.Handle, id, numberID string) (bool, error) {
	old, err := column(ctx, tx, `SELECT number_id FROM message
		WHERE id = ? AND state IN ('planned', 'held') AND number_id IS NOT NULL`+forUpdate(tx), id)
	if err != nil || len(old) == 0 {
		return false, err
	}
	_, err = tx.Exec(ctx, `UPDATE message SET number_id = ?, unwanted = CASE unwanted WHEN ? THEN 0 ELSE unwanted END WHERE id = ?`,
		numberID, elsewhere, id)
	if err != nil {
		return false, err
	}
	if err := release(ctx, tx, nextNumber(id)); err != nil { // of a redirection before this one
		return false, err
	}
	if _, err := tx.Exec(ctx, `UPDATE number SET waiting = waiting + 1 WHERE id = ?`, numberID); err != nil {
		return false, err
	}
	return true, release(ctx, tx, old[0])
}

// redirectLater keeps the new number of a message whose request is out.
func (s *Sender) redirectLater(ctx context.Context, tx database.Handle, k senderKey, id, e164 string) error {
	rows, err := tx.Exec(ctx, `UPDATE message SET unwanted = ? WHERE id = ? AND final_at IS NULL AND unwanted <> 1`, elsewhere, id)
	if err != nil || rows == 0 {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM number WHERE id = ?`, nextNumber(id)); err != nil {
		return err
	}
	return s.keepNumber(ctx, tx, k, nextNumber(id), e164, 1)
}

// stayHere forgets the new number of a message whose request is out.
func stayHere(ctx context.Context, tx database.Handle, id string) error {
	rows, err := tx.Exec(ctx, `UPDATE message SET unwanted = 0 WHERE id = ? AND final_at IS NULL AND unwanted = ?`, id, elsewhere)
	if err != nil || rows == 0 {
		return wrapped("forget new number", err)
	}
	return release(ctx, tx, nextNumber(id))
}

// redirected tells whether a message goes to another number than the one to which
// its latest attempt went.
func redirected(ctx context.Context, tx database.Handle, id string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM message m LEFT JOIN number n ON n.id = m.number_id
		WHERE m.id = ? AND (m.unwanted = ? OR n.id IS NOT NULL AND (n.mark IS NULL OR n.mark <> m.mark))`, id, elsewhere).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a new number: %w", err)
	}
	return n > 0, nil
}

// goElsewhere lets a message that is planned again go to its new number.
func goElsewhere(ctx context.Context, tx database.Handle, id string) error {
	old, err := column(ctx, tx, `SELECT number_id FROM message WHERE id = ?`, id)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE message SET number_id = ?, unwanted = 0 WHERE id = ?`, nextNumber(id), id); err != nil {
		return err
	}
	for _, numberID := range old {
		if err := release(ctx, tx, numberID); err != nil {
			return err
		}
	}
	return nil
}

// forUpdate locks rows that are read to be changed; SQLite has one writer.
func forUpdate(h database.Handle) string {
	if h.Kind() == database.PostgreSQL {
		return " FOR UPDATE"
	}
	return ""
}
