package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"consigne/internal/database"
)

// A Call is a person at a kiosk asking for somebody.
type Call struct {
	ID, DeviceID, DeviceName, Language string
	At                                 time.Time
	SeenAt                             time.Time // when a desk first showed it; zero before
	AnsweredAt                         time.Time // when somebody said "J'y vais"; zero before
}

// callLife is how long a call without an answer stays open.
const callLife = 10 * time.Minute

const callColumns = "c.id, c.device_id, d.name, c.lang, c.at, c.seen, c.answered"

// Call calls somebody. A kiosk has one open call: calling again changes nothing.
func (v *Vault) Call(ctx context.Context, dev Device, language string) (Call, error) {
	err := v.DB.Write(ctx, func(tx database.Handle) error {
		if _, err := openCall(ctx, tx, dev.ID, v.since()); !errors.Is(err, ErrNotFound) {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO call (id, device_id, lang, at, seen, answered, ended) VALUES (?, ?, ?, ?, 0, 0, 0)",
			rand.Text(), dev.ID, language, v.millis())
		return err
	})
	if err != nil {
		return Call{}, err
	}
	return v.CallState(ctx, dev)
}

func (v *Vault) since() int64 { return v.Now().Add(-callLife).UnixMilli() }

// CallState tells how the kiosk's call stands; [ErrNotFound] when none is open.
func (v *Vault) CallState(ctx context.Context, dev Device) (Call, error) {
	return openCall(ctx, v.DB.Read(), dev.ID, v.since())
}

func openCall(ctx context.Context, h database.Handle, device string, since int64) (Call, error) {
	calls, err := collect(ctx, h, scanCall, "SELECT "+callColumns+
		" FROM call c JOIN device d ON d.id = c.device_id WHERE c.device_id = ? AND c.ended = 0 AND c.at > ? ORDER BY c.at DESC", device, since)
	if err != nil {
		return Call{}, err
	}
	if len(calls) == 0 {
		return Call{}, ErrNotFound
	}
	return calls[0], nil
}

// EndCall takes the kiosk's call back: the person left or was helped.
func (v *Vault) EndCall(ctx context.Context, dev Device) error {
	return v.DB.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, "UPDATE call SET ended = ? WHERE device_id = ? AND ended = 0", v.millis(), dev.ID)
		return err
	})
}

// Calls lists the open calls of the relay's kiosks, oldest first, and notes
// that a desk shows them.
func (m *Member) Calls(ctx context.Context) ([]Call, error) {
	calls, err := collect(ctx, m.v.DB.Read(), scanCall, "SELECT "+callColumns+
		" FROM call c JOIN device d ON d.id = c.device_id WHERE d.relay_id = ? AND c.ended = 0 AND c.at > ? ORDER BY c.at",
		m.relay.ID, m.v.since())
	if err != nil {
		return nil, err
	}
	for i, c := range calls {
		if !c.SeenAt.IsZero() {
			continue
		}
		calls[i].SeenAt = m.v.Now()
		err := m.v.DB.Write(ctx, func(tx database.Handle) error {
			_, err := tx.Exec(ctx, "UPDATE call SET seen = ? WHERE id = ? AND seen = 0", m.v.millis(), c.ID)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return calls, nil
}

// AnswerCall says that somebody goes there. It returns [ErrNotFound] for a
// call that is over or of another relay's kiosk.
func (m *Member) AnswerCall(ctx context.Context, id string) error {
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		n, err := tx.Exec(ctx, `UPDATE call SET answered = ? WHERE id = ? AND ended = 0
			AND device_id IN (SELECT id FROM device WHERE relay_id = ?)`, m.v.millis(), id, m.relay.ID)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		return err
	})
}

func scanCall(scan func(...any) error) (c Call, err error) {
	var at, seen, answered int64
	err = scan(&c.ID, &c.DeviceID, &c.DeviceName, &c.Language, &at, &seen, &answered)
	c.At, c.SeenAt, c.AnsweredAt = timeOf(at), timeOf(seen), timeOf(answered)
	return c, err
}

// timeOf reads a stored time; 0 is none.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
