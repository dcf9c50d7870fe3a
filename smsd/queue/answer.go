package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// Meaning is what somebody said in answer to a message.
type Meaning string

// What can be meant. Whatever is not understood goes to the desk as it is.
const (
	Yes      Meaning = "yes"
	No       Meaning = "no"
	WrongOne Meaning = "not-me" // this is not the person's phone
	Stop     Meaning = "stop"   // no more messages
	Start    Meaning = "start"  // messages again
	Words    Meaning = "words"  // anything else

	// Unreadable is an answer that no longer opens: the relay had another key then.
	Unreadable Meaning = "unreadable"
)

// Facts is what answering needs to know of a message: smsd alone reads them, and
// only until the hour has passed. They print as nothing.
type Facts struct {
	Start    time.Time `json:"start"` // of the appointment, in Zone
	Zone     string    `json:"zone"`
	Place    string    `json:"place"`    // as the message says it; empty where it does not
	Language string    `json:"language"` // of the person
	Person   string    `json:"person"`   // id
	Item     string    `json:"item"`     // id of the appointment
	Relay    string    `json:"relay"`    // id of whom to tell
	Desk     []byte    `json:"desk"`     // that relay's public key
}

// Format keeps the facts from every verb of package fmt.
func (Facts) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[facts]") }

// An Answer is what the desk is told. Person and Item are empty where several
// people share the number, so that nobody can tell who answered.
type Answer struct {
	ID      string    `json:"-"`
	At      time.Time `json:"-"`
	Meaning Meaning   `json:"meaning"`
	Text    string    `json:"text,omitempty"` // of Words, at most 1,600 letters
	Person  string    `json:"person,omitempty"`
	Item    string    `json:"item,omitempty"`
	Start   time.Time `json:"start,omitzero"` // the hour that was answered; zero where nobody knows it
	By      string    `json:"by"`             // "sms", "link" or "kiosk"
}

// Format keeps what was said from every verb of package fmt.
func (Answer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[answer]") }

func replyPlace(id string) seal.Place {
	return seal.Place{Table: "reply", Row: id, Column: "facts", Reader: "smsd"}
}

func answerPlace(id, relay string) seal.Place {
	return seal.Place{Table: "answer", Row: id, Column: "sealed", Reader: relay}
}

// ExpectAnswer keeps, in the transaction that queues a message, what an answer to
// it needs, until ends.
func (s *Sender) ExpectAnswer(ctx context.Context, tx database.Handle, messageID string, f Facts, ends time.Time) error {
	plain, err := json.Marshal(f)
	if err != nil {
		return err
	}
	k, err := s.ready(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO reply (message_id, sender, facts, ends) VALUES (?, ?, ?, ?)`,
		messageID, k.id, k.key.Box(replyPlace(messageID), plain), ends.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep what an answer needs: %w", err)
	}
	return nil
}

// ForgetReply forgets, in the caller's transaction, what answers to messages need:
// what they were about has moved or is no more, and a yes to the one hour is none
// to another.
func (s *Sender) ForgetReply(ctx context.Context, tx database.Handle, messageIDs ...string) error {
	if len(messageIDs) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `DELETE FROM reply WHERE message_id IN (`+marks(len(messageIDs))+`)`, bound(messageIDs)...); err != nil {
		return fmt.Errorf("forget what an answer needs: %w", err)
	}
	return nil
}

// Tell leaves an answer for a relay, sealed to its public key, in the caller's
// transaction.
func Tell(ctx context.Context, tx database.Handle, relay string, desk seal.PublicKey, a Answer, now time.Time) error {
	plain, err := json.Marshal(a)
	if err != nil {
		return err
	}
	id := rand.Text()
	sealed, err := desk.Seal(answerPlace(id, relay), plain)
	if err != nil {
		return fmt.Errorf("seal answer: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO answer (id, relay_id, at, sealed) VALUES (?, ?, ?, ?)`, id, relay, now.UnixMilli(), sealed)
	if err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	return nil
}

// maxAnswers bounds what one look at the answers reads.
const maxAnswers = 200

// Answers opens what was answered to a relay, the oldest first, the newest 200. What
// does not open, because the relay's key is another now, is [Unreadable].
func Answers(ctx context.Context, h database.Handle, relay string, key *seal.Identity) ([]Answer, error) {
	rows, err := h.Query(ctx, `SELECT id, at, sealed FROM (SELECT id, at, sealed FROM answer
		WHERE relay_id = ? ORDER BY at DESC, id DESC LIMIT ?) AS newest ORDER BY at, id`, relay, maxAnswers)
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	defer rows.Close()
	var out []Answer
	for rows.Next() {
		var (
			a      Answer
			at     int64
			sealed []byte
		)
		if err := rows.Scan(&a.ID, &at, &sealed); err != nil {
			return nil, fmt.Errorf("read answers: %w", err)
		}
		plain, err := key.Open(answerPlace(a.ID, relay), sealed)
		switch {
		case errors.Is(err, seal.ErrSealed):
			a.Meaning, err = Unreadable, nil
		case err == nil:
			err = json.Unmarshal(plain, &a)
		}
		if err != nil {
			return nil, fmt.Errorf("open answer %s: %w", a.ID, err)
		}
		a.At = time.UnixMilli(at).UTC()
		out = append(out, a)
	}
	return out, rows.Err()
}

// CountAnswers tells how many answers wait for a relay.
func CountAnswers(ctx context.Context, h database.Handle, relay string) (n int, err error) {
	if err := h.QueryRow(ctx, `SELECT COUNT(*) FROM answer WHERE relay_id = ?`, relay).Scan(&n); err != nil {
		return 0, fmt.Errorf("count answers: %w", err)
	}
	return n, nil
}

// Done forgets an answer that somebody at the desk has seen to. One that is gone
// already is no error.
func Done(ctx context.Context, tx database.Handle, relay, id string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM answer WHERE id = ? AND relay_id = ?`, id, relay); err != nil {
		return fmt.Errorf("forget answer: %w", err)
	}
	return nil
}
