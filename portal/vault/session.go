package vault

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// A session row is found and opened by its cookie alone: neither is stored.
type session struct {
	id, kind, subject, device string
	key                       seal.Key
	idle                      int64
}

type limits struct{ idle, whole time.Duration }

// The kiosk's page ends a session after 90 silent seconds, spoken; these are
// the limits for a page that no longer does.
var sessionLimits = map[string]limits{
	"card":      {3 * time.Minute, 5 * time.Minute},
	"holder":    {5 * time.Minute, 45 * time.Minute},
	"enrolment": {10 * time.Minute, time.Hour},
	"setup":     {20 * time.Minute, time.Hour},
	"member":    {30 * time.Minute, 12 * time.Hour},
}

func sessionOf(cookie, kind, device string) (session, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return session{}, ErrSession
	}
	root, err := seal.KeyFrom(raw)
	if err != nil {
		return session{}, ErrSession
	}
	id := root.Derive("session id")
	return session{id: hexOf(id[:16]), kind: kind, device: device, key: root.Derive("session key")}, nil
}

// startSession makes a session whose body only the cookie opens.
func (v *Vault) startSession(ctx context.Context, tx database.Handle, kind, subject, device string, body any) (cookie string, err error) {
	var raw [32]byte
	rand.Read(raw[:])
	cookie = base64.RawURLEncoding.EncodeToString(raw[:])
	s, err := sessionOf(cookie, kind, device)
	if err != nil {
		return "", err
	}
	sealed, err := s.box(body)
	if err != nil {
		return "", err
	}
	now, lim := v.Now(), sessionLimits[kind]
	_, err = tx.Exec(ctx, "INSERT INTO session (id, kind, subject, device_id, body, idle, ends) VALUES (?, ?, ?, ?, ?, ?, ?)",
		s.id, kind, subject, device, sealed, now.Add(lim.idle).UnixMilli(), now.Add(lim.whole).UnixMilli())
	return cookie, err
}

// openSession reads a session's body and puts off its idle end. It returns
// [ErrSession] for one that ended, never was, or belongs to another device.
func (v *Vault) openSession(ctx context.Context, kind, device, cookie string, body any) (session, error) {
	s, err := v.readSession(ctx, kind, device, cookie, body)
	if err != nil {
		return s, err
	}
	return s, v.touch(ctx, s)
}

// readSession reads a session's body and leaves its idle end where it is.
func (v *Vault) readSession(ctx context.Context, kind, device, cookie string, body any) (session, error) {
	s, err := sessionOf(cookie, kind, device)
	if err != nil {
		return s, err
	}
	var sealed []byte
	var ends int64
	err = v.DB.Read().QueryRow(ctx, "SELECT subject, body, idle, ends FROM session WHERE id = ? AND kind = ? AND device_id = ?",
		s.id, kind, device).Scan(&s.subject, &sealed, &s.idle, &ends)
	if errors.Is(err, ErrNotFound) {
		return s, ErrSession
	}
	if err != nil {
		return s, err
	}
	if now := v.millis(); now >= s.idle || now >= ends {
		return s, ErrSession
	}
	plain, err := s.key.Open(placeSession(s.id, kind, device), sealed)
	if err != nil {
		return s, ErrSession
	}
	return s, json.Unmarshal(plain, body)
}

// touch puts the idle end off, but not at every picture of a page: a tenth of
// the limit must have gone by.
func (v *Vault) touch(ctx context.Context, s session) error {
	idle := v.Now().Add(sessionLimits[s.kind].idle)
	if idle.UnixMilli()-s.idle < (sessionLimits[s.kind].idle / 10).Milliseconds() {
		return nil
	}
	return v.DB.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, "UPDATE session SET idle = ? WHERE id = ?", idle.UnixMilli(), s.id)
		return err
	})
}

// saveSession writes a changed body.
func (v *Vault) saveSession(ctx context.Context, tx database.Handle, s session, body any) error {
	sealed, err := s.box(body)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE session SET body = ? WHERE id = ?", sealed, s.id)
	if err == nil && n == 0 {
		return ErrSession
	}
	return err
}

func (v *Vault) endSession(ctx context.Context, tx database.Handle, s session) error {
	_, err := tx.Exec(ctx, "DELETE FROM session WHERE id = ?", s.id)
	return err
}

func (s session) box(body any) ([]byte, error) {
	plain, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return s.key.Box(placeSession(s.id, s.kind, s.device), plain), nil
}
