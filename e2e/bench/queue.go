package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"consigne/e2e/stage"
	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/smsd/queue"
)

// How many messages each figure of smsd is made of.
const (
	slowMessages = 20_000 // to an operator that takes a tenth of a second
	fastMessages = 30_000 // to one that answers at once
	million      = 1_000_000
	weighed      = 100_000
	claims       = 20
	claimed      = 50
)

// sms is a store and smsd's programs on it.
type sms struct {
	binary, dir, url string
	kind             database.Kind
	carrier          *instant
	next             int // id
}

// queues measures smsd on both databases, and Kannel beside it.
func queues(ctx context.Context, bin string) (figures []figure, notes []string, err error) {
	dir, err := os.MkdirTemp("", "consigne-bench-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	carrier, err := newInstant()
	if err != nil {
		return nil, nil, err
	}
	defer carrier.Close()
	postgres, err := dbtest.Durable(ctx)
	if err != nil {
		return nil, nil, err
	}
	say("Kannel")
	peer, err := kannel(ctx, filepath.Join(dir, "kannel"), carrier)
	if errors.Is(err, errNoKannel) {
		notes = append(notes, "Kannel is missing here (Debian package kannel): nothing to compare with.")
	} else if err != nil {
		return nil, nil, fmt.Errorf("kannel: %w", err)
	}
	for _, s := range []*sms{
		{kind: database.SQLite, url: "sqlite:" + filepath.Join(dir, "sqlite", "consigne.db")},
		{kind: database.PostgreSQL, url: postgres},
	} {
		s.binary, s.dir, s.carrier = filepath.Join(bin, "smsd"), filepath.Join(dir, strings.ToLower(s.kind.String())), carrier
		if err := os.Mkdir(s.dir, 0o700); err != nil {
			return figures, notes, err
		}
		say("smsd on " + s.kind.String())
		f, err := s.measure(ctx, peer)
		figures = append(figures, f...)
		if err != nil {
			return figures, notes, fmt.Errorf("smsd on %s: %w", s.kind, err)
		}
	}
	return figures, append(notes, queueNote), nil
}

const queueNote = "smsd: messages are queued first by smsd enqueue (each text and number boxed alone, transactions of at most 1,000 lines, every commit synced), then smsd run is " +
	"started; the rate is that from the operator's first request to its last answer, with the attempt's row synced before each request and the answer's after it. The operator is " +
	"this program, on the same cores. Kannel: bearerbox with its spool store, filled through smsbox while the operator took nothing, with 256 requests in flight; it syncs nothing. " +
	"Weight: growth of the store from empty, at 100,000 planned messages, times ten. Claim: 50 messages that are due, beside so many that are planned for later."

func (s *sms) measure(ctx context.Context, kannel figure) (figures []figure, err error) {
	name := func(what string) string { return what + " (" + s.kind.String() + ")" }
	slow := figure{name: name("queue to carrier at 100 ms"), unit: "messages/s", least: 1500}
	fast := figure{name: name("queue to instant carrier"), unit: "messages/s"}
	if len(kannel.values) > 0 {
		fast.peer, fast.against = kannel.median(), "Kannel"
	}
	enqueue := figure{name: name("smsd enqueue"), unit: "lines/s", least: 10_000}
	if err := s.sent(ctx, &slow, slowMessages, 100*time.Millisecond); err != nil {
		return nil, err
	}
	if err := s.sent(ctx, &fast, fastMessages, 0); err != nil {
		return []figure{slow}, err
	}
	figures = []figure{slow, fast}
	later, err := s.planned(ctx, &enqueue)
	return append(append(figures, enqueue), later...), err
}

// sent queues messages and lets smsd send them.
func (s *sms) sent(ctx context.Context, f *figure, n int, wait time.Duration) error {
	if _, err := s.enqueue(ctx, n, -time.Minute); err != nil {
		return err
	}
	s.carrier.expect(n, wait)
	p, err := s.start(ctx)
	if err != nil {
		return err
	}
	rate, err := s.carrier.rate(ctx)
	f.values = append(f.values, rate)
	return errors.Join(err, p.Stop())
}

// planned fills the store with a million messages for later and measures on the
// way.
func (s *sms) planned(ctx context.Context, enqueue *figure) (figures []figure, err error) {
	db, err := database.Open(ctx, s.url)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	empty, err := s.size(ctx, db)
	if err != nil {
		return nil, err
	}
	first := 0.0
	there := 0
	for _, many := range []int{10_000, weighed, million} {
		rate, err := s.enqueue(ctx, many-there, 400*24*time.Hour)
		if err != nil {
			return figures, err
		}
		there = many
		enqueue.values = append(enqueue.values, rate)
		if many == weighed {
			size, err := s.size(ctx, db)
			if err != nil {
				return figures, err
			}
			figures = append(figures, figure{name: "  a million planned messages on disk", unit: "MB", values: []float64{(size - empty) * million / weighed / 1e6}})
		}
		f := figure{name: fmt.Sprintf("  claim of %d beside %d planned", claimed, many), unit: "ms", peer: first, against: "beside 10,000"}
		if err := s.claim(ctx, db, &f); err != nil {
			return figures, err
		}
		if first == 0 {
			first = f.median()
		}
		figures = append(figures, f)
	}
	rest, err := s.memory(ctx, db)
	return append(figures, rest...), err
}

// claim measures claims of messages that are due, and settles them.
func (s *sms) claim(ctx context.Context, db *database.DB, f *figure) error {
	keys, err := queue.OpenKeys(ctx, db, filepath.Join(s.dir, "keys"))
	if err != nil {
		return err
	}
	if _, err := s.enqueue(ctx, claims*claimed, -time.Minute); err != nil {
		return err
	}
	q := queue.New(db, keys, time.Now, time.Minute)
	for range claims {
		began := time.Now()
		batch, err := q.Claim(ctx, claimed, "bench")
		f.values = append(f.values, float64(time.Since(began).Microseconds())/1000)
		if err == nil && len(batch) != claimed {
			err = fmt.Errorf("claimed %d messages, want %d", len(batch), claimed)
		}
		if err != nil {
			return err
		}
		results := make([]queue.Result, len(batch))
		for i, d := range batch {
			results[i] = queue.Result{Delivery: d, Receipt: queue.Receipt{CarrierID: "bench-" + d.ID, State: queue.Accepted}}
		}
		if err := q.Settle(ctx, results); err != nil {
			return err
		}
	}
	return nil
}

// memory is what smsd keeps resident beside a million planned messages, once it
// has marked their numbers, and the most that it ever did.
func (s *sms) memory(ctx context.Context, db *database.DB) ([]figure, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	waiting, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	err = stage.Until(waiting, func() (bool, error) {
		var fresh int
		err := db.Read().QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT id FROM number WHERE length(mark) IS NULL LIMIT 1) AS unmarked`).Scan(&fresh)
		return fresh == 0, err
	})
	if err != nil {
		return nil, err
	}
	rss, err := field(p.PID(), "status", "VmRSS:")
	if err != nil {
		return nil, err
	}
	most, err := field(p.PID(), "status", "VmHWM:")
	if err != nil {
		return nil, err
	}
	return []figure{
		{name: "  smsd's memory with a million planned", unit: "MB", limit: 120, values: []float64{rss}},
		{name: "  and at most, since its start", unit: "MB", values: []float64{most}},
	}, p.Stop()
}

// size is what the store weighs, in bytes.
func (s *sms) size(ctx context.Context, db *database.DB) (size float64, err error) {
	query := `SELECT pg_database_size(current_database())`
	if s.kind == database.SQLite {
		query = `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`
	}
	err = db.Read().QueryRow(ctx, query).Scan(&size)
	return size, err
}

func (s *sms) env() []string {
	return []string{
		"HOME=" + s.dir, "CONSIGNE_DATABASE=" + s.url, "CONSIGNE_DATA=" + s.dir, "CONSIGNE_KEYS=" + filepath.Join(s.dir, "keys"),
		"TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef", "TWILIO_AUTH_TOKEN=0123456789abcdef",
		"TWILIO_FROM=Consigne", "TWILIO_API_URL=" + s.carrier.URL,
	}
}

func (s *sms) start(ctx context.Context) (*stage.Process, error) {
	p, err := stage.Start(ctx, "smsd", s.binary, s.env(), "run", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return p, p.Hear(ctx, func(line map[string]any) bool { return line["msg"] == "started" })
}

// enqueue queues n messages that are due so long from now, and gives the lines a
// second, the program's start and end included.
func (s *sms) enqueue(ctx context.Context, n int, due time.Duration) (rate float64, err error) {
	at := time.Now().Add(due).UTC()
	var in bytes.Buffer
	for range n {
		s.next++
		fmt.Fprintf(&in, `{"id":"b%d","to":"+336%08d","text":"Rappel : rendez-vous demain jeudi 26 novembre a 14h30, Le Cedre. Repondre STOP pour ne plus rien recevoir.",`+
			`"due":"%s","expires":"%s","kind":"reminder"}`+"\n", s.next, 39980000+s.next%10000, at.Format(time.RFC3339), at.Add(48*time.Hour).Format(time.RFC3339))
	}
	began := time.Now()
	out, err := program(ctx, &in, s.env(), s.binary, "enqueue")
	took := time.Since(began).Seconds()
	if err == nil && strings.Count(out, " accepted\n") != n {
		err = fmt.Errorf("%d of %d lines were accepted", strings.Count(out, " accepted\n"), n)
	}
	return float64(n) / took, err
}
