package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// A Device is an enrolled kiosk. Only devices may show cards and pictures.
type Device struct {
	ID, RelayID, Name string
	Public            seal.PublicKey
	SeenAt            time.Time
}

const (
	deviceCodeLife  = 15 * time.Minute
	deviceCodeTries = 10
	maxDeviceName   = 60
	deviceColumns   = "id, relay_id, name, public, public_mac, seen"
)

// DeviceCode makes the eight digits by which one kiosk is enrolled with a
// relay, within 15 minutes and once.
func (v *Vault) DeviceCode(ctx context.Context, relayID string) (string, error) {
	if _, err := v.Relay(ctx, relayID); err != nil {
		return "", err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return "", err
	}
	code := fmt.Sprintf("%08d", n)
	err = v.DB.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, "INSERT INTO device_code (mark, relay_id, ends, tries) VALUES (?, ?, ?, 0)",
			v.codeMark(code), relayID, v.Now().Add(deviceCodeLife).UnixMilli())
		return err
	})
	return code, err
}

func (v *Vault) codeMark(code string) []byte { return v.Key.MAC("device code", []byte(code)) }

// EnrolDevice takes a kiosk in. token is the 32 bytes by which it will be
// known. It returns [ErrCode] for a wrong, used or old code; ten wrong codes
// end all that are open.
func (v *Vault) EnrolDevice(ctx context.Context, code, name string, public seal.PublicKey, token []byte) (Device, error) {
	if len(token) != 32 {
		return Device{}, &Invalid{"token", "short"}
	}
	if _, err := public.Seal(seal.Place{}, nil); err != nil {
		return Device{}, &Invalid{"public", "unknown"}
	}
	if len([]rune(name)) > maxDeviceName {
		return Device{}, &Invalid{"name", "long"}
	}
	if name = strings.TrimSpace(name); name == "" {
		name = "Borne"
	}
	d := Device{ID: rand.Text(), Name: name, Public: public}
	err := v.DB.Write(ctx, func(tx database.Handle) error {
		var err error
		if d.RelayID, err = v.takeCode(ctx, tx, code); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO device (id, relay_id, name, public, public_mac, token_mac, seen) VALUES (?, ?, ?, ?, ?, ?, ?)",
			d.ID, d.RelayID, d.Name, []byte(public), v.publicMAC("device", d.ID, public), v.Key.MAC("device token", token), v.millis())
		return err
	})
	if errors.Is(err, ErrCode) {
		return Device{}, errors.Join(ErrCode, v.countCodeTry(ctx))
	}
	return d, err
}

func (v *Vault) takeCode(ctx context.Context, tx database.Handle, code string) (relayID string, err error) {
	err = tx.QueryRow(ctx, "DELETE FROM device_code WHERE mark = ? AND ends > ? AND tries < ? RETURNING relay_id",
		v.codeMark(code), v.millis(), deviceCodeTries).Scan(&relayID)
	if errors.Is(err, ErrNotFound) {
		return "", ErrCode
	}
	return relayID, err
}

func (v *Vault) countCodeTry(ctx context.Context) error {
	return v.DB.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, "UPDATE device_code SET tries = tries + 1")
		return err
	})
}

// Device finds an enrolled kiosk by what it sends with each request. It
// returns [ErrForbidden] for any other.
func (v *Vault) Device(ctx context.Context, id string, token []byte) (Device, error) {
	var mac []byte
	err := v.DB.Read().QueryRow(ctx, "SELECT token_mac FROM device WHERE id = ?", id).Scan(&mac)
	if errors.Is(err, ErrNotFound) || err == nil && !v.Key.VerifyMAC(mac, "device token", token) {
		return Device{}, ErrForbidden
	}
	if err != nil {
		return Device{}, err
	}
	found, err := v.devices(ctx, "id = ?", id)
	if err != nil || len(found) == 0 {
		return Device{}, errors.Join(ErrForbidden, err)
	}
	return found[0], v.seen(ctx, found[0])
}

// seen notes once a minute that a kiosk lives.
func (v *Vault) seen(ctx context.Context, d Device) error {
	if v.Now().Sub(d.SeenAt) < time.Minute {
		return nil
	}
	return v.DB.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, "UPDATE device SET seen = ? WHERE id = ?", v.millis(), d.ID)
		return err
	})
}

func (v *Vault) devices(ctx context.Context, where string, args ...any) ([]Device, error) {
	return collect(ctx, v.DB.Read(), func(scan func(...any) error) (d Device, err error) {
		var public, mac []byte
		var seen int64
		if err = scan(&d.ID, &d.RelayID, &d.Name, &public, &mac, &seen); err != nil {
			return d, err
		}
		d.SeenAt = time.UnixMilli(seen)
		d.Public, err = v.trusted("device", d.ID, public, mac)
		return d, err
	}, "SELECT "+deviceColumns+" FROM device WHERE "+where+" ORDER BY name, id", args...)
}
