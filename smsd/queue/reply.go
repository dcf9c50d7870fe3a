package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
)

// openReply is a message that may still be answered.
type openReply struct {
	messageID string
	said      Meaning // last, and confirmed; empty before
	facts     Facts
}

// openReplies gives the messages to a number that may be answered, the latest
// first: their time has not passed, and one request with them may have arrived.
// What does not open is left out.
func (q *Queue) openReplies(ctx context.Context, tx database.Handle, mark []byte) ([]openReply, error) {
	sealed, err := sealedReplies(ctx, tx, mark, q.millis())
	if err != nil {
		return nil, fmt.Errorf("read what may be answered: %w", err)
	}
	var out []openReply
	for _, b := range sealed {
		plain, err := q.open(ctx, tx, b.facts)
		if errors.Is(err, seal.ErrSealed) {
			continue
		}
		r := openReply{messageID: b.facts.place.Row, said: b.said}
		if err == nil {
			err = json.Unmarshal([]byte(plain), &r.facts)
		}
		if err != nil {
			return nil, fmt.Errorf("open what may be answered: %w", err)
		}
		out = append(out, r)
	}
	return out, nil
}

type sealedReply struct {
	facts boxed
	said  Meaning
}

// sealedReplies reads what may be answered at a number, the latest message first.
func sealedReplies(ctx context.Context, tx database.Handle, mark []byte, now int64) ([]sealedReply, error) {
	ids, err := column(ctx, tx, `SELECT m.id FROM message m WHERE m.mark = ? AND (SELECT COUNT(*) FROM attempt a WHERE a.message_id = m.id
			AND a.state IN ('flying', 'unknown', 'accepted', 'sent', 'delivered')) > 0
		ORDER BY m.claimed_at DESC, m.due DESC, m.id`, mark)
	if err != nil {
		return nil, err
	}
	found := map[string]sealedReply{}
	for some := range slices.Chunk(ids, idsAtOnce) {
		if err := repliesTo(ctx, tx, some, now, found); err != nil {
			return nil, err
		}
	}
	var out []sealedReply
	for _, id := range ids {
		if r, ok := found[id]; ok {
			out = append(out, r)
		}
	}
	return out, nil
}

func repliesTo(ctx context.Context, tx database.Handle, ids []string, now int64, found map[string]sealedReply) error {
	rows, err := tx.Query(ctx, `SELECT message_id, sender, facts, COALESCE(said, '') FROM reply
		WHERE message_id IN (`+marks(len(ids))+`) AND ends > ?`, append(bound(ids), now)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var b sealedReply
		var id string
		if err := rows.Scan(&id, &b.facts.sender, &b.facts.value, &b.said); err != nil {
			return err
		}
		b.facts.place = replyPlace(id)
		found[id] = b
	}
	return rows.Err()
}

// saidBefore tells whether the same was said last about an appointment, in answer to
// any reminder of it, and notes that it is now.
func saidBefore(ctx context.Context, tx database.Handle, c caller, item string, m Meaning) (before bool, err error) {
	for _, r := range c.open {
		if r.facts.Item != item {
			continue
		}
		before = before || r.said == m
		if _, err := tx.Exec(ctx, `UPDATE reply SET said = ? WHERE message_id = ?`, m, r.messageID); err != nil {
			return false, fmt.Errorf("note what was said: %w", err)
		}
	}
	return before, nil
}

// people counts whose messages are open at the number.
func (c caller) people() int {
	seen := map[string]bool{}
	for _, r := range c.open {
		seen[r.facts.Person] = true
	}
	return len(seen)
}

// asked gives the latest message whose hour has not passed.
func (c caller) asked(now time.Time) (openReply, bool) {
	for _, r := range c.open {
		if r.facts.Start.After(now) {
			return r, true
		}
	}
	return openReply{}, false
}

// language is that of the latest message, else French.
func (c caller) language() string {
	if len(c.open) == 0 {
		return locales.Fallback
	}
	return c.open[0].facts.Language
}

// local is the hour as its place has it.
func (f Facts) local() time.Time {
	if zone, err := time.LoadLocation(f.Zone); err == nil {
		return f.Start.In(zone)
	}
	return f.Start
}

// tellAll leaves an answer for each relay that has something open at the number,
// about the latest of it. It says whose answer it is only where one person alone
// may have given it. A relay whose key is none is passed over: a STOP of its
// holders must not fail for that. It returns how many were told.
func (q *Queue) tellAll(ctx context.Context, tx database.Handle, c caller, a Answer) (told int, err error) {
	a.By = "sms"
	alone := c.people() == 1
	seen := map[string]bool{}
	for _, r := range c.open {
		if seen[r.facts.Relay] {
			continue
		}
		seen[r.facts.Relay] = true
		if alone {
			a.Person, a.Item, a.Start = r.facts.Person, r.facts.Item, r.facts.Start
		}
		err := Tell(ctx, tx, r.facts.Relay, r.facts.Desk, a, q.now())
		if errors.Is(err, seal.ErrSealed) {
			continue
		}
		if err != nil {
			return told, err
		}
		told++
	}
	return told, nil
}
