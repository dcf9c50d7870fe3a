package queue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/smsd/queue"
)

// plannedFarAhead is how many messages wait while others are sent.
const plannedFarAhead = 40_000

// A PostgreSQL planner that knows nothing of the tables, or what was true an hour
// ago, must not turn to reading whole ones. What it reads is counted, not timed.
func TestQueue_ReadsLittle(t *testing.T) {
	for name, known := range map[string]func(b *planned){
		"nothing":                 func(*planned) {},
		"an empty queue":          func(b *planned) { b.analyse() },
		"a queue all sent":        func(b *planned) { b.fill("old", 5_000, -time.Minute, "delivered"); b.analyse() },
		"a queue that is all due": func(b *planned) { b.fill("due", 2_000, -time.Minute, "planned"); b.analyse(); b.sent("due") },
		"a queue all in doubt":    func(b *planned) { b.fill("lost", 2_000, -time.Minute, "unknown"); b.analyse(); b.sent("lost") },
		"all there is":            func(b *planned) { b.fill("more", plannedFarAhead, 300*24*time.Hour, "planned"); b.analyse() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := database.Open(t.Context(), dbtest.URL(t, database.PostgreSQL))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			b := &planned{newBench(t, db)}
			b.enqueue("first") // a sender key for what is filled in
			b.settled(b.claim(1))
			b.day(0) // plans that were made for an empty queue must serve, too
			known(b)
			b.fill("later", plannedFarAhead, 400*24*time.Hour, "planned")
			for i := range 8 { // from the sixth on a plan is kept for whatever is asked
				b.day(i + 1)
			}
			b.fill("rush", plannedFarAhead, -time.Minute, "planned")
			b.step("claim in a rush", func() {
				_, err := b.queue.Claim(b.Context(), 40, "test") // none opens: they fail
				b.must(err)
			})
			b.within(16*b.unmarked(), "mark numbers", func() { b.must(b.queue.MarkNumbers(b.Context())) })
		})
	}
}

// planned is a bench that fills the store without sealing.
type planned struct{ *bench }

func (b *planned) analyse() {
	b.Helper()
	for _, table := range []string{"message", "number", "attempt", "sender_key", "opt_out", "number_health", "reply", "carrier_copy"} {
		b.exec("ANALYZE " + table)
	}
}

// fill writes messages that are due from some time on, each to a number of its own.
func (b *planned) fill(prefix string, n int, ahead time.Duration, state string) {
	b.Helper()
	due := b.clock.at.Add(ahead).UnixMilli()
	var final any
	if state == "delivered" {
		final = due
	}
	b.exec(`INSERT INTO number (id, made, sender, sealed, waiting)
		SELECT CAST(? AS TEXT) || i, CAST(? AS BIGINT) + i, (SELECT MIN(id) FROM sender_key), sha256(CAST(CAST(i AS TEXT) AS bytea)), 1
		FROM generate_series(1, CAST(? AS BIGINT)) AS i`, prefix, b.clock.at.UnixMilli(), n)
	b.exec(`INSERT INTO message (id, kind, state, number_id, sender, text, mark, due, expires, next, segments, planned_at, attempts, final_at)
		SELECT CAST(? AS TEXT) || i, 'reminder', CAST(? AS TEXT), CAST(? AS TEXT) || i, (SELECT MIN(id) FROM sender_key),
			CAST(repeat('x', 200) AS bytea), CASE WHEN CAST(? AS TEXT) = 'planned' THEN NULL ELSE sha256(CAST(CAST(i AS TEXT) AS bytea)) END,
			CAST(? AS BIGINT) + i, CAST(? AS BIGINT) + 36000000, CAST(? AS BIGINT) + i, 1, 0, 1, CAST(? AS BIGINT)
		FROM generate_series(1, CAST(? AS BIGINT)) AS i`, prefix, state, prefix, state, due, due, due, final, n)
	b.exec(`INSERT INTO attempt (message_id, n, state, carrier, carrier_id, started) SELECT id, 1, 'delivered', 'test', 'of-' || id, 0
		FROM message WHERE state <> 'planned' AND id LIKE CAST(? AS TEXT) || '%'`, prefix)
}

func (b *planned) sent(prefix string) {
	b.Helper()
	b.exec(`UPDATE message SET state = 'sent', expires = ? WHERE id LIKE CAST(? AS TEXT) || '%'`, b.clock.at.Add(24*365*time.Hour).UnixMilli(), prefix)
}

func (b *planned) unmarked() int { return b.count(`SELECT COUNT(*) FROM number WHERE mark IS NULL`) }

// read counts the rows that the database looked at so far, in tables and in
// indexes: by the connections that write and read here.
func (b *planned) read() (n int) {
	b.Helper()
	flush := func(h database.Handle) error {
		var nothing string
		return h.QueryRow(b.Context(), `SELECT CAST(pg_stat_force_next_flush() AS TEXT)`).Scan(&nothing)
	}
	b.must(b.write(flush))
	b.must(flush(b.db.Read()))
	b.must(b.db.Read().QueryRow(b.Context(), `SELECT CAST(
		(SELECT SUM(seq_tup_read + COALESCE(idx_tup_fetch, 0)) FROM pg_stat_user_tables)
		+ (SELECT SUM(idx_tup_read) FROM pg_stat_user_indexes) AS BIGINT)`).Scan(&n))
	return n
}

// step does one thing and counts what was read for it.
func (b *planned) step(what string, do func()) {
	b.Helper()
	b.within(plannedFarAhead/2, what, do)
}

func (b *planned) within(most int, what string, do func()) {
	b.Helper()
	before := b.read()
	do()
	if n := b.read() - before; n > most {
		b.Errorf("%s read %d rows, %d at most, beside %d planned", what, n, most, plannedFarAhead)
	}
}

func (b *planned) settled(batch []queue.Delivery) {
	b.Helper()
	results := make([]queue.Result, len(batch))
	for i, d := range batch {
		results[i] = queue.Result{Delivery: d, Receipt: queue.Receipt{CarrierID: "SM-" + d.ID, State: queue.Accepted}}
	}
	b.must(b.queue.Settle(b.Context(), results))
}

// day does once whatever the daemon does, and those who plan messages.
func (b *planned) day(i int) {
	b.Helper()
	id := func(k int) string { return fmt.Sprintf("day%d-%d", i, k) }
	phone := func(k int) string { return fmt.Sprintf("+3363998%02d%02d", i, k) }
	b.clock.forward(time.Minute)
	const n = 40
	b.step("enqueue", func() {
		for k := range n {
			b.enqueueTo(phone(k), b.message(id(k)))
		}
	})
	var batch []queue.Delivery
	b.step("claim", func() { batch = b.claim(n) })
	b.step("settle", func() { b.settled(batch[:n/2]) })
	b.step("settle in doubt", func() {
		var results []queue.Result
		for _, d := range batch[n/2:] {
			results = append(results, queue.Result{Delivery: d, Err: errDoubt})
		}
		b.must(b.queue.Settle(b.Context(), results))
	})
	b.step("report", func() {
		for _, d := range batch[:n/4] {
			b.report(d.ID, 1, "SM-"+d.ID, queue.Delivered, true)
		}
	})
	b.clock.forward(2 * grace)
	var doubts []queue.Delivery
	b.step("doubts", func() {
		var err error
		doubts, err = b.queue.Doubts(b.Context(), n)
		b.must(err)
	})
	if len(doubts) != n/2 {
		b.Fatalf("%d in doubt, want %d", len(doubts), n/2)
	}
	b.step("resolve", func() {
		for _, d := range doubts[:n/4] {
			b.must(b.queue.Resolve(b.Context(), d, nil, nil))
		}
		for _, d := range doubts[n/4:] {
			b.must(b.queue.Resolve(b.Context(), d, nil, queue.ErrCannotTell))
		}
	})
	b.step("answer", func() {
		for _, said := range []string{"oui", "STOP", "START", "ce n'est pas moi"} {
			_, err := b.queue.Answered(b.Context(), queue.Inbound{CarrierID: fmt.Sprintf("IN%d-%s", i, said[:2]), From: phone(0), Text: said})
			b.must(err)
		}
	})
	b.step("redirect and cancel", func() {
		b.must(b.write(func(tx database.Handle) error {
			if err := b.sender.Redirect(b.Context(), tx, []string{doubts[0].ID, doubts[1].ID}, phone(99)); err != nil {
				return err
			}
			return b.sender.Cancel(b.Context(), tx, doubts[2].ID)
		}))
	})
	b.step("recover", func() {
		_, err := b.queue.Recover(b.Context(), grace)
		b.must(err)
	})
	b.step("states", func() {
		_, err := queue.States(b.Context(), b.db.Read(), []string{id(0), id(1)})
		b.must(err)
		_, err = queue.Sick(b.Context(), b.db.Read(), []string{id(0), id(1)})
		b.must(err)
	})
	b.step("copies", func() {
		copies, err := b.queue.Copies(b.Context(), n, "test")
		b.must(err)
		b.must(b.queue.Erased(b.Context(), copies))
	})
	b.clock.forward(2 * time.Hour)
	b.step("sweep", func() {
		_, err := b.queue.Sweep(b.Context())
		b.must(err)
	})
	b.step("forget", func() {
		b.must(b.queue.Forget(b.Context()))
		b.must(b.queue.ForgetCopies(b.Context(), "test"))
	})
}

// SQLite plans without statistics as long as nobody gathers them, and nobody does:
// all there is to show is that each walk has its index.
func TestQueue_WalksAnIndex(t *testing.T) {
	db, err := database.Open(t.Context(), dbtest.URL(t, database.SQLite))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for index, query := range queue.Walks {
		rows, err := db.Read().Query(t.Context(), "EXPLAIN QUERY PLAN "+query)
		if err != nil {
			t.Fatal(err)
		}
		for steps := 0; rows.Next(); steps++ {
			var id, parent, unused int
			var plan string
			if err := rows.Scan(&id, &parent, &unused, &plan); err != nil {
				t.Fatal(err)
			}
			if steps > 0 || !strings.Contains(plan, "INDEX "+index) { // a second step would be sorting
				t.Errorf("%s is answered by %s, not by %s alone", query, plan, index)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
