package backup

import (
	"context"
	"errors"
	"fmt"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/portal/blob"
	"consigne/portal/vault"
)

// sealedColumns are all columns whose values are sealed, and so can be checked
// without a key.
var sealedColumns = map[string][]string{
	"access":     {"item_key"},
	"card":       {"hint", "seed"},
	"enrolment":  {"profile"},
	"invitation": {"email", "name"},
	"item":       {"item_key", "record"},
	"journal":    {"body"},
	"link":       {"hint", "item_key"},
	"member":     {"email", "name", "seed", "totp", "relay_seed"},
	"message":    {"text"},
	"number":     {"sealed"},
	"sender_key": {"sealed"},
	"session":    {"body"},
}

// Verify looks for damage in the whole store, without any key: the database's
// own check, every sealed value, every foreign key, the journals' chains, every
// blob's size and SHA-256. It calls damage with a line for each fault and note
// with what is no damage but worth knowing. Its own error means that it could
// not go on.
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
	rows         []blobRow
}

// database runs every check; one that the database breaks off is damage too,
// and does not keep the others from running, as far as the database goes on.
func (c *checker) database(ctx context.Context, h database.Handle) error {
	checks := []struct {
		name string
		run  func(context.Context, database.Handle) error
	}{
		{"database", c.integrity}, {"sealed values", c.sealed}, {"foreign keys", c.references}, {"journals", c.journals},
		{"list of blobs", func(ctx context.Context, h database.Handle) (err error) {
			c.rows, err = blobRows(ctx, h)
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

func (c *checker) sealed(ctx context.Context, h database.Handle) error {
	tables, err := database.Tables(ctx, h)
	if err != nil {
		return err
	}
	for _, t := range tables {
		for _, column := range sealedColumns[t.Name] {
			if err := c.sealedColumn(ctx, h, t.Name, column); err != nil {
				return fmt.Errorf("%s.%s: %w", t.Name, column, err)
			}
		}
	}
	return nil
}

// rowNames tell a damaged row by what may be read aloud: ids. A lookup or mark
// is shown by its first bytes.
var rowNames = map[string]string{"invitation": "lookup", "link": "lookup", "journal": "person_id"}

func (c *checker) sealedColumn(ctx context.Context, h database.Handle, table, column string) error {
	name := rowNames[table]
	if name == "" {
		name = "id"
	}
	rows, err := h.Query(ctx, "SELECT "+quoted(name, column)+" FROM "+quoted(table)+" WHERE "+quoted(column)+" IS NOT NULL")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id any
		var value []byte
		if err := rows.Scan(&id, &value); err != nil {
			return err
		}
		if err := seal.Check(value); err != nil {
			c.damage(fmt.Sprintf("%s.%s of %s: %v", table, column, rowName(id), err))
		}
	}
	return rows.Err()
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
	known := make(map[string]bool, len(c.rows))
	for i, row := range c.rows {
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
		c.progress("blobs", i+1, len(c.rows))
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
