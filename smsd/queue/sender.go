package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// A Sender queues messages for smsd to send. It boxes what they say under a key
// of its own, fresh for each day and process and sealed to smsd, so that
// nothing queued can be read back from the store. It is safe for concurrent
// use.
type Sender struct {
	pub seal.PublicKey
	now func() time.Time

	mu  sync.Mutex
	key senderKey
}

type senderKey struct {
	id     string
	day    int64
	key    seal.Key
	sealed []byte
}

// NewSender makes a Sender that seals to smsd's public key (see [PublicKey]).
func NewSender(pub seal.PublicKey, now func() time.Time) *Sender {
	return &Sender{pub: pub, now: now}
}

// today gives the day's key, made with its first message.
func (s *Sender) today() (senderKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	day := s.now().Unix() / int64(24*time.Hour/time.Second)
	if s.key.id != "" && s.key.day == day {
		return s.key, nil
	}
	k := senderKey{id: rand.Text(), day: day, key: seal.NewKey()}
	var err error
	if k.sealed, err = s.pub.Seal(senderPlace(k.id), k.key.Bytes()); err != nil {
		return senderKey{}, fmt.Errorf("seal sender key: %w", err)
	}
	s.key = k
	return k, nil
}

// ready gives the day's key and sees that its row is there in this transaction:
// an earlier one may have made it and then been rolled back.
func (s *Sender) ready(ctx context.Context, tx database.Handle) (senderKey, error) {
	k, err := s.today()
	if err != nil {
		return senderKey{}, err
	}
	var there int
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM sender_key WHERE id = ?`, k.id).Scan(&there)
	if err == nil && there == 0 {
		_, err = tx.Exec(ctx, `INSERT INTO sender_key (id, made, sealed) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`,
			k.id, s.now().UnixMilli(), k.sealed)
	}
	if err != nil {
		return senderKey{}, fmt.Errorf("keep sender key: %w", err)
	}
	return k, nil
}

// Number makes a row for a phone number, to which messages then point. It is
// read like [ParseNumber] does, and refused likewise. A row to which no open
// message points is gone within a day: ask for a new one each time.
func (s *Sender) Number(ctx context.Context, tx database.Handle, number string) (numberID string, err error) {
	e164, err := ParseNumber(number)
	if err != nil {
		return "", err
	}
	k, err := s.ready(ctx, tx)
	if err != nil {
		return "", err
	}
	id := s.numberID()
	return id, s.keepNumber(ctx, tx, k, id, e164, 0)
}

// numberID names a number's row. What is queued together lies together in the
// store: names at random would touch a page of every index for each message.
func (s *Sender) numberID() string {
	return fmt.Sprintf("%011x%s", s.now().UnixMilli(), rand.Text()[:16])
}

func (s *Sender) keepNumber(ctx context.Context, tx database.Handle, k senderKey, id, e164 string, waiting int) error {
	_, err := tx.Exec(ctx, `INSERT INTO number (id, made, sender, sealed, waiting) VALUES (?, ?, ?, ?, ?)`,
		id, s.now().UnixMilli(), k.id, k.key.Box(numberPlace(id), []byte(e164)), waiting)
	if err != nil {
		return fmt.Errorf("keep number: %w", err)
	}
	return nil
}

// An Outcome tells what became of a message that was handed over.
type Outcome int

// The outcomes of [Sender.Enqueue].
const (
	Queued Outcome = iota + 1 // smsd's, once the transaction commits
	Known                     // this id was taken before; nothing was changed
)

// Enqueue queues a message in the caller's transaction: it is smsd's from the
// commit on. An id that was ever taken answers Known and changes nothing,
// whatever else the message says, even what would be refused. It returns a
// [*Refused] for a new message that cannot be sent and [ErrNoNumber] for a
// number row that is gone; the caller then rolls back.
func (s *Sender) Enqueue(ctx context.Context, tx database.Handle, m Message) (Outcome, error) {
	k, out, err := s.insert(ctx, tx, m)
	if err != nil || out == Known {
		return out, err
	}
	// Counting locks the row, so that it cannot go while this transaction runs.
	rows, err := tx.Exec(ctx, `UPDATE number SET waiting = waiting + 1 WHERE id = ?`, m.NumberID)
	if err != nil {
		return 0, fmt.Errorf("point to number: %w", err)
	}
	if rows == 0 {
		return 0, fmt.Errorf("%s, key %s: %w", m, k.id, ErrNoNumber)
	}
	return Queued, nil
}

// EnqueueTo is [Sender.Enqueue] for a number that is written out and gets a row
// of its own.
func (s *Sender) EnqueueTo(ctx context.Context, tx database.Handle, number string, m Message) (Outcome, error) {
	e164, err := ParseNumber(number)
	if err != nil {
		return knownOr(ctx, tx, m.ID, err)
	}
	m.NumberID = s.numberID()
	k, out, err := s.insert(ctx, tx, m)
	if err != nil || out == Known {
		return out, err
	}
	return Queued, s.keepNumber(ctx, tx, k, m.NumberID, e164, 1)
}

func (s *Sender) insert(ctx context.Context, tx database.Handle, m Message) (senderKey, Outcome, error) {
	segments, err := m.Check()
	if err != nil {
		out, err := knownOr(ctx, tx, m.ID, err)
		return senderKey{}, out, err
	}
	k, err := s.ready(ctx, tx)
	if err != nil {
		return senderKey{}, 0, err
	}
	rows, err := tx.Exec(ctx, `INSERT INTO message (id, kind, state, number_id, sender, text, due, expires, next, segments, planned_at, linked)
		VALUES (?, ?, 'planned', ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		m.ID, m.Kind, m.NumberID, k.id, k.key.Box(textPlace(m.ID), []byte(m.Text)),
		m.Due.UnixMilli(), m.Expires.UnixMilli(), m.Due.UnixMilli(), segments, s.now().UnixMilli(), m.linked())
	if err != nil {
		return senderKey{}, 0, fmt.Errorf("queue %s: %w", m, err)
	}
	if rows == 0 {
		return k, Known, nil
	}
	return k, Queued, nil
}

// Taken tells whether an id was ever taken by a message, whatever became of it.
func Taken(ctx context.Context, h database.Handle, id string) (bool, error) {
	var n int
	if err := h.QueryRow(ctx, `SELECT COUNT(*) FROM message WHERE id = ?`, id).Scan(&n); err != nil {
		return false, fmt.Errorf("look up message: %w", err)
	}
	return n > 0, nil
}

// knownOr answers what is to be refused: Known if its id was taken before, so
// that whoever repeats a line never takes an accepted message for a refused one.
func knownOr(ctx context.Context, tx database.Handle, id string, refused error) (Outcome, error) {
	if !ValidID(id) {
		return 0, refused
	}
	taken, err := Taken(ctx, tx, id)
	switch {
	case err != nil:
		return 0, err
	case taken:
		return Known, nil
	}
	return 0, refused
}

// Cancel takes a message back. One that is in flight cannot be taken back, but
// is not tried again; one that has left or is unknown is left as it is.
func (s *Sender) Cancel(ctx context.Context, tx database.Handle, id string) error {
	return Withdraw(ctx, tx, id, s.now())
}

// Withdraw is [Sender.Cancel] for who queues nothing.
func Withdraw(ctx context.Context, tx database.Handle, id string, now time.Time) error {
	return withdraw(ctx, tx, id, Cancelled, now)
}

func withdraw(ctx context.Context, tx database.Handle, id string, to State, now time.Time) error {
	moved, err := move(ctx, tx, change{id: id, to: to, at: now.UnixMilli()})
	if err != nil || moved {
		return err
	}
	away, err := column(ctx, tx, `SELECT number_id FROM message WHERE id = ? AND final_at IS NULL AND unwanted = ?`+forUpdate(tx), id, elsewhere)
	if err != nil {
		return fmt.Errorf("cancel message: %w", err)
	}
	for _, inUse := range away {
		if err := stayHere(ctx, tx, id, inUse); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE message SET unwanted = 1 WHERE id = ? AND final_at IS NULL`, id)
	if err != nil {
		return fmt.Errorf("cancel message: %w", err)
	}
	return nil
}

// DropNumber silences a number: what is planned for it is suppressed, what is
// in flight is not tried again, and the number is erased with the last of them.
func (s *Sender) DropNumber(ctx context.Context, tx database.Handle, numberID string) error {
	ids, err := column(ctx, tx, `SELECT id FROM message WHERE number_id = ?`, numberID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := withdraw(ctx, tx, id, Suppressed, s.now()); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM number WHERE id = ? AND waiting <= 0`, numberID); err != nil {
		return fmt.Errorf("erase number: %w", err)
	}
	return nil
}
