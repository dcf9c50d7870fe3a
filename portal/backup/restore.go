package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/portal/blob"
	"consigne/smsd/queue"
)

// kept are the tables that a first start may have filled before a restore.
var kept = []string{"key_fingerprint", "clock_mark"}

// Restore brings the backup in dir into the empty store s, of either database.
// keys are the fingerprints of the keys at hand, by name. The backup is read and
// checked wholly before anything is written, and everything is written in one
// transaction; the errors are ErrDamaged, ErrVersion, ErrKeys, ErrNotEmpty,
// and on any of them nothing is restored.
//
// What was open is closed: sessions, links, invitations and codes end, but not the
// links in messages that have yet to leave; messages that were due since are
// unknown (they may have left before the store was lost), and what the revoked logs of the backup and of s name stays dead.
func Restore(ctx context.Context, s Store, dir string, keys map[string]string, now time.Time, p Progress) (err error) {
	b, err := openBackup(dir)
	if err != nil {
		return err
	}
	if err := b.fits(ctx, s, keys); err != nil {
		return err
	}
	dead, err := b.dead(s)
	if err != nil {
		return err
	}
	fresh, err := b.restoreBlobs(ctx, s, p)
	defer func() {
		if err == nil {
			return
		}
		for _, id := range fresh {
			err = errors.Join(err, s.Blobs.Delete(context.WithoutCancel(ctx), id))
		}
	}()
	if err != nil {
		return err
	}
	// Before the rows: a crash in between leaves a log that says too much, never
	// one that says too little.
	if err := s.Revoked.append(b.missing(dead, s)); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx database.Handle) error {
		if err := b.restoreRows(ctx, tx, p); err != nil {
			return err
		}
		return settle(ctx, tx, dead, now)
	})
}

// An opened backup was read once and found whole.
type opened struct {
	dir   string
	head  dumpHead
	blobs []blobRow
	rows  int64
}

func (o *opened) dump() string { return filepath.Join(o.dir, dumpFile) }

func openBackup(dir string) (*opened, error) {
	if _, err := os.Stat(filepath.Join(dir, dumpFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no backup in %s: %w", dir, err)
	}
	b := &opened{dir: dir}
	err := readDump(b.dump(), dumpVisitor{
		head: func(h dumpHead) error { b.head = h; return nil },
		row: func(t dumpTable, values []any) error {
			b.rows++
			if t.Table != "item_blob" {
				return nil
			}
			return b.noteBlob(t, values)
		},
	})
	return b, err
}

func (o *opened) noteBlob(t dumpTable, values []any) error {
	var row blobRow
	var ok [3]bool
	for i, c := range t.Columns {
		switch c {
		case "blob_id":
			row.id, ok[0] = values[i].(string)
		case "size":
			row.size, ok[1] = values[i].(int64)
		case "sum":
			row.sum, ok[2] = values[i].([]byte)
		}
	}
	if ok != [3]bool{true, true, true} || blob.CheckID(row.id) != nil {
		return fmt.Errorf("%w: a row of item_blob", ErrDamaged)
	}
	o.blobs = append(o.blobs, row)
	return nil
}

// fits holds the backup against the program, the keys and the store.
func (o *opened) fits(ctx context.Context, s Store, keys map[string]string) error {
	h := s.DB.Read()
	version, err := schemaVersion(ctx, h)
	if err != nil {
		return err
	}
	if o.head.Schema != version {
		return fmt.Errorf("%w: the backup has version %d, this program %d: restore with the program that made it, then start the newer one",
			ErrVersion, o.head.Schema, version)
	}
	have, err := fingerprints(ctx, h)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o.head.Keys)) {
		want := o.head.Keys[name]
		switch {
		case keys[name] == "":
			return fmt.Errorf("%w: %s.key is missing (fingerprint %s)", ErrKeys, name, want)
		case keys[name] != want:
			return fmt.Errorf("%w: %s.key has fingerprint %s, the backup's is %s", ErrKeys, name, keys[name], want)
		case have[name] != "" && have[name] != want:
			return fmt.Errorf("%w: the store was begun with another %s.key", ErrKeys, name)
		}
	}
	return o.checkEmpty(ctx, s, h)
}

// checkEmpty demands a store without rows and without blobs, but for those that
// a restore that died has brought already.
func (o *opened) checkEmpty(ctx context.Context, s Store, h database.Handle) error {
	tables, err := database.Tables(ctx, h)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if slices.Contains(kept, t.Name) {
			continue
		}
		var n int64
		if err := h.QueryRow(ctx, "SELECT COUNT(*) FROM "+quoted(t.Name)).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: table %s has %d rows", ErrNotEmpty, t.Name, n)
		}
	}
	ours := make(map[string]bool, len(o.blobs))
	for _, row := range o.blobs {
		ours[row.id] = true
	}
	for id, err := range s.Blobs.List(ctx) {
		if err != nil {
			return err
		}
		if !ours[id] {
			return fmt.Errorf("%w: it has blob %s", ErrNotEmpty, id)
		}
	}
	return nil
}

// dead joins both logs: the backup's, and the one that survived beside the store.
func (o *opened) dead(s Store) ([]death, error) {
	before, err := OpenRevoked(filepath.Join(o.dir, RevokedFile)).read()
	if err != nil {
		return nil, err
	}
	since, err := s.Revoked.read()
	if err != nil {
		return nil, err
	}
	return lastOfEach(append(before, since...)), nil
}

// lastOfEach drops lines that come again later: of an opt-out and its end, the
// later one must hold.
func lastOfEach(dead []death) []death {
	seen := make(map[death]bool, len(dead))
	var out []death
	for _, d := range slices.Backward(dead) {
		if !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	slices.Reverse(out)
	return out
}

// missing are the deaths that the store's own log lacks.
func (o *opened) missing(dead []death, s Store) []death {
	own, err := s.Revoked.read()
	if err != nil {
		return dead // a line twice does no harm
	}
	return slices.DeleteFunc(slices.Clone(dead), func(d death) bool { return slices.Contains(own, d) })
}

// restoreBlobs copies the blobs, each checked, and gives the ids of those that
// were not there before.
func (o *opened) restoreBlobs(ctx context.Context, s Store, p Progress) (fresh []string, err error) {
	from, err := blob.NewDir(filepath.Join(o.dir, blobFolder))
	if err != nil {
		return nil, err
	}
	for i, row := range o.blobs {
		err := checkBlob(ctx, s.Blobs, row)
		if err == nil {
			continue
		}
		if !errors.Is(err, blob.ErrNotFound) {
			return fresh, err
		}
		fresh = append(fresh, row.id)
		if err := bring(ctx, s.Blobs, from, row); err != nil {
			return fresh, err
		}
		p("blobs", i+1, len(o.blobs))
	}
	return fresh, nil
}

func (o *opened) restoreRows(ctx context.Context, tx database.Handle, p Progress) error {
	for _, t := range kept {
		if _, err := tx.Exec(ctx, "DELETE FROM "+quoted(t)); err != nil {
			return err
		}
	}
	tables, err := database.Tables(ctx, tx)
	if err != nil {
		return err
	}
	var insert string
	done := 0
	return readDump(o.dump(), dumpVisitor{
		table: func(t dumpTable) (err error) {
			insert, err = insertInto(tables, t)
			return err
		},
		row: func(t dumpTable, values []any) error {
			if _, err := tx.Exec(ctx, insert, values...); err != nil {
				return fmt.Errorf("table %s: %w", t.Table, err)
			}
			done++
			p("rows", done, int(o.rows))
			return nil
		},
	})
}

// insertInto is the statement for a row of t, if the store has such a table.
func insertInto(tables []database.Table, t dumpTable) (string, error) {
	i := slices.IndexFunc(tables, func(own database.Table) bool { return own.Name == t.Table })
	if i < 0 {
		return "", fmt.Errorf("%w: unknown table %q", ErrDamaged, t.Table)
	}
	own, given := slices.Sorted(slices.Values(tables[i].Columns)), slices.Sorted(slices.Values(t.Columns))
	if !slices.Equal(own, given) {
		return "", fmt.Errorf("%w: other columns of table %s", ErrDamaged, t.Table)
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ")
	return "INSERT INTO " + quoted(t.Table) + " (" + quoted(t.Columns...) + ") VALUES (" + marks + ")", nil
}

// settle closes what was open when the backup was made.
func settle(ctx context.Context, tx database.Handle, dead []death, now time.Time) error {
	for _, table := range []string{"session", "invitation", "device_code", "call"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+quoted(table)); err != nil {
			return fmt.Errorf("end each %s: %w", table, err)
		}
	}
	if err := doubtDue(ctx, tx, now.UnixMilli()); err != nil {
		return fmt.Errorf("doubt messages that were due: %w", err)
	}
	// A link was perhaps used since, unless its message has yet to leave.
	if _, err := tx.Exec(ctx, "DELETE FROM link WHERE message_id NOT IN (SELECT id FROM message WHERE state = 'planned')"); err != nil {
		return fmt.Errorf("end each link: %w", err)
	}
	for _, d := range dead {
		if err := d.apply(ctx, tx, now); err != nil {
			return fmt.Errorf("%s %s: %w", d.kind, d.id, err)
		}
	}
	return nil
}

// doubtDue takes each planned message whose time has come as one whose request
// left and whose answer was lost: the attempt is written as smsd would have, and
// smsd asks the carrier before it sends again. The code tells smsd that the
// carrier may have been told since to forget what it had, which goes for
// requests that were out at the time of the backup too.
func doubtDue(ctx context.Context, tx database.Handle, now int64) error {
	_, err := tx.Exec(ctx, `UPDATE attempt SET state = 'unknown', error = 'restored', ended = COALESCE(ended, ?)
		WHERE state IN ('flying', 'unknown') AND EXISTS (SELECT 1 FROM message m WHERE m.id = attempt.message_id
			AND m.attempts = attempt.n AND m.state IN ('claimed', 'unknown'))`, now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE message SET state = 'unknown', error = 'restored', unknown_at = ?, next = ? WHERE state IN ('claimed', 'unknown')`, now, now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO attempt (message_id, n, state, carrier, error, started, ended)
		SELECT id, attempts + 1, 'unknown', 'unknown', 'restored', due, CAST(? AS BIGINT) FROM message WHERE state = 'planned' AND due <= ?`, now, now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE message SET state = 'unknown', attempts = attempts + 1, claimed_at = due, unknown_at = ?, next = ?,
		error = 'restored', mark = COALESCE(mark, (SELECT n.mark FROM number n WHERE n.id = message.number_id)) WHERE state = 'planned' AND due <= ?`, now, now, now)
	return err
}

// apply lets what died stay dead. What is not in the backup needs nothing.
func (d death) apply(ctx context.Context, tx database.Handle, now time.Time) error {
	var err error
	switch d.kind {
	case KindCard:
		_, err = tx.Exec(ctx, "UPDATE card SET state = 'stopped' WHERE id = ?", d.id)
	case KindAccess:
		_, err = tx.Exec(ctx, "DELETE FROM access WHERE id = ?", d.id)
	case KindMember:
		_, err = tx.Exec(ctx, "DELETE FROM member WHERE id = ?", d.id)
	case KindItem:
		_, err = tx.Exec(ctx, "DELETE FROM item WHERE id = ?", d.id)
	case KindMessage:
		err = queue.Withdraw(ctx, tx, d.id, now)
	case KindOptOut:
		var mark []byte
		if mark, err = hex.DecodeString(d.id); err == nil {
			_, err = tx.Exec(ctx, "INSERT INTO opt_out (mark, at) VALUES (?, ?) ON CONFLICT (mark) DO NOTHING", mark, now.UnixMilli())
		}
	case KindOptIn:
		var mark []byte
		if mark, err = hex.DecodeString(d.id); err == nil {
			_, err = tx.Exec(ctx, "DELETE FROM opt_out WHERE mark = ?", mark)
		}
	}
	return err
}
