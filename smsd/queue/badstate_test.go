package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/smsd/queue"

	"golang.org/x/sys/unix"
)

// counter is a carrier that takes everything once its gate is open, and counts.
type counter struct {
	mu     sync.Mutex
	gate   chan struct{}
	asked  chan string
	phones map[string]int
}

func newCounter() *counter {
	return &counter{gate: make(chan struct{}), asked: make(chan string, 1000), phones: map[string]int{}}
}

func (*counter) Name() string { return "counter" }

func (c *counter) Deliver(_ context.Context, d queue.Delivery) (queue.Receipt, error) {
	c.asked <- d.ID
	<-c.gate
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phones[d.ID]++
	return accepted("SM-" + d.ID), nil
}

func (c *counter) Find(_ context.Context, d queue.Delivery) ([]queue.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phones[d.ID] > 0 {
		return []queue.Receipt{accepted("SM-" + d.ID)}, nil
	}
	return nil, nil
}

func (*counter) Erase(context.Context, string) error { return nil }

// complaints passes on what the daemon logs as an error.
type complaints chan string

func (c complaints) Write(b []byte) (int, error) {
	select {
	case c <- string(b):
	default:
	}
	return len(b), nil
}

// ill is a daemon at work whose requests are in flight.
type ill struct {
	*testing.T
	db      *database.DB
	sender  *queue.Sender
	carrier *counter
	errors  complaints
	ids     []string
}

// fallIll queues messages and waits until the carrier has been asked for each.
func fallIll(t *testing.T, db *database.DB) *ill {
	keys := queue.NewKeys(seal.NewKey())
	i := &ill{T: t, db: db, sender: queue.NewSender(keys.Public(), time.Now), carrier: newCounter(), errors: make(complaints, 1000)}
	for n := range 20 {
		id := fmt.Sprint("m", n)
		if err := i.enqueue(id, text); err != nil {
			t.Fatal(err)
		}
		i.ids = append(i.ids, id)
	}
	d := queue.NewDaemon(queue.New(db, keys, time.Now, time.Second), i.carrier, queue.Options{
		Poll: 10 * time.Millisecond, Alone: db.Kind() == database.SQLite,
		Log: slog.New(slog.NewTextHandler(i.errors, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for range i.ids {
		<-i.carrier.asked
	}
	return i
}

func (i *ill) enqueue(id, text string) error {
	return i.db.Write(i.Context(), func(tx database.Handle) error {
		_, err := i.sender.EnqueueTo(i.Context(), tx, number, queue.Message{
			ID: id, Text: text, Kind: queue.Notice, Due: time.Now().Add(-time.Second), Expires: time.Now().Add(time.Hour),
		})
		return err
	})
}

// recovers expects every message to arrive, once, and the daemon to be up.
func (i *ill) recovers() {
	i.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(2 * time.Minute)
	for there := 0; there < len(i.ids); {
		all, err := queue.States(i.Context(), i.db.Read(), i.ids)
		if err != nil {
			i.Fatal(err)
		}
		there = 0
		for _, s := range all {
			if s.State == queue.Accepted {
				there++
			}
		}
		select {
		case <-look.C:
		case <-late:
			i.Fatalf("not well after two minutes: %v", all)
		}
	}
	i.carrier.mu.Lock()
	defer i.carrier.mu.Unlock()
	for _, id := range i.ids {
		if n := i.carrier.phones[id]; n != 1 {
			i.Errorf("%s is there %d times", id, n)
		}
	}
}

// Another process holds the store for longer than anybody waits for it, while
// answers come in that are to be written.
func TestDaemon_StoreLocked(t *testing.T) {
	t.Parallel()
	for _, kind := range []database.Kind{database.SQLite, database.PostgreSQL} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			url := dbtest.URL(t, kind)
			db, other := openStore(t, url), openStore(t, url)
			i := fallIll(t, db)
			err := other.Write(t.Context(), func(tx database.Handle) error {
				if tx.Kind() == database.PostgreSQL {
					if _, err := tx.Exec(t.Context(), `LOCK TABLE message, attempt, number IN ACCESS EXCLUSIVE MODE`); err != nil {
						return err
					}
				}
				close(i.carrier.gate)
				for line := range i.errors {
					if strings.Contains(line, database.ErrBusy.Error()) {
						return nil
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			i.recovers()
		})
	}
}

func openStore(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// The disk fills up while requests are in flight: whoever queues is told, what
// was accepted stays, and all goes on once there is room.
func TestDaemon_DiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skip("no disk can be made small here, only root can: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	i := fallIll(t, openStore(t, "sqlite:"+filepath.Join(dir, "consigne.db")))
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 4<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk does not fill: %v", err)
	}
	var err error
	for n := 0; err == nil; n++ { // the log has some room yet
		id := fmt.Sprint("late", n)
		if err = i.enqueue(id, strings.Repeat("a", 1000)); err == nil {
			i.ids = append(i.ids, id)
		}
	}
	if !errors.Is(err, database.ErrFull) {
		t.Errorf("queueing on a full disk: %v", err)
	}
	close(i.carrier.gate)
	for range i.errors { // the daemon meets it too
		break
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	i.recovers()
}
