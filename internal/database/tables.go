package database

import (
	"context"
	"fmt"
)

// Table is a table of the store and its columns, in their own order.
type Table struct {
	Name    string
	Columns []string
}

// Tables lists the store's tables by name, without those of the migrations and of the database itself. A backup copies
// them from within [DB.Snapshot].
func Tables(ctx context.Context, h Handle) ([]Table, error) {
	query := `SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND m.name <> 'goose_db_version'
		ORDER BY m.name, c.cid`
	if h.Kind() == PostgreSQL {
		query = `SELECT c.table_name, c.column_name FROM information_schema.columns c
			JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
			WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name <> 'goose_db_version'
			ORDER BY c.table_name COLLATE "C", c.ordinal_position`
	}
	rows, err := h.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	var tables []Table
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		if len(tables) == 0 || tables[len(tables)-1].Name != table {
			tables = append(tables, Table{Name: table})
		}
		last := &tables[len(tables)-1]
		last.Columns = append(last.Columns, column)
	}
	return tables, mapped(rows.Err())
}
