// Package vault holds the rules of Consigne: who may read what, and with which
// key. Access is a key, not an if: a relay reads a paper because the paper's key
// was wrapped for it, and stops reading because that row is gone.
//
// A vault is opened by a [Holder] (card and pictures at an enrolled kiosk) or,
// for what was shared, by a [Member] of a relay's staff. Both carry keys that
// live for one request: they are unwrapped from the session by its cookie and
// thrown away afterwards. The package knows no HTTP; the web rooms call it.
package vault

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/portal/blob"
	"consigne/smsd/queue"
)

// Options are what a vault works with. All are needed but Log and Revoked.
type Options struct {
	DB    *database.DB
	Blobs blob.Store
	Key   seal.Key      // portal.key: the pepper, and the MAC over rows
	SMS   *queue.Sender // seals messages to the SMS daemon
	Now   func() time.Time
	// PublicURL is where phones reach the portal, such as "https://c.example".
	PublicURL string
	// LinkURL is the same by a shorter name, for links in messages; PublicURL when
	// empty.
	LinkURL string
	// Voice speaks a name in a language, as MP3.
	Voice func(ctx context.Context, lang, text string) ([]byte, error)
	// Revoked notes durably what died ("card", "access", "member", "item", "message") so that a
	// restored backup does not bring it back to life.
	Revoked func(kind, id string) error
	Log     *slog.Logger
}

// A Vault is the store of all people's vaults. It is safe for concurrent use.
type Vault struct {
	Options
	gate  *seal.Gate
	reads *readings
}

// New makes a vault of its parts.
func New(o Options) (*Vault, error) {
	if o.DB == nil || o.Blobs == nil || o.SMS == nil || o.Now == nil || o.Voice == nil {
		return nil, errors.New("vault: a part is missing")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Revoked == nil {
		o.Revoked = func(string, string) error { return nil }
	}
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	o.LinkURL = strings.TrimSuffix(cmp.Or(o.LinkURL, o.PublicURL), "/")
	return &Vault{Options: o, gate: seal.NewGate(runtime.GOMAXPROCS(0)), reads: &readings{at: map[string]time.Time{}}}, nil
}

// Content is a page image or a clip that is being read. Reading it to the end
// proves that it was whole; Close must be called.
type Content struct {
	Type string
	Size int64
	io.ReadCloser
}

func (v *Vault) millis() int64 { return v.Now().UnixMilli() }

// once notes that a form is carried out, inside the transaction that does so.
// It returns [ErrRepeated] when that happened before.
func (v *Vault) once(ctx context.Context, tx database.Handle, form, number string) error {
	if number == "" {
		return &Invalid{"once", "missing"}
	}
	_, err := tx.Exec(ctx, "INSERT INTO done_once (mark, at) VALUES (?, ?)",
		v.Key.MAC("once", []byte(form), []byte(number)), v.millis())
	if errors.Is(err, database.ErrExists) {
		return ErrRepeated
	}
	return err
}

// publicMAC protects a public key against being exchanged in the store.
func (v *Vault) publicMAC(kind, id string, public seal.PublicKey) []byte {
	return v.Key.MAC("public key", []byte(kind), []byte(id), public)
}

// trusted gives a stored public key after checking its MAC: sealing to a key
// that a thief put there would hand over what is sealed.
func (v *Vault) trusted(kind, id string, public, mac []byte) (seal.PublicKey, error) {
	if !v.Key.VerifyMAC(mac, "public key", []byte(kind), []byte(id), public) {
		return nil, errors.New("vault: stored public key of " + kind + " " + id + " is not ours")
	}
	return public, nil
}

func (v *Vault) personKey(ctx context.Context, h database.Handle, id string) (seal.PublicKey, error) {
	var public, mac []byte
	if err := h.QueryRow(ctx, "SELECT public, public_mac FROM person WHERE id = ?", id).Scan(&public, &mac); err != nil {
		return nil, err
	}
	return v.trusted("person", id, public, mac)
}

// damaged tells that a row does not open, and logs which. One such row must not
// close a whole vault: the others are shown, and `portal verify` finds it.
func (v *Vault) damaged(err error, table, id string) bool {
	if !errors.Is(err, seal.ErrSealed) {
		return false
	}
	v.Log.Error("row does not open", "table", table, "id", id)
	return true
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// forUpdate is the suffix that locks the rows a transaction read. SQLite has
// one writer at a time and needs none.
func forUpdate(h database.Handle) string {
	if h.Kind() == database.PostgreSQL {
		return " FOR NO KEY UPDATE" // new rows that point here may come meanwhile
	}
	return ""
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, h database.Handle, scan func(func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := h.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		t, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}
