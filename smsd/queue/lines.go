package queue

import (
	"context"
	"errors"
	"fmt"

	"consigne/internal/database"
)

// A Line is a message for a number that is written out, and what became of it.
type Line struct {
	To      string
	Message Message
	Reason  Reason // why it was refused; set before, it stands unless the id is known

	Outcome Outcome // 0 when refused
}

// prepared is a line that can be written: all of it is checked and boxed.
type prepared struct {
	line     *Line
	segments int
	e164     string
}

// EnqueueLines is [Sender.EnqueueTo] for many messages at once, which takes a
// tenth of the time. It sets each line's outcome or its reason; the error is the
// store's alone, and the caller then rolls back. A second run of the transaction
// may call it again.
func (s *Sender) EnqueueLines(ctx context.Context, tx database.Handle, lines []Line) error {
	known, err := taken(ctx, tx, lines)
	if err != nil {
		return err
	}
	k, err := s.ready(ctx, tx)
	if err != nil {
		return err
	}
	var fresh []prepared
	for i := range lines {
		l := &lines[i]
		l.Outcome = 0
		if known[l.Message.ID] {
			l.Outcome = Known
			continue
		}
		p, reason := prepare(l)
		if reason != "" {
			l.Reason = reason
			continue
		}
		known[l.Message.ID] = true
		fresh = append(fresh, p)
	}
	return s.insertLines(ctx, tx, k, fresh)
}

func taken(ctx context.Context, tx database.Handle, lines []Line) (map[string]bool, error) {
	var ids []any
	for _, l := range lines {
		if ValidID(l.Message.ID) {
			ids = append(ids, l.Message.ID)
		}
	}
	known := map[string]bool{}
	if len(ids) == 0 {
		return known, nil
	}
	there, err := column(ctx, tx, `SELECT id FROM message WHERE id IN (`+marks(len(ids))+`)`, ids...)
	if err != nil {
		return nil, fmt.Errorf("look up messages: %w", err)
	}
	for _, id := range there {
		known[id] = true
	}
	return known, nil
}

func prepare(l *Line) (prepared, Reason) {
	if l.Reason != "" {
		return prepared{}, l.Reason
	}
	e164, err := ParseNumber(l.To)
	segments := 0
	if err == nil {
		segments, err = l.Message.Check()
	}
	if no, refused := errors.AsType[*Refused](err); refused {
		return prepared{}, no.Reason
	}
	return prepared{l, segments, e164}, ""
}

// insertLines writes messages first: another process may have taken an id since
// it was looked up, and that message then needs no number.
func (s *Sender) insertLines(ctx context.Context, tx database.Handle, k senderKey, fresh []prepared) error {
	if len(fresh) == 0 {
		return nil
	}
	now := s.now().UnixMilli()
	var args []any
	for i := range fresh {
		m := &fresh[i].line.Message
		m.NumberID = s.numberID()
		args = append(args, m.ID, m.Kind, m.NumberID, k.id, k.key.Box(textPlace(m.ID), []byte(m.Text)),
			m.Due.UnixMilli(), m.Expires.UnixMilli(), m.Due.UnixMilli(), fresh[i].segments, now, m.linked())
	}
	made, err := column(ctx, tx, `INSERT INTO message (id, kind, state, number_id, sender, text, due, expires, next, segments, planned_at, linked)
		VALUES `+tuples(len(fresh), "?, ?, 'planned', ?, ?, ?, ?, ?, ?, ?, ?, ?")+` ON CONFLICT (id) DO NOTHING RETURNING id`, args...)
	if err != nil {
		return fmt.Errorf("queue messages: %w", err)
	}
	queued := make(map[string]bool, len(made))
	for _, id := range made {
		queued[id] = true
	}
	args = args[:0]
	n := 0
	for _, p := range fresh {
		if p.line.Outcome = Known; !queued[p.line.Message.ID] {
			continue
		}
		p.line.Outcome = Queued
		id := p.line.Message.NumberID
		args = append(args, id, now, k.id, k.key.Box(numberPlace(id), []byte(p.e164)))
		n++
	}
	if n == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO number (id, made, sender, sealed, waiting) VALUES `+tuples(n, "?, ?, ?, ?, 1"), args...)
	return wrapped("keep numbers", err)
}
