package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"consigne/internal/database"
	"consigne/internal/revoked"
	"consigne/locales"
)

// An Inbound is what somebody wrote to our sender. It prints as the carrier's
// name for it.
type Inbound struct {
	CarrierID string // the carrier's name for it, by which a second call is known
	From      string // a number, or whatever else the carrier gives
	Text      string // any bytes
}

// Format keeps number and text from every verb of package fmt.
func (i Inbound) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "inbound %s", i.CarrierID) }

// Heard says in one word what was done about an [Inbound].
type Heard string

// What may be done about an Inbound.
const (
	HeardYes        Heard = "yes"           // told to the relay that asked, confirmed
	HeardNo         Heard = "no"            // the same
	HeardShared     Heard = "shared"        // yes or no, and several people share the number: told to each of their relays
	HeardWords      Heard = "words"         // left for the relays that asked something
	HeardNotMe      Heard = "not-me"        // nothing more goes there
	HeardStop       Heard = "opt-out"       // the number wants nothing more
	HeardStopAgain  Heard = "opt-out-again" // and has said so before: not confirmed again
	HeardStart      Heard = "opt-in"        // messages again
	HeardStartAgain Heard = "opt-in-again"  // they had never stopped
	HeardUnasked    Heard = "unasked"       // somebody we wrote to; nothing is open that this could answer
	HeardEmpty      Heard = "empty"         // no text
	HeardNobody     Heard = "nobody"        // nobody wrote to this number: nothing is kept
	HeardOdd        Heard = "odd"           // a short code, a name, a call without an id: nothing is kept
	HeardRepeated   Heard = "repeated"      // taken in before
	HeardTooMany    Heard = "too-many"      // the number's day is full: nothing is kept
)

// Answered takes in what somebody wrote, all in one transaction, and tells what
// was done about it. A second call with the same CarrierID changes nothing, for
// a week. STOP counts from any number, also from one whose messages are long
// forgotten; of anything else 20 texts are taken in from a number within a day.
// Whatever is done about it, the carrier is asked to delete the text. On an error
// nothing was done.
func (q *Queue) Answered(ctx context.Context, in Inbound) (heard Heard, err error) {
	if !ValidID(in.CarrierID) {
		return HeardOdd, nil
	}
	number, odd := ParseNumber(in.From)
	err = q.db.Write(ctx, func(tx database.Handle) error {
		if odd != nil {
			heard = HeardOdd
			return forgetText(ctx, tx, q.millis(), in.CarrierID)
		}
		heard, err = q.hear(ctx, tx, number, in)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("take in %v: %w", in, err)
	}
	return heard, nil
}

// caller is a number from which somebody wrote, and what was asked of it.
type caller struct {
	number string
	mark   []byte
	known  bool // we wrote to it, or shall
	open   []openReply
}

func (q *Queue) hear(ctx context.Context, tx database.Handle, number string, in Inbound) (Heard, error) {
	if err := forgetText(ctx, tx, q.millis(), in.CarrierID); err != nil {
		return "", err
	}
	meaning, _ := locales.Answer(in.Text)
	c := caller{number: number, mark: q.keys.mark(number)}
	var err error
	if c.known, err = writtenTo(ctx, tx, c.mark); err != nil {
		return "", err
	}
	if !c.known && meaning != locales.AnswerStop {
		return HeardNobody, nil
	}
	heard, err := q.takeIn(ctx, tx, c, in.CarrierID, meaning == locales.AnswerStop)
	if err != nil || heard != "" {
		return heard, err
	}
	if c.open, err = q.openReplies(ctx, tx, c.mark); err != nil {
		return "", err
	}
	switch meaning {
	case locales.AnswerStop:
		return q.hearStop(ctx, tx, c)
	case locales.AnswerStart:
		return q.hearStart(ctx, tx, c)
	case locales.AnswerNotMe:
		return q.hearNotMe(ctx, tx, c)
	case locales.AnswerYes:
		return q.hearAnswer(ctx, tx, c, Yes, in.Text)
	case locales.AnswerNo:
		return q.hearAnswer(ctx, tx, c, No, in.Text)
	}
	return q.hearWords(ctx, tx, c, in.Text)
}

// textsADay bounds what one number can fill the desk's day with.
const textsADay = 20

// takeIn notes that a text was taken in, or says why it is not. A STOP is heard
// however much came before.
func (q *Queue) takeIn(ctx context.Context, tx database.Handle, c caller, carrierID string, stop bool) (refused Heard, err error) {
	now := q.now()
	var today int
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM inbound WHERE mark = ? AND at > ?`, c.mark, now.Add(-24*time.Hour).UnixMilli()).Scan(&today)
	if err != nil {
		return "", fmt.Errorf("count texts: %w", err)
	}
	if today >= textsADay && !stop {
		return HeardTooMany, nil
	}
	rows, err := tx.Exec(ctx, `INSERT INTO inbound (carrier_id, at, mark) VALUES (?, ?, ?) ON CONFLICT (carrier_id) DO NOTHING`,
		carrierID, now.UnixMilli(), c.mark)
	if err != nil {
		return "", fmt.Errorf("note text: %w", err)
	}
	if rows == 0 {
		return HeardRepeated, nil
	}
	return "", nil
}

// writtenTo tells whether anything in the store is about this number.
func writtenTo(ctx context.Context, tx database.Handle, mark []byte) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM message WHERE mark = ?) OR EXISTS (SELECT 1 FROM number WHERE mark = ?)
		OR EXISTS (SELECT 1 FROM opt_out WHERE mark = ?) OR EXISTS (SELECT 1 FROM number_health WHERE mark = ?) THEN 1 ELSE 0 END`,
		mark, mark, mark, mark).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for number: %w", err)
	}
	return n > 0, nil
}

func (q *Queue) hearStop(ctx context.Context, tx database.Handle, c caller) (Heard, error) {
	news, err := optOut(ctx, tx, c.mark, q.Revoked, q.millis())
	if err != nil {
		return "", err
	}
	if !news {
		return HeardStopAgain, nil
	}
	if _, err := q.tellAll(ctx, tx, c, Answer{Meaning: Stop}); err != nil {
		return "", err
	}
	if !c.known { // whoever it is wants nothing from us: no answer either
		return HeardStop, nil
	}
	return HeardStop, q.confirm(ctx, tx, c, "stopped", nil, true)
}

func (q *Queue) hearStart(ctx context.Context, tx database.Handle, c caller) (Heard, error) {
	news, err := q.optIn(ctx, tx, c.mark)
	if err != nil {
		return "", err
	}
	if !news {
		return HeardStartAgain, nil
	}
	if _, err := q.tellAll(ctx, tx, c, Answer{Meaning: Start}); err != nil {
		return "", err
	}
	return HeardStart, q.confirm(ctx, tx, c, "started", nil, false)
}

// optIn ends an opt-out, and tells whether there was one.
func (q *Queue) optIn(ctx context.Context, tx database.Handle, mark []byte) (news bool, err error) {
	rows, err := tx.Exec(ctx, `DELETE FROM opt_out WHERE mark = ?`, mark)
	if err == nil && rows > 0 {
		err = q.revoke(revoked.OptIn, mark)
	}
	if err != nil {
		return false, fmt.Errorf("end opt-out: %w", err)
	}
	return rows > 0, nil
}

func (q *Queue) hearNotMe(ctx context.Context, tx database.Handle, c caller) (Heard, error) {
	if err := unwell(ctx, tx, c.mark, NotMe, q.millis()); err != nil {
		return "", err
	}
	_, err := q.tellAll(ctx, tx, c, Answer{Meaning: WrongOne})
	return HeardNotMe, err
}

// hearAnswer gives a yes or no to the latest reminder whose hour has not passed.
// Where that hour has come it is words like others, and where several people
// share the number nobody can tell who said it. What is said twice about one
// appointment is confirmed once.
func (q *Queue) hearAnswer(ctx context.Context, tx database.Handle, c caller, m Meaning, text string) (Heard, error) {
	if c.people() > 1 {
		_, err := q.tellAll(ctx, tx, c, Answer{Meaning: m})
		return HeardShared, err
	}
	r, ok := c.asked(q.now())
	if !ok {
		return q.hearWords(ctx, tx, c, text)
	}
	said, err := saidBefore(ctx, tx, c, r.facts.Item, m)
	if err != nil {
		return "", err
	}
	c.open = []openReply{r}
	told, err := q.tellAll(ctx, tx, c, Answer{Meaning: m})
	if err != nil || told == 0 {
		return HeardUnasked, err
	}
	heard, template := HeardYes, "noted"
	if m == No {
		heard, template = HeardNo, "declined"
	}
	if said {
		return heard, nil
	}
	return heard, q.confirm(ctx, tx, c, template, locales.Args{"t": r.facts.local()}, false)
}

// longestWords is what a carrier passes on of a text, in letters.
const longestWords = 1600

func (q *Queue) hearWords(ctx context.Context, tx database.Handle, c caller, text string) (Heard, error) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, string(utf8.RuneError)))
	if text == "" {
		return HeardEmpty, nil
	}
	if letters := []rune(text); len(letters) > longestWords {
		text = string(letters[:longestWords])
	}
	told, err := q.tellAll(ctx, tx, c, Answer{Meaning: Words, Text: text})
	if err != nil || told == 0 {
		return HeardUnasked, err
	}
	return HeardWords, nil
}

// confirmLasts is how long a confirmation is worth sending.
const confirmLasts = time.Hour

// confirm queues a short answer to the number, where it can be told that it may
// answer us, too. despite says that it goes although the number opted out.
func (q *Queue) confirm(ctx context.Context, tx database.Handle, c caller, template string, args locales.Args, despite bool) error {
	can, err := SenderCapability(ctx, tx)
	if err != nil || can != TwoWay {
		return err
	}
	now := q.now()
	m := Message{
		ID: "answer:" + rand.Text(), Kind: Notice, Text: locales.SMS(c.language(), template, args),
		Due: now, Expires: now.Add(confirmLasts),
	}
	if _, err := q.own.EnqueueTo(ctx, tx, c.number, m); err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	if !despite {
		return nil
	}
	if _, err := tx.Exec(ctx, `UPDATE message SET despite = 1 WHERE id = ?`, m.ID); err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	return nil
}
