package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"consigne/internal/database"
)

// A Health says why messages to a number do not serve its holder: it may not be
// theirs any more, as prepaid numbers are given to others after a while, or they
// were stopped there.
type Health string

// What may be wrong with a number.
const (
	Dead  Health = "dead"   // it failed for good
	NotMe Health = "not-me" // whoever reads there said that they are somebody else

	Stopped Health = "stopped" // whoever reads there wants no messages
)

// Sick tells which of these messages went to a number that was found unwell
// since, or that wants no messages, and why; the former comes first. Ids of messages to good numbers, or that never left, are
// missing from the answer. Who knows the messages of a person thus learns of
// their number without its being known here.
func Sick(ctx context.Context, h database.Handle, ids []string) (map[string]Health, error) {
	out := map[string]Health{}
	for some := range slices.Chunk(ids, idsAtOnce) {
		if err := sick(ctx, h, some, out); err != nil {
			return nil, fmt.Errorf("read number health: %w", err)
		}
	}
	return out, nil
}

func sick(ctx context.Context, h database.Handle, ids []string, out map[string]Health) error {
	went, err := marked(ctx, h, `SELECT mark, id FROM message WHERE id IN (`+marks(len(ids))+`) AND length(mark) > 0`, bound(ids)...)
	if err != nil {
		return err
	}
	all := make([][]byte, len(went))
	for i, m := range went {
		all[i] = m.mark
	}
	known, err := standings(ctx, h, all)
	for _, m := range went {
		switch s := known[string(m.mark)]; {
		case s.health != "":
			out[m.what] = s.health
		case s.optedOut:
			out[m.what] = Stopped
		}
	}
	return err
}

// A standing is what is known of a number. Its zero value is that of a good one.
type standing struct {
	health   Health // empty when well
	optedOut bool
}

// standings tells how numbers stand, by their marks; good ones are missing.
func standings(ctx context.Context, h database.Handle, all [][]byte) (map[string]standing, error) {
	out := map[string]standing{}
	for some := range slices.Chunk(all, idsAtOnce) {
		in, args := ` WHERE mark IN (`+marks(len(some))+`)`, bound(some)
		known, err := marked(ctx, h, `SELECT mark, why FROM number_health`+in+` UNION ALL SELECT mark, 'stopped' FROM opt_out`+in,
			append(args, args...)...)
		if err != nil {
			return nil, err
		}
		for _, k := range known {
			s := out[string(k.mark)]
			if Health(k.what) == Stopped {
				s.optedOut = true
			} else {
				s.health = Health(k.what)
			}
			out[string(k.mark)] = s
		}
	}
	return out, nil
}

type markedRow struct {
	mark []byte
	what string
}

// marked reads a mark and one text.
func marked(ctx context.Context, h database.Handle, query string, args ...any) ([]markedRow, error) {
	rows, err := h.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []markedRow
	for rows.Next() {
		var r markedRow
		if err := rows.Scan(&r.mark, &r.what); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Confirm notes that a number's holder says that it is theirs: what was found
// wrong with it before is forgotten within a second or two. Numbers are read, and
// refused, as by [ParseNumber].
func (s *Sender) Confirm(ctx context.Context, tx database.Handle, number string) error {
	return s.vouch(ctx, tx, number, false)
}

// Resume is Confirm, and notes that the number's holder wants messages there
// again: within a second or two an opt-out from before is over. Nobody can take
// back an opt-out by SMS where the sender cannot be answered. What was suppressed
// meanwhile stays so.
func (s *Sender) Resume(ctx context.Context, tx database.Handle, number string) error {
	return s.vouch(ctx, tx, number, true)
}

func (s *Sender) vouch(ctx context.Context, tx database.Handle, number string, resumes bool) error {
	id, err := s.Number(ctx, tx, number)
	if err != nil {
		return err
	}
	now, resumed := s.now().UnixMilli(), int64(0)
	if resumes {
		resumed = now
	}
	if _, err := tx.Exec(ctx, `UPDATE number SET confirmed = ?, resumed = ? WHERE id = ?`, now, resumed, id); err != nil {
		return fmt.Errorf("confirm number: %w", err)
	}
	return nil
}

// Capability says whether the phone that reads a message can answer it.
type Capability string

// The capabilities of a sender. French numbers of persons may not be used by
// platforms, so letters, which nobody can answer, are the usual case.
const (
	OneWay Capability = "one-way"
	TwoWay Capability = "two-way"
)

// SetCapability tells those who plan messages whether they can be answered.
func (q *Queue) SetCapability(ctx context.Context, c Capability) error {
	return q.db.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, `INSERT INTO sending (name, value) VALUES ('capability', ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, c)
		if err != nil {
			return fmt.Errorf("tell the sender's capability: %w", err)
		}
		return nil
	})
}

// SenderCapability tells what smsd's sender could do when it started last;
// before it ever did, nobody can answer.
func SenderCapability(ctx context.Context, h database.Handle) (Capability, error) {
	var c Capability
	err := h.QueryRow(ctx, `SELECT COALESCE((SELECT value FROM sending WHERE name = 'capability'), ?)`, OneWay).Scan(&c)
	if err != nil {
		return "", fmt.Errorf("read the sender's capability: %w", err)
	}
	return c, nil
}

// ErrNeverLeft is returned for a message that went to no number, or so long ago
// that its mark is gone.
var ErrNeverLeft = errors.New("message has not left")

// StopAfter ends all messages to the number that a message went to, because its
// reader asked for it on the page of a link. note is as [Queue.Revoked]. It
// returns [ErrNeverLeft].
func (s *Sender) StopAfter(ctx context.Context, tx database.Handle, messageID string, note func(kind, id string) error) error {
	mark, err := markOf(ctx, tx, messageID)
	if err != nil {
		return err
	}
	return rememberOptOut(ctx, tx, mark, note, s.now().UnixMilli())
}

// NotMeAfter notes that the number to which a message went is somebody else's by
// now. It returns [ErrNeverLeft].
func (s *Sender) NotMeAfter(ctx context.Context, tx database.Handle, messageID string) error {
	mark, err := markOf(ctx, tx, messageID)
	if err != nil {
		return err
	}
	return unwell(ctx, tx, mark, NotMe, s.now().UnixMilli())
}

func markOf(ctx context.Context, tx database.Handle, messageID string) (mark []byte, err error) {
	err = tx.QueryRow(ctx, `SELECT mark FROM message WHERE id = ?`, messageID).Scan(&mark)
	if errors.Is(err, database.ErrNotFound) || err == nil && len(mark) == 0 {
		return nil, ErrNeverLeft
	}
	if err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return mark, nil
}

// unwell notes what is wrong with a number. That somebody else reads there
// outweighs that it is dead.
func unwell(ctx context.Context, tx database.Handle, mark []byte, why Health, at int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO number_health (mark, since, why) VALUES (?, ?, ?)
		ON CONFLICT (mark) DO UPDATE SET since = excluded.since, why = CASE WHEN number_health.why = 'not-me' THEN 'not-me' ELSE excluded.why END`,
		mark, at, why)
	if err != nil {
		return fmt.Errorf("note number health: %w", err)
	}
	return nil
}
