package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
)

// Handle is the store or a transaction in it. Queries use ? marks on both databases. Booleans are bound as 0 and 1;
// named strings, integers and byte slices as what they are made of.
//
// After an error inside a transaction only leaving it is sure to work, because PostgreSQL refuses every further
// statement: where a row may exist already, say ON CONFLICT DO NOTHING and look at the count.
type Handle interface {
	// Exec runs a statement and returns how many rows it touched. Its errors match ErrExists for a row that is there
	// already, ErrFull for a full disk and ErrBusy for a lock that others held too long (errors.Is). In a table with a
	// column row_sum it brings the sums of the rows as well; such a table is written in no other way.
	Exec(ctx context.Context, query string, args ...any) (rows int64, err error)
	// Query runs a query; the caller closes the rows and checks their Err.
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// QueryRow runs a query for one row; without one its Scan returns ErrNotFound.
	QueryRow(ctx context.Context, query string, args ...any) Row
	// Kind says which database answers.
	Kind() Kind
}

// Row is the one row a query asked for. Scan returns ErrNotFound when there is none.
type Row interface {
	Scan(dest ...any) error
}

// runner is what *sql.DB and *sql.Tx have in common.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

var (
	_ runner = (*sql.DB)(nil)
	_ runner = (*sql.Tx)(nil)
)

type handle struct {
	on     runner
	kind   Kind
	summed map[string]Table // nil where nothing is written
}

func (h handle) Kind() Kind { return h.kind }

func (h handle) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	values, err := plain(args)
	if err != nil {
		return 0, err
	}
	t, is, err := h.written(query)
	if err != nil {
		return 0, err
	}
	if is {
		return h.execSummed(ctx, t, query, values)
	}
	res, err := h.on.ExecContext(ctx, h.text(query), values...)
	if err != nil {
		return 0, mapped(err)
	}
	rows, err := res.RowsAffected()
	return rows, mapped(err)
}

func (h handle) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	values, err := h.asked(query, args)
	if err != nil {
		return nil, err
	}
	rows, err := h.on.QueryContext(ctx, h.text(query), values...)
	return rows, mapped(err)
}

func (h handle) QueryRow(ctx context.Context, query string, args ...any) Row {
	values, err := h.asked(query, args)
	if err != nil {
		return row{err: err}
	}
	return row{row: h.on.QueryRowContext(ctx, h.text(query), values...)}
}

// asked refuses a query that writes where sums must follow, and gives what to bind.
func (h handle) asked(query string, args []any) ([]any, error) {
	t, is, err := h.written(query)
	if is {
		err = fmt.Errorf("%s: %w", t.Name, errReturning)
	}
	if err != nil {
		return nil, err
	}
	return plain(args)
}

func (h handle) text(query string) string {
	if h.kind == PostgreSQL {
		return rebind(query)
	}
	return query
}

type row struct {
	row *sql.Row
	err error
}

func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	return mapped(r.row.Scan(dest...))
}

// plain turns arguments into the few types that both drivers bind alike: pgx would refuse a bool for a SMALLINT, and
// knows no named byte slice where the column's type is our own domain.
func plain(args []any) ([]any, error) {
	values := make([]any, len(args))
	for i, arg := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		if b, is := v.(bool); is {
			v = int64(0)
			if b {
				v = int64(1)
			}
		}
		values[i] = v
	}
	return values, nil
}
