// Package backup copies a store while it is in use, brings a copy back into an
// empty store of either database, and finds damage in a store or in a copy.
// It works without any key: what was sealed stays sealed.
//
// A backup is a folder:
//
//	store.jsonl   every table of the database as one moment saw it (see dump.go)
//	blobs/        the sealed papers that its rows name, as in the store
//	revoked.log   what died (see revoked.go)
//
// store.jsonl is replaced last, by a rename: until then the folder holds the
// backup before, whole. A second backup into the same folder copies only blobs
// that are not there yet.
package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"consigne/internal/database"
	"consigne/internal/revoked"
	"consigne/portal/blob"
)

// The parts of a backup.
const (
	dumpFile    = "store.jsonl"
	blobFolder  = "blobs"
	RevokedFile = revoked.File
)

// The ways in which a backup is refused, for errors.Is.
var (
	// ErrDamaged: the backup, or a blob to be copied, is cut short or changed.
	ErrDamaged = errors.New("damaged")
	// ErrFolder: the folder holds other things than a backup, or is the store's.
	ErrFolder = errors.New("not a folder for a backup")
	// ErrOther: the folder holds the backup of another store.
	ErrOther = errors.New("the backup of another store")
	// ErrVersion: the backup was made by a program of another version.
	ErrVersion = errors.New("made by another version")
	// ErrKeys: the keys at hand are not those that open the backup.
	ErrKeys = errors.New("keys do not fit")
	// ErrNotEmpty: there is something in the store already.
	ErrNotEmpty = errors.New("the store is not empty")
)

// A Store is what is backed up, restored or verified. None of it is a key.
type Store struct {
	DB    *database.DB
	Blobs blob.Store
	// Revoked is the log of what died, kept beside the store.
	Revoked *Revoked
}

// Progress is told how far the work is: done of total things of that name.
type Progress func(what string, done, total int)

// A blobRow is what the database says of a blob.
type blobRow struct {
	id   string
	size int64
	sum  []byte
}

// Make writes a backup of s into the folder dir, which it makes if needed,
// while others go on using the store. Blobs must not be deleted meanwhile. On
// any error the folder still holds the backup before.
func Make(ctx context.Context, s Store, dir string, now time.Time, p Progress) error {
	unlock, err := takeFolder(s, dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := sameStore(ctx, s.DB.Read(), dir); err != nil {
		return err
	}
	blobs, err := blob.NewDir(filepath.Join(dir, blobFolder))
	if err != nil {
		return err
	}
	dump, err := newFile(filepath.Join(dir, dumpFile))
	if err != nil {
		return err
	}
	defer dump.abort()
	var rows []blobRow
	err = s.DB.Snapshot(ctx, func(h database.Handle) error {
		if err := writeDump(ctx, h, dump, now, p); err != nil {
			return err
		}
		rows, err = blobRows(ctx, h)
		return err
	})
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	for i, row := range rows {
		if err := copyBlob(ctx, blobs, s.Blobs, row); err != nil {
			return err
		}
		p("blobs", i+1, len(rows))
	}
	// After the snapshot: what died in between stays dead, too.
	if err := s.Revoked.copyTo(filepath.Join(dir, RevokedFile)); err != nil {
		return err
	}
	if err := dump.commit(); err != nil {
		return err
	}
	return prune(ctx, blobs, rows)
}

// takeFolder makes and locks the folder, and refuses one that is used for
// something else: a mistyped folder must not be filled, and the store's own
// blobs must not be taken for old ones of a backup.
func takeFolder(s Store, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		known := []string{dumpFile, blobFolder, RevokedFile, "lost+found"}
		if !slices.Contains(known, e.Name()) && !strings.HasPrefix(e.Name(), tmpPrefix) {
			return nil, fmt.Errorf("%w: %s holds %q", ErrFolder, dir, e.Name())
		}
	}
	if own, ok := s.Blobs.(*blob.Dir); ok && own.Same(filepath.Join(dir, blobFolder)) {
		return nil, fmt.Errorf("%w: %s is the store's own", ErrFolder, dir)
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: another backup is running: %w", dir, err), d.Close())
	}
	return func() { d.Close() }, sweepFiles(dir)
}

// sameStore refuses a folder with a backup that other keys open: the store was
// mistaken for another, and would take that one's last copy.
func sameStore(ctx context.Context, h database.Handle, dir string) error {
	before, err := dumpKeys(filepath.Join(dir, dumpFile))
	if err != nil || len(before) == 0 {
		return err
	}
	have, err := fingerprints(ctx, h)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if have[name] != before[name] {
			return fmt.Errorf("%s holds %w: its %s.key has fingerprint %s", dir, ErrOther, name, before[name])
		}
	}
	return nil
}

func blobRows(ctx context.Context, h database.Handle) ([]blobRow, error) {
	rows, err := h.Query(ctx, "SELECT blob_id, size, sum FROM item_blob ORDER BY blob_id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []blobRow
	for rows.Next() {
		var r blobRow
		if err := rows.Scan(&r.id, &r.size, &r.sum); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// copyBlob brings one blob into the backup. One that is there with the right
// size is taken to be right: it was checked when it came, and blobs never change.
func copyBlob(ctx context.Context, to *blob.Dir, from blob.Store, row blobRow) error {
	size, err := to.Size(ctx, row.id)
	if err == nil && size == row.size {
		return nil
	}
	if err == nil {
		err = to.Delete(ctx, row.id)
	}
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	return bring(ctx, to, from, row)
}

// bring links or copies one blob that is not there yet. It is read once, wholly,
// and held against its sum; one that does not fit is taken away again.
func bring(ctx context.Context, to, from blob.Store, row blobRow) error {
	target, ok := to.(*blob.Dir)
	source, also := from.(*blob.Dir)
	var err error
	if ok && also && target.Link(source, row.id) == nil {
		err = checkBlob(ctx, to, row)
	} else {
		err = copyBytes(ctx, to, from, row)
	}
	if err != nil {
		return errors.Join(err, to.Delete(context.WithoutCancel(ctx), row.id))
	}
	return nil
}

func copyBytes(ctx context.Context, to, from blob.Store, row blobRow) error {
	in, err := from.Open(ctx, row.id)
	if err != nil {
		return fmt.Errorf("blob %s: %w", row.id, err)
	}
	defer in.Close()
	out, err := to.CreateAs(ctx, row.id)
	if err != nil {
		return fmt.Errorf("blob %s: %w", row.id, err)
	}
	defer out.Abort()
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("blob %s: %w", row.id, err)
	}
	info, err := out.Commit()
	if err != nil {
		return fmt.Errorf("blob %s: %w", row.id, err)
	}
	return row.compare(info.Size, info.Sum)
}

// checkBlob reads a whole blob and holds it against its row: ErrDamaged,
// blob.ErrNotFound.
func checkBlob(ctx context.Context, from blob.Store, row blobRow) error {
	in, err := from.Open(ctx, row.id)
	if err != nil {
		return fmt.Errorf("blob %s: %w", row.id, err)
	}
	defer in.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, in)
	if err != nil {
		return fmt.Errorf("blob %s: %w", row.id, err)
	}
	return row.compare(size, sum.Sum(nil))
}

func (r blobRow) compare(size int64, sum []byte) error {
	switch {
	case size != r.size:
		return fmt.Errorf("blob %s: %w: %d bytes, want %d", r.id, ErrDamaged, size, r.size)
	case !bytes.Equal(sum, r.sum):
		return fmt.Errorf("blob %s: %w: its bytes were changed", r.id, ErrDamaged)
	}
	return nil
}

// prune deletes the blobs of older backups that no row names any more: what a
// person took back does not stay in the copy.
func prune(ctx context.Context, blobs *blob.Dir, rows []blobRow) error {
	named := make(map[string]bool, len(rows))
	for _, r := range rows {
		named[r.id] = true
	}
	for id, err := range blobs.List(ctx) {
		if err != nil {
			return err
		}
		if named[id] {
			continue
		}
		if err := blobs.Delete(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
