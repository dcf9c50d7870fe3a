package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"consigne/internal/database"
)

// A reference is a foreign key of one column.
type reference struct {
	child, column, parent, key string
}

// references lists the foreign keys of the store.
func references(ctx context.Context, h database.Handle) ([]reference, error) {
	query := `SELECT m.name, f."from", f."table", f."to" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
		WHERE m.type = 'table' ORDER BY 1, 2`
	if h.Kind() == database.PostgreSQL {
		query = `SELECT c.relname, ca.attname, p.relname, pa.attname FROM pg_constraint k
			JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute ca ON ca.attrelid = c.oid AND ca.attnum = k.conkey[1]
			JOIN pg_class p ON p.oid = k.confrelid JOIN pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = k.confkey[1]
			WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace ORDER BY 1, 2`
	}
	rows, err := h.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list foreign keys: %w", err)
	}
	defer rows.Close()
	var out []reference
	for rows.Next() {
		var r reference
		if err := rows.Scan(&r.child, &r.column, &r.parent, &r.key); err != nil {
			return nil, fmt.Errorf("list foreign keys: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// orderedTables lists the tables, each after those to which it points, so that
// they can be filled in this order.
func orderedTables(ctx context.Context, h database.Handle) ([]database.Table, error) {
	tables, err := database.Tables(ctx, h)
	if err != nil {
		return nil, err
	}
	refs, err := references(ctx, h)
	if err != nil {
		return nil, err
	}
	var out []database.Table
	placed := map[string]bool{}
	for len(out) < len(tables) {
		before := len(out)
		for _, t := range tables {
			waits := slices.ContainsFunc(refs, func(r reference) bool {
				return r.child == t.Name && r.parent != t.Name && !placed[r.parent]
			})
			if !placed[t.Name] && !waits {
				placed[t.Name] = true
				out = append(out, t)
			}
		}
		if len(out) == before {
			return nil, fmt.Errorf("foreign keys form a circle among %d tables", len(tables)-before)
		}
	}
	return out, nil
}

// eachRow calls fn with the values of each row of t, in the order of its columns.
// They are fn's own until it returns.
func eachRow(ctx context.Context, h database.Handle, t database.Table, fn func(values []any) error) error {
	rows, err := h.Query(ctx, "SELECT "+quoted(t.Columns...)+" FROM "+quoted(t.Name))
	if err != nil {
		return err
	}
	defer rows.Close()
	values, places := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if err := fn(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// schemaVersion is the number of the newest migration.
func schemaVersion(ctx context.Context, h database.Handle) (version int64, err error) {
	err = h.QueryRow(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&version)
	return version, err
}

func fingerprints(ctx context.Context, h database.Handle) (map[string]string, error) {
	rows, err := h.Query(ctx, "SELECT name, fingerprint FROM key_fingerprint ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var name, fp string
		if err := rows.Scan(&name, &fp); err != nil {
			return nil, err
		}
		out[name] = fp
	}
	return out, rows.Err()
}

// quoted writes a name from the catalogue so that no word of SQL is taken for it.
func quoted(names ...string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = `"` + strings.ReplaceAll(n, `"`, `""`) + `"`
	}
	return strings.Join(out, ", ")
}
