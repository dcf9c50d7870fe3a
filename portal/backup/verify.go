package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/portal/blob"
	"consigne/portal/vault"
)

// sealedColumns are all columns whose values are sealed, and so can be checked
// without a key.
var sealedColumns = map[string][]string{
	"access":     {"item_key"},
	"answer":     {"sealed"},
	"card":       {"hint", "seed"},
	"enrolment":  {"profile"},
	"invitation": {"email", "name"},
	"item":       {"item_key", "record"},
	"journal":    {"body"},
	"link":       {"hint", "item_key", "answer"},
	"member":     {"email", "name", "seed", "totp", "relay_seed"},
	"message":    {"text"},
	"number":     {"sealed"},
	"reply":      {"facts"},
	"sender_key": {"sealed"},
	"session":    {"body"},
}

// Verify looks for damage in the whole store, without any key: the database's
// own check, every sealed value, the sums of every row that has some, every
// foreign key, the journals' chains and ends, every blob's size and SHA-256. It
// calls damage with a line for each fault and note with what is no damage but
// worth knowing. Its own error means that it could not go on.
func Verify(ctx context.Context, s Store, damage, note func(string), p Progress) error {
	c := &checker{store: s, damage: damage, note: note, progress: p}
	err := s.DB.Snapshot(ctx, func(h database.Handle) error { return c.database(ctx, h) })
	if err != nil {
		return err
	}
	return c.blobs(ctx)
}

type checker struct {
	store        Store
	damage, note func(string)
	progress     Progress
	named        []blobRow
}

// database runs every check; one that the database breaks off is damage too,
// and does not keep the others from running, as far as the database goes on.
func (c *checker) database(ctx context.Context, h database.Handle) error {
	checks := []struct {
		name string
		run  func(context.Context, database.Handle) error
	}{
		{"database", c.integrity}, {"rows", c.rows}, {"foreign keys", c.references}, {"journals", c.journals},
		{"list of blobs", func(ctx context.Context, h database.Handle) (err error) {
			c.named, err = blobRows(ctx, h)
			return err
		}},
	}
	for i, check := range checks {
		if err := check.run(ctx, h); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c.damage(fmt.Sprintf("%s: %v", check.name, err))
		}
		c.progress("checks of the database", i+1, len(checks))
	}
	return nil
}

// integrity asks SQLite itself; PostgreSQL has no such question.
func (c *checker) integrity(ctx context.Context, h database.Handle) error {
	if h.Kind() != database.SQLite {
		return nil
	}
	rows, err := h.Query(ctx, "PRAGMA integrity_check")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if text != "ok" {
			c.damage("database: " + text)
		}
	}
	return rows.Err()
}

// rows reads the whole of every table that can be checked by itself.
func (c *checker) rows(ctx context.Context, h database.Handle) error {
	tables, err := database.Tables(ctx, h)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if !t.Summed() && len(sealedColumns[t.Name]) == 0 {
			continue
		}
		err := eachRow(ctx, h, t, func(values []any) error {
			c.row(t, values)
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

// row names a damaged row by what may be read aloud: its id. A lookup or mark is
// shown by its first bytes.
func (c *checker) row(t database.Table, values []any) {
	name := rowName(values[slices.Index(t.Columns, t.Key[0])])
	for i, column := range t.Columns {
		value, is := values[i].([]byte)
		if !is || !slices.Contains(sealedColumns[t.Name], column) {
			continue
		}
		if err := seal.Check(value); err != nil {
			c.damage(fmt.Sprintf("%s.%s of %s: %v", t.Name, column, name, err))
		}
	}
	for _, column := range t.Damaged(values) {
		c.damage(fmt.Sprintf("%s.%s of %s: not what was written", t.Name, column, name))
	}
}

func rowName(id any) string {
	if b, ok := id.([]byte); ok {
		return fmt.Sprintf("%x…", b[:min(4, len(b))])
	}
	return fmt.Sprint(id)
}

func (c *checker) references(ctx context.Context, h database.Handle) error {
	refs, err := references(ctx, h)
	if err != nil {
		return err
	}
	for _, r := range refs {
		query := fmt.Sprintf(`SELECT COUNT(*) FROM %s c WHERE c.%s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s p WHERE p.%s = c.%s)`,
			quoted(r.child), quoted(r.column), quoted(r.parent), quoted(r.key), quoted(r.column))
		var n int64
		if err := h.QueryRow(ctx, query).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			c.damage(fmt.Sprintf("%s.%s: %d rows point to no %s", r.child, r.column, n, r.parent))
		}
	}
	return nil
}

func (c *checker) journals(ctx context.Context, h database.Handle) error {
	return vault.VerifyJournal(ctx, h, c.damage)
}

// blobs reads every blob that a row names, and counts those that none names: a
// deposit that was broken off leaves one, and it is no damage.
func (c *checker) blobs(ctx context.Context) error {
	known := make(map[string]bool, len(c.named))
	for i, row := range c.named {
		known[row.id] = true
		if err := checkBlob(ctx, c.store.Blobs, row); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			gone, e := c.gone(ctx, row.id)
			if e != nil {
				return e
			}
			if !errors.Is(err, blob.ErrNotFound) || !gone {
				c.damage(err.Error())
			}
		}
		c.progress("blobs", i+1, len(c.named))
	}
	orphans := 0
	for id, err := range c.store.Blobs.List(ctx) {
		if err != nil {
			return err
		}
		if known[id] {
			continue
		}
		gone, err := c.gone(ctx, id)
		if err != nil {
			return err
		}
		if gone {
			orphans++
		}
	}
	if orphans > 0 {
		c.note(fmt.Sprintf("%d blobs belong to no paper", orphans))
	}
	return nil
}

// gone tells whether no row names the blob now: papers come and go while the
// check runs.
func (c *checker) gone(ctx context.Context, id string) (bool, error) {
	var n int64
	err := c.store.DB.Read().QueryRow(ctx, "SELECT COUNT(*) FROM item_blob WHERE blob_id = ?", id).Scan(&n)
	return n == 0, err
}
