package database_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
)

func TestWrite_RollsBack(t *testing.T) {
	withTable(t, func(t *testing.T, db *database.DB) {
		mine := errors.New("mine")
		insert := func(tx database.Handle) {
			if _, err := tx.Exec(t.Context(), "INSERT INTO thing (id, n) VALUES ('a', 1)"); err != nil {
				t.Fatal(err)
			}
		}
		err := db.Write(t.Context(), func(tx database.Handle) error {
			insert(tx)
			return mine
		})
		if !errors.Is(err, mine) {
			t.Errorf("got %v, want the function's own error", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			db.Write(t.Context(), func(tx database.Handle) error {
				insert(tx)
				panic("mine")
			})
		}()
		ctx, cancel := context.WithCancel(t.Context())
		err = db.Write(ctx, func(tx database.Handle) error {
			insert(tx)
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before the commit: got %v", err)
		}
		if n := count(t, db.Read(), "SELECT COUNT(*) FROM thing"); n != 0 {
			t.Errorf("%d rows survived a rollback", n)
		}
	})
}

func TestWrite_ManyAtOnce(t *testing.T) {
	withTable(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, "INSERT INTO thing (id, n) VALUES ('counter', 0)")
		const writers, times = 6, 10
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range times {
					if err := write(t.Context(), db, "UPDATE thing SET n = n + 1 WHERE id = 'counter'"); err != nil {
						t.Errorf("count: %v", err)
					}
				}
			})
		}
		all.Wait()
		if n := count(t, db.Read(), "SELECT n FROM thing"); n != writers*times {
			t.Errorf("counted %d, want %d", n, writers*times)
		}
	})
}

// TestWrite_TriesAgain makes PostgreSQL give one of two transactions up: each holds a row that the other wants.
func TestWrite_TriesAgain(t *testing.T) {
	db, err := database.Open(t.Context(), dbtest.URL(t, database.PostgreSQL))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mustWrite(t, db, "CREATE TABLE thing (id TEXT PRIMARY KEY, n BIGINT)")
	mustWrite(t, db, "INSERT INTO thing (id, n) VALUES ('a', 0), ('b', 0)")
	var both, all sync.WaitGroup
	both.Add(2)
	runs := make(chan string, 20)
	cross := func(first, second string) {
		met := false
		err := db.Write(t.Context(), func(tx database.Handle) error {
			runs <- first
			if _, err := tx.Exec(t.Context(), "SET LOCAL deadlock_timeout = '20ms'"); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), "UPDATE thing SET n = n + 1 WHERE id = ?", first); err != nil {
				return err
			}
			if !met {
				met = true
				both.Done()
				both.Wait()
			}
			_, err := tx.Exec(t.Context(), "UPDATE thing SET n = n + 1 WHERE id = ?", second)
			return err
		})
		if err != nil {
			t.Errorf("%s, then %s: %v", first, second, err)
		}
	}
	all.Go(func() { cross("a", "b") })
	all.Go(func() { cross("b", "a") })
	all.Wait()
	if n := count(t, db.Read(), "SELECT SUM(n) FROM thing"); n != 4 {
		t.Errorf("counted %d, want 4: each transaction once", n)
	}
	if len(runs) < 3 {
		t.Errorf("%d runs: nobody had to try again, so nothing was shown", len(runs))
	}
}

func TestSnapshot_StandsStill(t *testing.T) {
	withTable(t, func(t *testing.T, db *database.DB) {
		mustWrite(t, db, "INSERT INTO thing (id, n) VALUES ('a', 1)")
		err := db.Snapshot(t.Context(), func(h database.Handle) error {
			before := count(t, h, "SELECT COUNT(*) FROM thing")
			mustWrite(t, db, "INSERT INTO thing (id, n) VALUES ('b', 2)")
			if after := count(t, h, "SELECT COUNT(*) FROM thing"); after != before {
				t.Errorf("the snapshot moved from %d rows to %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, db.Read(), "SELECT COUNT(*) FROM thing"); n != 2 {
			t.Errorf("got %d rows after it, want 2", n)
		}
	})
}
