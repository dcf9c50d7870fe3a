package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"consigne/internal/database"
)

// tuples gives n rows of marks for a VALUES list, each as row says.
func tuples(n int, row string) string {
	return strings.TrimSuffix(strings.Repeat("("+row+"), ", n), ", ")
}

// bound makes arguments of a list.
func bound[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// column reads one column of text.
func column(ctx context.Context, h database.Handle, query string, args ...any) ([]string, error) {
	return scanned[string](ctx, h, query, args...)
}

// scanned reads one column.
func scanned[T any](ctx context.Context, h database.Handle, query string, args ...any) ([]T, error) {
	rows, err := h.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// markMany marks numbers, all in one go, takes their holders at their word, and
// suppresses what is planned for those that opted out.
func (q *Queue) markMany(ctx context.Context, tx database.Handle, fresh map[string]numberMark) error {
	var known []any
	for _, n := range fresh {
		if len(n.mark) > 0 {
			known = append(known, n.mark)
		}
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(fresh)), marksAtOnce) {
		if err := setMarks(ctx, tx, ids, fresh); err != nil {
			return wrapped("mark numbers", err)
		}
	}
	if len(known) == 0 {
		return nil
	}
	if err := q.takeWord(ctx, tx, known); err != nil {
		return err
	}
	out, err := scanned[[]byte](ctx, tx, `SELECT mark FROM opt_out WHERE mark IN (`+marks(len(known))+`)`, known...)
	if err != nil {
		return wrapped("look for opt-outs", err)
	}
	for _, mark := range out {
		if err := suppress(ctx, tx, mark, q.millis()); err != nil {
			return err
		}
	}
	return nil
}

// marksAtOnce is how many rows one statement marks: of more PostgreSQL would think that
// it had better read them all.
const marksAtOnce = 100

// numberMark is what was made of a number as it lies in its row.
type numberMark struct{ sealed, mark []byte }

// setMarks names its rows twice, as [Queue.accept] does. A row that holds another
// number by now is left for the next time.
func setMarks(ctx context.Context, tx database.Handle, ids []string, fresh map[string]numberMark) error {
	var args []any
	for _, id := range ids {
		args = append(args, id, fresh[id].mark, fresh[id].sealed)
	}
	_, err := tx.Exec(ctx, `UPDATE number SET mark = v.column2 FROM (VALUES `+tuples(len(ids), "?, CAST(? AS blob), CAST(? AS blob)")+`) AS v
		WHERE number.id = v.column1 AND number.sealed = v.column3 AND number.id IN (`+marks(len(ids))+`)`, append(args, bound(ids)...)...)
	return err
}

// takeWord ends what was found wrong with a number before its holder confirmed it,
// and an opt-out from before they asked for messages again.
func (q *Queue) takeWord(ctx context.Context, tx database.Handle, known []any) error {
	_, err := tx.Exec(ctx, `DELETE FROM number_health WHERE mark IN (`+marks(len(known))+`)
		AND since < (SELECT MAX(n.confirmed) FROM number n WHERE n.mark = number_health.mark)`, known...)
	if err != nil {
		return wrapped("forget number health", err)
	}
	again, err := scanned[[]byte](ctx, tx, `SELECT mark FROM opt_out WHERE mark IN (`+marks(len(known))+`)
		AND at < (SELECT MAX(n.resumed) FROM number n WHERE n.mark = opt_out.mark)`, known...)
	if err != nil {
		return wrapped("look for numbers that want messages again", err)
	}
	for _, mark := range again {
		if _, err := q.optIn(ctx, tx, mark); err != nil {
			return err
		}
	}
	return nil
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
