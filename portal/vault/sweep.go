package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"consigne/internal/database"
)

// ErrClock is returned by [Vault.Sweep] when the clock jumped: sweeping by a
// wrong clock would end what should go on.
var ErrClock = errors.New("the clock jumped: nothing was swept")

const (
	maxJump  = 36 * time.Hour      // a portal that was off for longer sweeps after two passes
	keepOnce = 7 * 24 * time.Hour  // how long a form sent twice is recognised
	keepUsed = 30 * 24 * time.Hour // how long a used link can still say so
)

// Sweep deletes what has ended: grants with their marks and links, sessions,
// codes, invitations, profiles that waited in vain. Reads refuse all of it from
// its end on already; the sweep takes the keys away.
func (v *Vault) Sweep(ctx context.Context) error {
	if err := v.checkClock(ctx); err != nil {
		return err
	}
	now := v.millis()
	return v.DB.Write(ctx, func(tx database.Handle) error {
		for _, pass := range []struct {
			query string
			until int64
		}{
			{"DELETE FROM link WHERE access_id IN (SELECT id FROM access WHERE ends <> 0 AND ends <= ?)", now},
			{"DELETE FROM access WHERE ends <> 0 AND ends <= ?", now},
			{"DELETE FROM session WHERE idle <= ?", now},
			{"DELETE FROM session WHERE ends <= ?", now},
			{"DELETE FROM invitation WHERE ends <= ?", now},
			{"DELETE FROM device_code WHERE ends <= ?", now},
			{"DELETE FROM enrolment WHERE ends <= ?", now},
			{"DELETE FROM call WHERE at <= ?", now - callLife.Milliseconds()},
			{"DELETE FROM done_once WHERE at <= ?", now - keepOnce.Milliseconds()},
			{"UPDATE link SET item_key = NULL WHERE opened <> 0 AND opened <= ? AND item_key IS NOT NULL", now - linkOpen.Milliseconds()},
			{"UPDATE link SET item_key = NULL WHERE ends <= ? AND item_key IS NOT NULL", now},
			{"DELETE FROM link WHERE ends <= ?", now - keepUsed.Milliseconds()},
		} {
			if _, err := tx.Exec(ctx, pass.query, pass.until); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkClock notes this pass. After a jump the first pass halts; the next finds
// a mark close by and goes on.
func (v *Vault) checkClock(ctx context.Context) error {
	var last int64
	err := v.DB.Read().QueryRow(ctx, "SELECT at FROM clock_mark WHERE name = 'sweep'").Scan(&last)
	if errors.Is(err, ErrNotFound) {
		last, err = v.millis(), nil
	}
	if err != nil {
		return err
	}
	jump := v.Now().Sub(time.UnixMilli(last)).Abs()
	err = v.DB.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, `INSERT INTO clock_mark (name, at) VALUES ('sweep', ?)
			ON CONFLICT (name) DO UPDATE SET at = excluded.at`, v.millis())
		return err
	})
	if err == nil && jump > maxJump {
		return fmt.Errorf("%w: %s since the last pass", ErrClock, jump.Round(time.Minute))
	}
	return err
}
