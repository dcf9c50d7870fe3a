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
	maxJump  = 36 * time.Hour      // also a portal that was off for longer
	haltFor  = 12 * time.Hour      // how long no pass follows a jump
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

// checkClock notes this pass. After a jump every pass halts for twelve hours:
// time enough for somebody to set the clock right, and still within the day in
// which what ended has to be gone.
func (v *Vault) checkClock(ctx context.Context) error {
	now := v.Now()
	last, err := v.clockMark(ctx, "sweep", now)
	if err != nil {
		return err
	}
	halted, err := v.clockMark(ctx, "halted", time.Time{})
	if err != nil {
		return err
	}
	jump := now.Sub(last).Abs()
	if jump > maxJump {
		halted = now
	}
	err = v.DB.Write(ctx, func(tx database.Handle) error {
		return errors.Join(setClockMark(ctx, tx, "sweep", now), setClockMark(ctx, tx, "halted", halted))
	})
	if err == nil && now.Before(halted.Add(haltFor)) {
		return fmt.Errorf("%w: it went %s since the last pass", ErrClock, jump.Round(time.Minute))
	}
	return err
}

func (v *Vault) clockMark(ctx context.Context, name string, none time.Time) (time.Time, error) {
	var at int64
	err := v.DB.Read().QueryRow(ctx, "SELECT at FROM clock_mark WHERE name = ?", name).Scan(&at)
	if errors.Is(err, ErrNotFound) {
		return none, nil
	}
	return time.UnixMilli(at), err
}

func setClockMark(ctx context.Context, tx database.Handle, name string, at time.Time) error {
	_, err := tx.Exec(ctx, "INSERT INTO clock_mark (name, at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
		name, at.UnixMilli())
	return err
}
