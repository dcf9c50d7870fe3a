package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/smsd/carrier"
	"consigne/smsd/queue"
)

var folder string // of the built program

var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "smsd")
	out, err := exec.Command("go", "build", "-o", path, "consigne/smsd").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build smsd: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "consigne-torture-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

// The short form, on each store with a seed that make torture takes too.
func TestTorture(t *testing.T) {
	for kind, daemons := range map[database.Kind]int{database.SQLite: 1, database.PostgreSQL: 2} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			path, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
				t.Fatal(err)
			}
			v, err := torture(t.Context(), plan{
				binary: path, dir: dir, database: dbtest.URL(t, kind), messages: 500, kills: 20, daemons: daemons, seed: 42,
			})
			if err != nil {
				t.Fatal(err)
			}
			v.print(t.Output())
			if !v.good() || v.Messages != 500 || v.Kills != 20 {
				t.Errorf("%+v", v)
			}
		})
	}
}

// wrongDaemon is what others do: it sends again until somebody says yes, or it
// takes every request for a success.
func wrongDaemon(ctx context.Context, q *queue.Queue, c queue.Carrier, resends bool) error {
	for {
		batch, err := q.Claim(ctx, 50, c.Name())
		if err != nil || len(batch) == 0 {
			return err
		}
		results := make([]queue.Result, len(batch))
		var flying sync.WaitGroup
		for i, d := range batch {
			flying.Go(func() {
				results[i] = queue.Result{Delivery: d, Receipt: queue.Receipt{CarrierID: "guess-" + d.ID, State: queue.Accepted}}
				for again := true; again; {
					limited, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
					_, err := c.Deliver(limited, d)
					cancel()
					again = err != nil && resends
				}
			})
		}
		flying.Wait()
		if err := q.Settle(ctx, results); err != nil {
			return err
		}
	}
}

// The torture sees what it is there to see.
func TestTorture_CatchesWrongDaemons(t *testing.T) {
	for name, resends := range map[string]bool{"resends": true, "forgets": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				v := mutant(t, db, resends)
				v.print(t.Output())
				if v.good() || resends != (v.Duplicates > 0) || resends == (v.Lost > 0) {
					t.Errorf("a daemon that %s: %+v", name, v)
				}
			})
		})
	}
}

func mutant(t *testing.T, db *database.DB, resends bool) verdict {
	n := newNetwork(42)
	defer n.stop()
	keys := queue.NewKeys(seal.NewKey())
	sender := queue.NewSender(keys.Public(), time.Now)
	accepted := map[string]order{}
	var lines []queue.Line
	for i := range 200 {
		o := order{fmt.Sprint("m", i), letter{fmt.Sprintf("+336399%05d", i), fmt.Sprint("Message ", i)}}
		accepted[o.id] = o
		lines = append(lines, queue.Line{To: o.to, Message: queue.Message{
			ID: o.id, Text: o.text, Kind: queue.Notice, Due: time.Now().Add(-time.Second), Expires: time.Now().Add(time.Hour),
		}})
	}
	err := db.Write(t.Context(), func(tx database.Handle) error { return sender.EnqueueLines(t.Context(), tx, lines) })
	if err != nil {
		t.Fatal(err)
	}
	tw, err := carrier.NewTwilio(n.Account, n.URL, "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := wrongDaemon(t.Context(), queue.New(db, keys, time.Now, time.Minute), tw, resends); err != nil {
		t.Fatal(err)
	}
	v, err := tally(t.Context(), db, n, accepted)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTally(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		n := &network{phones: map[letter]int{{"a", "once"}: 1, {"a", "twice"}: 2, {"a", "twins"}: 1, {"a", "stray"}: 1}, requests: 10, faulted: 2}
		accepted := map[string]order{}
		for id, text := range map[string]string{"1": "once", "2": "twice", "3": "never", "4": "held", "5": "twins", "6": "twins"} {
			accepted[id] = order{id, letter{"a", text}}
			state := map[bool]string{true: "held", false: "accepted"}[id == "4"]
			err := db.Write(t.Context(), func(tx database.Handle) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO message (id, kind, state, due, expires, next, segments, planned_at)
					VALUES (?, 'notice', ?, 1, 2, 1, 1, 1)`, id, state)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		v, err := tally(t.Context(), db, n, accepted)
		if err != nil {
			t.Fatal(err)
		}
		if v.Lost != 2 || v.Duplicates != 2 || v.Held != 1 || v.good() {
			t.Errorf("%+v, want the one that never came and a twin lost, the second copy and the stray twice", v)
		}
	})
	if got := answers("m1 accepted\nm2 known\nm3 refused bad-number\nm4 acc"); len(got) != 3 || got["m4"] != "" || got["m3"] != "refused bad-number" {
		t.Errorf("read %q", got)
	}
}
