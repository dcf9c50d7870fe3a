package vault

import (
	"context"
	"errors"

	"consigne/internal/database"
	"consigne/portal/plan"
)

// Quiet tells in which hours no reminder of the relay leaves: those that its desk
// chose, or the usual ones.
func (m *Member) Quiet(ctx context.Context) (plan.Quiet, error) {
	var q plan.Quiet
	err := m.v.DB.Read().QueryRow(ctx, "SELECT quiet_from, quiet_until FROM relay_quiet WHERE relay_id = ?", m.relay.ID).
		Scan(&q.From, &q.Until)
	if errors.Is(err, ErrNotFound) {
		return plan.DefaultQuiet, nil
	}
	return q, err
}

// SetQuiet chooses the hours in which no reminder of the relay leaves, for what is
// planned from now on. It returns [ErrForbidden] for a member who was not admitted,
// and an *[Invalid] of "quiet" for what is not [plan.Quiet.Valid].
func (m *Member) SetQuiet(ctx context.Context, q plan.Quiet) error {
	if !m.admitted {
		return ErrForbidden
	}
	if !q.Valid() {
		return &Invalid{"quiet", "unknown"}
	}
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, `INSERT INTO relay_quiet (relay_id, quiet_from, quiet_until) VALUES (?, ?, ?)
			ON CONFLICT (relay_id) DO UPDATE SET quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until`,
			m.relay.ID, q.From, q.Until)
		return err
	})
}
