package database

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

// Damage that no key is needed to see: a table with a column row_sum keeps there a CRC-32C of each other column's value,
// in the table's own order, four bytes each. Nobody writes it by hand: [Handle] adds it to every INSERT and UPDATE of
// such a table. An UPDATE renews the sums of the columns that it sets and of no other, so that a value that was damaged
// before stays found. A statement that names row_sum itself is left alone: a restore brings the sums as they
// were. It is against disks and accidents; who may write to the store can write sums, too.
const sumColumn = "row_sum"

const sumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errReturning says that a statement would leave its rows with old sums.
var errReturning = errors.New("a table with sums is written by Exec alone")

// Summed tells whether the table's rows bear sums.
func (t Table) Summed() bool { return slices.Contains(t.Columns, sumColumn) }

// Damaged names the columns of a row whose values are not those that were written. values are the row's, one for each
// of Columns, as the driver gives them; a row without sums is damaged in all columns. Tables that are not summed have
// no damaged rows.
func (t Table) Damaged(values []any) []string {
	at := slices.Index(t.Columns, sumColumn)
	if at < 0 {
		return nil
	}
	sums, _ := values[at].([]byte)
	var out []string
	for i, column := range t.sumOrder() {
		value := values[slices.Index(t.Columns, column)]
		if len(sums) != sumSize*(len(t.Columns)-1) || t.sum(column, value) != binary.BigEndian.Uint32(sums[sumSize*i:]) {
			out = append(out, column)
		}
	}
	return out
}

// sumOrder are the columns that have sums.
func (t Table) sumOrder() []string {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(c string) bool { return c == sumColumn })
}

// sum covers where the value stands and of which of the four types it is.
func (t Table) sum(column string, value any) uint32 {
	head := t.Name + "\x00" + column + "\x00"
	var body []byte
	switch v := value.(type) {
	case nil:
		head += "n"
	case int64:
		head, body = head+"i", binary.BigEndian.AppendUint64(nil, uint64(v))
	case string:
		head, body = head+"t", []byte(v)
	case []byte:
		head, body = head+"b", v
	default: // only damage makes another type
		head += fmt.Sprintf("?%v", v)
	}
	return crc32.Update(crc32.Checksum([]byte(head), castagnoli), castagnoli, body)
}

// execSummed runs a statement that writes into t, and then brings the sums of what it wrote.
func (h handle) execSummed(ctx context.Context, t Table, query string, values []any) (int64, error) {
	set, err := t.assigned(query)
	if err != nil {
		return 0, err
	}
	columns := set
	inserts := !isAny(strings.Fields(query)[0], "UPDATE")
	if inserts {
		columns = t.sumOrder()
	}
	read := slices.Concat(t.Key, []string{sumColumn}, columns)
	rows, err := h.on.QueryContext(ctx, h.text(query+" RETURNING "+strings.Join(read, ", ")), values...)
	if err != nil {
		return 0, mapped(err)
	}
	found, err := allValues(rows, len(read))
	if err != nil {
		return 0, mapped(err)
	}
	for _, row := range found {
		renew := columns
		// It was there before, and DO UPDATE wrote it. One that had lost its sums is taken for a new one: the database
		// does not say which it was.
		if inserts && row[len(t.Key)] != nil {
			renew = set
		}
		if err := h.setSums(ctx, t, renew, columns, row); err != nil {
			return 0, err
		}
	}
	return int64(len(found)), nil
}

// setSums renews the sums of some columns in one row: its key, its sums until now, and the values of columns.
func (h handle) setSums(ctx context.Context, t Table, renew, columns []string, row []any) error {
	sums := make([]byte, sumSize*(len(t.Columns)-1))
	before, _ := row[len(t.Key)].([]byte)
	copy(sums, before)
	order := t.sumOrder()
	for _, column := range renew {
		at := sumSize * slices.Index(order, column)
		binary.BigEndian.PutUint32(sums[at:], t.sum(column, row[len(t.Key)+1+slices.Index(columns, column)]))
	}
	query := "UPDATE " + t.Name + " SET " + sumColumn + " = ? WHERE " + t.keyIs()
	_, err := h.on.ExecContext(ctx, h.text(query), append([]any{sums}, row[:len(t.Key)]...)...)
	return mapped(err)
}

// keyIs is the condition for one row.
func (t Table) keyIs() string { return strings.Join(t.Key, " = ? AND ") + " = ?" }

// allValues reads the rows to their end: PostgreSQL takes no other statement before.
func allValues(rows *sql.Rows, columns int) (out [][]any, err error) {
	defer rows.Close()
	for rows.Next() {
		values, places := make([]any, columns), make([]any, columns)
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		out = append(out, values)
	}
	return out, rows.Err()
}

// learnSums finds the tables that have sums, and fills in those of the rows that a migration names in unsummed.
func (d *DB) learnSums(ctx context.Context) error {
	tables, err := Tables(ctx, d.Read())
	if err != nil {
		return err
	}
	d.summed = map[string]Table{}
	lists := false
	for _, t := range tables {
		if t.Summed() {
			d.summed[t.Name] = t
		}
		lists = lists || t.Name == "unsummed"
	}
	if !lists {
		return nil
	}
	var n int
	if err := d.Read().QueryRow(ctx, "SELECT COUNT(*) FROM unsummed").Scan(&n); err != nil || n == 0 {
		return err
	}
	return d.Write(ctx, func(tx Handle) error { return tx.(handle).fillSums(ctx) })
}

// fillSums works in one transaction, and alone: a second program waits for the list and finds it empty.
func (h handle) fillSums(ctx context.Context) error {
	query := "SELECT name FROM unsummed"
	if h.kind == PostgreSQL {
		query += " FOR UPDATE"
	}
	rows, err := h.Query(ctx, query)
	if err != nil {
		return err
	}
	names, err := allValues(rows, 1)
	if err != nil {
		return mapped(err)
	}
	for _, name := range names {
		if err := h.fillTable(ctx, h.summed[name[0].(string)]); err != nil {
			return fmt.Errorf("sums of %s: %w", name[0], err)
		}
	}
	_, err = h.Exec(ctx, "DELETE FROM unsummed")
	return err
}

// fillTable reads the keys first and then row for row, so that a large table needs little memory.
func (h handle) fillTable(ctx context.Context, t Table) error {
	key := strings.Join(t.Key, ", ")
	rows, err := h.Query(ctx, "SELECT "+key+" FROM "+t.Name)
	if err != nil {
		return err
	}
	keys, err := allValues(rows, len(t.Key))
	if err != nil {
		return mapped(err)
	}
	columns := t.sumOrder()
	for _, one := range keys {
		rows, err := h.Query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+t.Name+" WHERE "+t.keyIs(), one...)
		if err != nil {
			return err
		}
		row, err := allValues(rows, len(columns))
		if err != nil {
			return mapped(err)
		}
		if err := h.setSums(ctx, t, columns, columns, slices.Concat(one, []any{nil}, row[0])); err != nil {
			return err
		}
	}
	return nil
}
