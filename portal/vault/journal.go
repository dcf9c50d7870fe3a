package vault

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"consigne/internal/database"
)

// What can stand in a journal.
const (
	VerbEnrolled   = "enrolled"
	VerbOpened     = "opened"
	VerbRead       = "read"
	VerbDeposited  = "deposited"
	VerbShared     = "shared"
	VerbStopped    = "stopped"
	VerbLinked     = "linked"
	VerbLinkOpened = "link-opened"
	VerbPlanned    = "planned"
	VerbFreed      = "freed"
	VerbMoved      = "moved"
	VerbCancelled  = "cancelled"
	VerbDecided    = "decided"   // about a reminder of which nobody knew whether it had arrived
	VerbPhone      = "phone"     // another number, or none
	VerbConfirmed  = "confirmed" // that the number is theirs
	VerbResumed    = "resumed"   // messages, after somebody said that they want none

	VerbAnswered     = "answered"      // at a kiosk, whether they come
	VerbLinkAnswered = "link-answered" // by whoever has their phone
)

// An Entry is one line of the journal that a holder can see. Actor is a relay's
// id, or empty for the holder.
type Entry struct {
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	Verb      string    `json:"verb"`
	PaperKind string    `json:"paper_kind,omitempty"`
	Title     string    `json:"title,omitempty"`
}

// journal appends an entry in the transaction of the act itself. The entry is
// sealed to the person; the chain over person, number, day and promise can be
// verified without reading it.
func (v *Vault) journal(ctx context.Context, tx database.Handle, person string, e Entry) error {
	public, err := v.personKey(ctx, tx, person)
	if err != nil {
		return err
	}
	number, previous, err := lastEntry(ctx, tx, person)
	if err != nil {
		return err
	}
	number++
	e.At = v.Now()
	plain, err := json.Marshal(e)
	if err != nil {
		return err
	}
	body, err := public.Seal(placeJournal(person, number), plain)
	if err != nil {
		return err
	}
	day, promise := DateOf(e.At.UTC()).Number(), sha256.Sum256(body)
	chain := link(previous, person, number, day, promise[:])
	_, err = tx.Exec(ctx, "INSERT INTO journal (person_id, number, day, body, promise, chain) VALUES (?, ?, ?, ?, ?, ?)",
		person, number, day, body, promise[:], chain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO journal_head (person_id, number, chain) VALUES (?, ?, ?)
		ON CONFLICT (person_id) DO UPDATE SET number = excluded.number, chain = excluded.chain`, person, number, chain)
	return err
}

// lastEntry locks the person's row, so that two entries cannot follow the same. It asks the head and not the entries:
// what follows a tail that was lost must not close the gap.
func lastEntry(ctx context.Context, tx database.Handle, person string) (number int64, chain []byte, err error) {
	var id string
	if err := tx.QueryRow(ctx, "SELECT id FROM person WHERE id = ?"+forUpdate(tx), person).Scan(&id); err != nil {
		return 0, nil, err
	}
	err = tx.QueryRow(ctx, "SELECT number, chain FROM journal_head WHERE person_id = ?", person).Scan(&number, &chain)
	if errors.Is(err, ErrNotFound) {
		return 0, nil, nil
	}
	return number, chain, err
}

// link is one step of the hash chain.
func link(previous []byte, person string, number, day int64, promise []byte) []byte {
	h := sha256.New()
	h.Write([]byte("consigne/journal/1"))
	for _, part := range [][]byte{previous, []byte(person), promise} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(number)), uint64(day)))
	return h.Sum(nil)
}

// VerifyJournal walks every person's chain without any key, up to the entry that
// was written last, and calls damage with each fault it finds. Its own error is
// one of the store.
func VerifyJournal(ctx context.Context, h database.Handle, damage func(string)) error {
	if err := verifyChains(ctx, h, damage); err != nil {
		return err
	}
	return verifyHeads(ctx, h, damage)
}

// verifyHeads looks for journals that end elsewhere than where they were last
// written. Everybody has one: it begins with the enrolment.
func verifyHeads(ctx context.Context, h database.Handle, damage func(string)) error {
	people, err := collect(ctx, h, func(scan func(...any) error) (person string, err error) {
		err = scan(&person)
		return person, err
	}, `SELECT p.id FROM person p LEFT JOIN journal_head h ON h.person_id = p.id
		LEFT JOIN journal j ON j.person_id = p.id AND j.number = (SELECT MAX(number) FROM journal l WHERE l.person_id = p.id)
		WHERE h.number IS NULL OR j.number IS NULL OR h.number <> j.number OR h.chain <> j.chain ORDER BY p.id`)
	for _, person := range people {
		damage(fmt.Sprintf("journal of %s: it does not end with the entry that was written last", person))
	}
	return err
}

func verifyChains(ctx context.Context, h database.Handle, damage func(string)) error {
	rows, err := h.Query(ctx, "SELECT person_id, number, day, body, promise, chain FROM journal ORDER BY person_id, number")
	if err != nil {
		return err
	}
	defer rows.Close()
	var before string
	var last int64
	var chain []byte
	for rows.Next() {
		var person string
		var number, day int64
		var body, promise, next []byte
		if err := rows.Scan(&person, &number, &day, &body, &promise, &next); err != nil {
			return err
		}
		if person != before {
			before, last, chain = person, 0, nil
		}
		sum := sha256.Sum256(body)
		switch {
		case number != last+1:
			damage(fmt.Sprintf("journal of %s: entry %d follows %d", person, number, last))
		case body != nil && string(sum[:]) != string(promise):
			damage(fmt.Sprintf("journal of %s: entry %d was changed", person, number))
		case string(link(chain, person, number, day, promise)) != string(next):
			damage(fmt.Sprintf("journal of %s: chain is broken at entry %d", person, number))
		}
		last, chain = number, next
	}
	return rows.Err()
}

// Journal gives the newest entries, at most limit.
func (h *Holder) Journal(ctx context.Context, limit int) ([]Entry, error) {
	return collect(ctx, h.v.DB.Read(), func(scan func(...any) error) (e Entry, err error) {
		var number int64
		var body []byte
		if err = scan(&number, &body); err != nil {
			return e, err
		}
		plain, err := h.identity.Open(placeJournal(h.person, number), body)
		if err != nil {
			return e, err
		}
		err = json.Unmarshal(plain, &e)
		return e, err
	}, "SELECT number, body FROM journal WHERE person_id = ? AND body IS NOT NULL ORDER BY number DESC LIMIT ?", h.person, limit)
}
