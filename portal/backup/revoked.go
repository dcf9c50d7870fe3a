package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"consigne/internal/revoked"
)

// Revoked is the log of what died since: cards that were stopped, grants that
// were taken back, members who left, appointments that were cancelled with their
// reminders, numbers that want no messages. A backup is older than the last of
// them, so a restore reads the log and lets nothing of it come back to life. It holds ids, a line each: "card ABC…".
//
// It is safe for concurrent use, also by several processes.
type Revoked struct{ path string }

// The kinds of what can die.
const (
	KindCard    = "card"         // id of a stopped card
	KindAccess  = "access"       // id of a grant that was taken back
	KindMember  = "member"       // id of a member who left
	KindItem    = "item"         // id of an appointment that was cancelled
	KindMessage = "message"      // id of a message that was taken back
	KindOptOut  = revoked.OptOut // mark of a number, in hexadecimal
	KindOptIn   = revoked.OptIn  // the same: its opt-out has ended
)

var revokedKinds = []string{KindCard, KindAccess, KindMember, KindItem, KindMessage, KindOptOut, KindOptIn}

// A death is one line.
type death struct{ kind, id string }

// OpenRevoked names the log's file; it need not be there yet.
func OpenRevoked(path string) *Revoked { return &Revoked{path: path} }

// Add appends a line and makes it durable before it returns.
func (r *Revoked) Add(kind, id string) error {
	d := death{kind, id}
	if err := d.check(); err != nil {
		return fmt.Errorf("note in %s: %w", RevokedFile, err)
	}
	return r.append([]death{d})
}

func (r *Revoked) append(deaths []death) error {
	if len(deaths) == 0 {
		return nil
	}
	lines := make([]revoked.Line, len(deaths))
	for i, d := range deaths {
		lines[i] = revoked.Line{Kind: d.kind, ID: d.id}
	}
	return revoked.Append(r.path, lines...)
}

// read gives all whole lines; none where there is no file. ErrDamaged.
func (r *Revoked) read() ([]death, error) {
	b, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []death
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		text, whole := strings.CutSuffix(line, "\n")
		if !whole {
			break
		}
		kind, id, _ := strings.Cut(text, " ")
		d := death{kind, id}
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", RevokedFile, n, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// check refuses what a restore could not carry out: what it does not know it
// would bring back to life.
func (d death) check() error {
	if !slices.Contains(revokedKinds, d.kind) {
		return fmt.Errorf("%w: unknown kind %q", ErrDamaged, d.kind)
	}
	if d.id == "" || strings.ContainsAny(d.id, " \n") {
		return fmt.Errorf("%w: not an id", ErrDamaged)
	}
	return nil
}

// copyTo writes the log's whole lines to another file, durable.
func (r *Revoked) copyTo(path string) error {
	deaths, err := r.read()
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, d := range deaths {
		text.WriteString(d.kind + " " + d.id + "\n")
	}
	return WriteFile(path, strings.NewReader(text.String()))
}
