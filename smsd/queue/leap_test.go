package queue

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
)

func TestLeap(t *testing.T) {
	type tick struct {
		after, jump    time.Duration // since the tick before
		doubtful, news bool
	}
	const s, m = time.Second, time.Minute
	for name, ticks := range map[string][]tick{
		"time passes":      {{after: s}, {after: 24 * time.Hour}, {after: s}},
		"small steps":      {{s, 5 * m, false, false}, {s, 5 * m, false, false}, {s, 5 * m, false, false}},
		"back":             {{s, -time.Hour, false, false}, {s, -5 * time.Hour, false, false}},
		"ahead and right":  {{s, time.Hour, true, true}, {s, 0, true, false}, {s, -time.Hour, false, false}, {10 * m, 0, false, false}},
		"ahead and holds":  {{s, 5*m + 1, true, true}, {10*m - 1, 0, true, false}, {1, 0, false, false}, {s, 0, false, false}},
		"corrected within": {{s, time.Hour, true, true}, {5 * m, -2 * m, true, false}, {5 * m, 0, false, false}},
		"ahead twice":      {{s, time.Hour, true, true}, {9 * m, time.Hour, true, true}, {9 * m, 0, true, false}, {m, 0, false, false}},
		"ahead once more":  {{s, time.Hour, true, true}, {10 * m, 0, false, false}, {s, time.Hour, true, true}},
	} {
		var l leap
		wall, steady := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), time.Minute
		if doubtful, news := l.doubtful(wall, steady); doubtful || news {
			t.Errorf("%s: the first look is doubted", name)
		}
		for i, c := range ticks {
			wall, steady = wall.Add(c.after+c.jump), steady+c.after
			if doubtful, news := l.doubtful(wall, steady); doubtful != c.doubtful || news != c.news {
				t.Errorf("%s, tick %d: doubtful %v, news %v", name, i, doubtful, news)
			}
		}
	}
}

// A message outlives an hour in which the clock was a day ahead; when the clock
// keeps to it, the message expires.
func TestDaemon_NothingExpiresByALeap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		wall, steady := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), time.Duration(0)
		now := func() time.Time { return wall }
		keys := NewKeys(seal.NewKey())
		err := db.Write(t.Context(), func(tx database.Handle) error {
			_, err := NewSender(keys.Public(), now).EnqueueTo(t.Context(), tx, "+33639980001", Message{
				ID: "m", Text: "a", Kind: Notice, Due: wall.Add(2 * time.Hour), Expires: wall.Add(3 * time.Hour),
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		d := NewDaemon(New(db, keys, now, time.Minute), nil, Options{
			Log: slog.New(slog.NewTextHandler(&log, nil)), Clock: func() (time.Time, time.Duration) { return wall, steady },
		})
		look := func(after, jump time.Duration, want State) {
			t.Helper()
			wall, steady = wall.Add(after+jump), steady+after
			if err := d.keepHouse(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, err := States(t.Context(), db.Read(), []string{"m"}); err != nil || got["m"].State != want {
				t.Fatalf("state %q, %v, want %s", got["m"].State, err, want)
			}
		}
		look(0, 0, Planned)
		look(time.Second, 24*time.Hour, Planned)
		look(time.Minute, 0, Planned)
		look(time.Second, -24*time.Hour, Planned) // put right
		look(time.Hour, 0, Planned)
		if n := strings.Count(log.String(), "clock jumped ahead"); n != 1 {
			t.Errorf("%d warnings, want 1:\n%s", n, log.String())
		}
		look(time.Second, 24*time.Hour, Planned)
		look(leapHolds, 0, Expired)
	})
}

// Nothing leaves before its time because a clock jumped, and what was put off by
// one that was a year ahead is taken up when it has been put right.
func TestDaemon_ClockAheadAndBack(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, 366 * 24 * time.Hour} {
		dbtest.Each(t, func(t *testing.T, db *database.DB) { aheadAndBack(t, db, jump) })
	}
}

func aheadAndBack(t *testing.T, db *database.DB, jump time.Duration) {
	wall, steady := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), time.Duration(0)
	now := func() time.Time { return wall }
	keys := NewKeys(seal.NewKey())
	sender, q := NewSender(keys.Public(), now), New(db, keys, now, time.Minute)
	d := NewDaemon(q, nil, Options{Log: slog.New(slog.DiscardHandler), Clock: func() (time.Time, time.Duration) { return wall, steady }})
	enqueue := func(id string, due time.Duration) {
		t.Helper()
		err := db.Write(t.Context(), func(tx database.Handle) error {
			_, err := sender.EnqueueTo(t.Context(), tx, "+33639980001", Message{
				ID: id, Text: "a", Kind: Notice, Due: wall.Add(due), Expires: wall.Add(due + 800*24*time.Hour),
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.doubtful()
	enqueue("later", jump/2)
	enqueue("unknown", 0)
	enqueue("busy", 0)
	wall = wall.Add(jump)
	if !d.doubtful() || d.dispatchOnce(t.Context()) { // with no carrier it would fail
		t.Fatal("a clock that jumped is believed at once")
	}
	claimed, err := q.Claim(t.Context(), 3, "test") // by a process that knows no better
	if err != nil || len(claimed) != 3 {
		t.Fatalf("claimed %v, %v", claimed, err)
	}
	var results []Result
	for _, one := range claimed {
		switch one.ID {
		case "unknown":
			results = append(results, Result{Delivery: one, Err: &Doubt{Code: "timeout"}})
		case "busy":
			results = append(results, Result{Delivery: one, Err: &Refusal{Code: "429", Class: ClassBusy}})
		}
	}
	if err := q.Settle(t.Context(), results); err != nil {
		t.Fatal(err)
	}
	wall = wall.Add(-jump)
	if d.doubtful() {
		t.Error("the clock is doubted though it was put right")
	}
	if err := d.mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	wall, steady = wall.Add(2*time.Hour), steady+2*time.Hour // an hour's jump needs no mending, only the hour
	if n, err := q.Recover(t.Context(), time.Minute); n != 1 || err != nil {
		t.Errorf("recovered %d, want the one in flight, %v", n, err)
	}
	if all, err := q.Doubts(t.Context(), 10); len(all) != 1 || err != nil {
		t.Errorf("%d doubts, want the one that timed out, %v", len(all), err)
	}
	if all, err := q.Claim(t.Context(), 10, "test"); len(all) != 1 || err != nil {
		t.Errorf("%d claimed, want the one that was put off, %v", len(all), err)
	}
}
