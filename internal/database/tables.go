package database

import (
	"context"
	"fmt"
)

// Table is a table of the store, its columns in their own order and those of its primary key in the key's.
type Table struct {
	Name    string
	Columns []string
	Key     []string
}

// Tables lists the store's tables by name, without those of the migrations and of the database itself. A backup copies
// them from within [DB.Snapshot].
func Tables(ctx context.Context, h Handle) ([]Table, error) {
	query := `SELECT m.name, c.name, c.pk FROM sqlite_schema m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND m.name <> 'goose_db_version'
		ORDER BY m.name, c.cid`
	if h.Kind() == PostgreSQL {
		query = `SELECT r.relname, a.attname, COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0)
			FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
			LEFT JOIN pg_index i ON i.indrelid = r.oid AND i.indisprimary
			WHERE r.relkind = 'r' AND r.relnamespace = current_schema()::regnamespace AND r.relname <> 'goose_db_version'
			ORDER BY r.relname COLLATE "C", a.attnum`
	}
	rows, err := h.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	var tables []Table
	for rows.Next() {
		var table, column string
		var key int // from 1, in the primary key
		if err := rows.Scan(&table, &column, &key); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		if len(tables) == 0 || tables[len(tables)-1].Name != table {
			tables = append(tables, Table{Name: table})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, column)
		if key > 0 {
			last.Key = append(last.Key, make([]string, max(0, key-len(last.Key)))...)
			last.Key[key-1] = column
		}
	}
	return tables, mapped(rows.Err())
}
