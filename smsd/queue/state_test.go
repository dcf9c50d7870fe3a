package queue

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"

	"github.com/google/go-cmp/cmp"
)

// drawn is the table as the design draws it, kept apart from the one that is
// tested: from each state, where a message may go.
var drawn = map[State][]State{
	Planned:     {Claimed, Expired, Cancelled, Suppressed, Failed},
	Claimed:     {Accepted, Sent, Delivered, Unknown, Planned, Undelivered, Failed},
	Unknown:     {Accepted, Sent, Delivered, Planned, Held, Undelivered, Failed},
	Held:        {Accepted, Sent, Delivered, Planned, Expired, Cancelled, Suppressed, Undelivered, Failed},
	Accepted:    {Sent, Delivered, Undelivered, Failed, Planned},
	Sent:        {Delivered, Undelivered, Failed, Planned},
	Undelivered: {Delivered},
	Failed:      {Delivered},
	Expired:     {Delivered},
}

// Once a request has left, a late report may still tell of it.
var drawnOnceTried = map[State][]State{Planned: {Accepted, Sent, Delivered}}

func TestMove_EveryPair(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, from := range AllStates {
			for _, to := range AllStates {
				for _, tried := range []int{0, 1} {
					t.Run(fmt.Sprintf("%s_%s_%d", from, to, tried), func(t *testing.T) { onePair(t, db, from, to, tried) })
				}
			}
		}
	})
}

func onePair(t *testing.T, db *database.DB, from, to State, tried int) {
	id := fmt.Sprintf("%s.%s.%d", from, to, tried)
	mayGo := slices.Contains(drawn[from], to)
	switch to {
	case Accepted, Sent, Delivered: // only of a request that has left
		mayGo = mayGo && tried > 0
	}
	if tried > 0 && slices.Contains(drawnOnceTried[from], to) {
		mayGo = true
	}
	plant(t, db, id, from, tried)
	before := row(t, db, id)
	var moved bool
	err := db.Write(t.Context(), func(tx database.Handle) (err error) {
		moved, err = move(t.Context(), tx, change{id: id, to: to, at: 9000, code: "new", carrierID: "SM2", burn: 1, next: 77})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if moved != mayGo {
		t.Fatalf("moved %v, want %v", moved, mayGo)
	}
	after := row(t, db, id)
	if !mayGo {
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("a refused move changed the row:\n%s", diff)
		}
		return
	}
	if after["state"] != string(to) {
		t.Fatalf("state is %v, want %s", after["state"], to)
	}
	if column := enteredAt[to]; column != "" && after[column] != int64(9000) {
		t.Errorf("%s is %v, want the time of the move", column, after[column])
	}
	if erased := after["text"] == nil && after["number_id"] == nil && after["final_at"] != nil; erased != to.Final() {
		t.Errorf("erased %v, want %v", erased, to.Final())
	}
}

// plant writes a message that stands in a state.
func plant(t *testing.T, db *database.DB, id string, s State, tried int) {
	t.Helper()
	var final, text, numberID any = int64(5), nil, nil
	if !s.Final() {
		final, text, numberID = nil, []byte("sealed"), "n-"+id
	}
	err := db.Write(t.Context(), func(tx database.Handle) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO message (id, kind, state, number_id, text, due, expires, next, segments, attempts, planned_at, final_at)
			VALUES (?, 'notice', ?, ?, ?, 1, 2, 1, 1, ?, 1, ?)`, id, s, numberID, text, tried, final)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// row reads every column of a message.
func row(t *testing.T, db *database.DB, id string) map[string]any {
	t.Helper()
	return readRow(t.Context(), t, db, id)
}

func readRow(ctx context.Context, t *testing.T, db *database.DB, id string) map[string]any {
	t.Helper()
	rows, err := db.Read().Query(ctx, `SELECT id, kind, state, number_id, sender, text, mark, due, expires, next, segments, attempts,
		failures, asks, unwanted, carrier_id, error, planned_at, claimed_at, unknown_at, held_at, accepted_at, sent_at, final_at
		FROM message WHERE id = ?`, id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatalf("message %s is gone: %v", id, rows.Err())
	}
	values := make([]any, len(names))
	at := make([]any, len(names))
	for i := range values {
		at[i] = &values[i]
	}
	if err := rows.Scan(at...); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for i, name := range names {
		out[name] = values[i]
	}
	return out
}

// A message whose text was erased at its expiry can be reported on, and never
// leaves again.
func TestMove_SentAndFinalIsNotPlannedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		plant(t, db, "m", Sent, 1)
		err := db.Write(t.Context(), func(tx database.Handle) error {
			if err := finish(t.Context(), tx, "m", 6); err != nil {
				return err
			}
			if moved, err := move(t.Context(), tx, change{id: "m", to: Planned, at: 7}); moved || err != nil {
				return fmt.Errorf("planned again: %v, %w", moved, err)
			}
			if moved, err := move(t.Context(), tx, change{id: "m", to: Delivered, at: 8}); !moved || err != nil {
				return fmt.Errorf("not delivered: %w", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := row(t, db, "m"); got["final_at"] != int64(6) {
			t.Errorf("final at %v, want the first time", got["final_at"])
		}
	})
}

func TestMove_OnlyTheLatestAttempt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		plant(t, db, "m", Claimed, 2)
		err := db.Write(t.Context(), func(tx database.Handle) error {
			if moved, err := move(t.Context(), tx, change{id: "m", to: Failed, at: 7, attempt: 1}); moved || err != nil {
				return fmt.Errorf("the first attempt ended the second: %w", err)
			}
			if moved, err := move(t.Context(), tx, change{id: "m", to: Failed, at: 7, attempt: 2}); !moved || err != nil {
				return fmt.Errorf("the second attempt did not count: %w", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
