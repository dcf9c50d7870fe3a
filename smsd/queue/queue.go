package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// How the queue waits and gives up.
const (
	// DefaultGrace is how long an unknown message waits for its status callback
	// before the carrier is asked: carriers call back within seconds, and list
	// what they took within a minute.
	DefaultGrace = time.Minute

	maxFailures  = 4                // tries that a temporary failure may burn
	firstBackoff = 30 * time.Second // then four times as long each time
	shortWait    = 2 * time.Second  // after a busy carrier that names no time
	maxAsks      = 6                // questions about one doubt before it is held
	doubtLasts   = 24 * time.Hour   // after the expiry, where nobody can be asked
	markLasts    = 7 * 24 * time.Hour
	spareRows    = 24 * time.Hour // how long a number waits for its first message
	spareKeys    = 48 * time.Hour // longer than any sender uses its key
)

// How queries say which rows they look for that walk an index of only such rows: m is
// a message, a an attempt, n a number. A statement that names its rows never says it
// so. PostgreSQL, while its statistics lag behind, takes such an index for empty, and
// would rather walk all of it than look an id up.
const (
	walkPlanned  = `m.state || '' = 'planned'`
	walkClaimed  = `m.state || '' = 'claimed'`
	walkUnknown  = `m.state || '' = 'unknown'`
	walkHeld     = `m.state || '' = 'held'`
	walkOpen     = `m.final_at + 0 IS NULL`
	walkFlying   = `a.state || '' = 'flying'`
	walkUnmarked = `length(n.mark) IS NULL`
	walkSpare    = `CASE WHEN n.waiting > 0 THEN 1 END IS NULL`
)

// A Queue is smsd's side of the store: it opens what senders sealed. It is safe
// for concurrent use, and several processes may share one PostgreSQL store.
type Queue struct {
	db    *database.DB
	keys  *Keys
	now   func() time.Time
	grace time.Duration
	own   *Sender // of what smsd itself has to say: that an answer was understood

	// Revoked is told of each opt-out and each return before it is committed,
	// so that a backup from before does not undo it: a kind of package revoked
	// and the number's mark in hexadecimal. Its error undoes the act. It may be
	// nil; set it before the first use.
	Revoked func(kind, id string) error

	mu        sync.Mutex
	senders   map[string]seal.Key // opened sender keys: opening one takes 0.1 ms
	reports   []*reporting        // that wait to be written
	reporting bool                // somebody writes them
}

// New makes a Queue on a store. grace is how long unknown messages wait before
// the carrier is asked.
func New(db *database.DB, keys *Keys, now func() time.Time, grace time.Duration) *Queue {
	return &Queue{
		db: db, keys: keys, now: now, grace: grace, own: NewSender(keys.Public(), now), senders: map[string]seal.Key{},
	}
}

func (q *Queue) millis() int64 { return q.now().UnixMilli() }

// manySenders bounds the opened keys kept: each run of smsd enqueue has its own.
const manySenders = 4096

// sender opens a sender key. It returns [seal.ErrSealed] for one that is not
// sealed to us, or not there.
func (q *Queue) sender(ctx context.Context, h database.Handle, id string) (seal.Key, error) {
	q.mu.Lock()
	k, ok := q.senders[id]
	q.mu.Unlock()
	if ok {
		return k, nil
	}
	var sealed []byte
	err := h.QueryRow(ctx, `SELECT sealed FROM sender_key WHERE id = ?`, id).Scan(&sealed)
	if errors.Is(err, database.ErrNotFound) {
		return k, fmt.Errorf("sender key %q is gone: %w", id, seal.ErrSealed)
	}
	if err != nil {
		return k, fmt.Errorf("read sender key: %w", err)
	}
	k, err = q.keys.identity.OpenKey(senderPlace(id), sealed)
	if err != nil {
		return k, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.senders) >= manySenders {
		clear(q.senders)
	}
	q.senders[id] = k
	return k, nil
}

// boxed is a sealed value and the sender under whose key it lies.
type boxed struct {
	sender string
	value  []byte
	place  seal.Place
}

func (q *Queue) open(ctx context.Context, h database.Handle, b boxed) (string, error) {
	k, err := q.sender(ctx, h, b.sender)
	if err != nil {
		return "", err
	}
	plain, err := k.Open(b.place, b.value)
	return string(plain), err
}

// backoff is how long a message rests after that many failures: 30 s, 2 and 8
// minutes, a fifth more or less so that what failed together does not return
// together.
func backoff(failures int) time.Duration {
	d := firstBackoff
	for range failures {
		d *= 4
	}
	return jitter(d)
}

func jitter(d time.Duration) time.Duration { return d - d/5 + rand.N(2*d/5) }

// skipLocked is what PostgreSQL needs so that several processes share the work;
// SQLite has one writer at a time anyway.
func skipLocked(h database.Handle, table string) string {
	if h.Kind() == database.PostgreSQL {
		return " FOR UPDATE OF " + table + " SKIP LOCKED"
	}
	return ""
}
