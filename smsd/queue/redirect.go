package queue

import (
	"context"
	"errors"
	"fmt"

	"consigne/internal/database"
)

// elsewhere, in message.unwanted, says that the number changed while a request
// was out: should the message be planned again it goes to the number whose row
// is named by nextNumber. Until then it points to the number to which the
// request went, since the carrier may have to be asked about that one.
const elsewhere = 2

// nextNumber names the row of the number to which a message goes next. It is never
// that of the number in use, which may itself have been the next one before.
func nextNumber(messageID, inUse string) string {
	if next := "next:" + messageID; next != inUse {
		return next
	}
	return "then:" + messageID
}

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
		if err := s.redirectOne(ctx, tx, k, id, redirection{shared, e164}); err != nil {
			return fmt.Errorf("redirect message %s: %w", id, err)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM number WHERE id = ? AND waiting <= 0`, shared); err != nil {
		return fmt.Errorf("erase number: %w", err)
	}
	return nil
}

// redirection is a new number, and the row of it for messages that have no
// request out.
type redirection struct{ shared, e164 string }

// redirectOne looks at the message under a lock: it must not be planned again
// between the look and the change.
func (s *Sender) redirectOne(ctx context.Context, tx database.Handle, k senderKey, id string, to redirection) error {
	var (
		state    State
		inUse    string
		unwanted int
	)
	err := tx.QueryRow(ctx, `SELECT state, COALESCE(number_id, ''), unwanted FROM message
		WHERE id = ? AND final_at IS NULL`+forUpdate(tx), id).Scan(&state, &inUse, &unwanted)
	if errors.Is(err, database.ErrNotFound) || err == nil && inUse == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if unwanted == elsewhere { // by a redirection before this one
		if err := stayHere(ctx, tx, id, inUse); err != nil {
			return err
		}
	}
	switch {
	case state == Planned || state == Held:
		return pointTo(ctx, tx, id, inUse, to.shared)
	case unwanted == 1: // taken back
		return nil
	}
	if _, err := tx.Exec(ctx, `UPDATE message SET unwanted = ? WHERE id = ?`, elsewhere, id); err != nil {
		return err
	}
	return s.keepNumber(ctx, tx, k, nextNumber(id, inUse), to.e164, 1)
}

// pointTo lets a message that has no request out point to another number.
func pointTo(ctx context.Context, tx database.Handle, id, inUse, numberID string) error {
	if _, err := tx.Exec(ctx, `UPDATE message SET number_id = ? WHERE id = ?`, numberID, id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE number SET waiting = waiting + 1 WHERE id = ?`, numberID); err != nil {
		return err
	}
	return release(ctx, tx, inUse)
}

// stayHere forgets the new number of a message whose request is out.
func stayHere(ctx context.Context, tx database.Handle, id, inUse string) error {
	if _, err := tx.Exec(ctx, `UPDATE message SET unwanted = 0 WHERE id = ?`, id); err != nil {
		return fmt.Errorf("forget new number: %w", err)
	}
	return release(ctx, tx, nextNumber(id, inUse))
}

// redirected tells whether a message goes to another number than the one to which
// its latest attempt went.
func redirected(ctx context.Context, tx database.Handle, id string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM message m WHERE m.id = ? AND (m.unwanted = ?
		OR (SELECT CASE WHEN n.mark IS NULL OR n.mark <> m.mark THEN 1 ELSE 0 END FROM number n WHERE n.id = m.number_id) = 1)`, id, elsewhere).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a new number: %w", err)
	}
	return n > 0, nil
}

// goElsewhere lets a message that is planned again go to its new number.
func goElsewhere(ctx context.Context, tx database.Handle, id string) error {
	var inUse string
	if err := tx.QueryRow(ctx, `SELECT COALESCE(number_id, '') FROM message WHERE id = ?`, id).Scan(&inUse); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE message SET number_id = ?, unwanted = 0 WHERE id = ?`, nextNumber(id, inUse), id)
	if err != nil {
		return err
	}
	return release(ctx, tx, inUse)
}

// forUpdate locks rows that are read to be changed; SQLite has one writer.
func forUpdate(h database.Handle) string {
	if h.Kind() == database.PostgreSQL {
		return " FOR UPDATE"
	}
	return ""
}
