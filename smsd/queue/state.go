package queue

import (
	"context"
	"fmt"
	"strings"

	"consigne/internal/database"
)

// A State says where a message stands.
type State string

// The states of a message. Delivered, Undelivered, Failed, Expired, Cancelled
// and Suppressed are final; Accepted and Sent become final at the message's
// expiry, when no receipt came.
const (
	Planned     State = "planned"     // waits for its time
	Claimed     State = "claimed"     // a request is in flight
	Unknown     State = "unknown"     // the request may have arrived
	Held        State = "held"        // nothing can tell; a person decides
	Accepted    State = "accepted"    // the carrier has it
	Sent        State = "sent"        // the carrier passed it on
	Delivered   State = "delivered"   // the phone has it
	Undelivered State = "undelivered" // the network gave up
	Failed      State = "failed"      // the carrier refused it or gave up
	Expired     State = "expired"     // its time passed before it could leave
	Cancelled   State = "cancelled"   // its caller took it back
	Suppressed  State = "suppressed"  // its number wants nothing, or is gone
)

// AllStates lists every state in the order in which a message may pass them.
var AllStates = []State{
	Planned, Claimed, Unknown, Held, Accepted, Sent,
	Delivered, Undelivered, Failed, Expired, Cancelled, Suppressed,
}

// cameFrom is the whole table of transitions: from which states each may be
// entered. A callback may overtake the answer to the request, or come after the
// message was planned again, so what a carrier reports may be entered from
// Planned too, but only where a request has left before. Ranks only rise:
// Delivered overrules everything that is no person's decision.
var cameFrom = map[State][]State{
	Planned:     {Claimed, Unknown, Held, Accepted, Sent},
	Claimed:     {Planned},
	Unknown:     {Claimed},
	Held:        {Unknown},
	Accepted:    {Planned, Claimed, Unknown, Held},
	Sent:        {Planned, Claimed, Unknown, Held, Accepted},
	Delivered:   {Planned, Claimed, Unknown, Held, Accepted, Sent, Undelivered, Failed, Expired},
	Undelivered: {Claimed, Unknown, Held, Accepted, Sent},
	Failed:      {Planned, Claimed, Unknown, Held, Accepted, Sent},
	Expired:     {Planned, Held},
	Cancelled:   {Planned, Held},
	Suppressed:  {Planned, Held},
}

// Final tells whether a message in this state has come to its end whatever
// happens; Accepted and Sent are final only past their expiry.
func (s State) Final() bool {
	switch s {
	case Delivered, Undelivered, Failed, Expired, Cancelled, Suppressed:
		return true
	}
	return false
}

// enteredAt names the column that keeps when a state was entered last. Final
// states share final_at, and planned_at keeps the first time.
var enteredAt = map[State]string{
	Claimed: "claimed_at", Unknown: "unknown_at", Held: "held_at", Accepted: "accepted_at", Sent: "sent_at",
}

// A change moves one message. Its zero fields leave the row as it is, but for
// the error, which always becomes that of the change.
type change struct {
	id        string
	to        State
	at        int64  // now, in unix milliseconds
	attempt   int    // only while this is the latest attempt; 0 for any
	next      int64  // earliest next try or question
	carrierID string // the carrier's name for the message
	code      string // why, a code and never a text
	burn      int    // failures to add
}

// moves holds the statement for each state, made once from the table.
var moves = func() map[State]string {
	out := make(map[State]string, len(cameFrom))
	for to, from := range cameFrom {
		out[to] = moveText(to, from)
	}
	return out
}()

func moveText(to State, from []State) string {
	entered := ""
	if column := enteredAt[to]; column != "" {
		entered = column + " = ?, "
	}
	return fmt.Sprintf(`UPDATE message SET state = '%s', %serror = ?, next = COALESCE(?, next),
		carrier_id = COALESCE(?, carrier_id), failures = failures + ?, asks = 0
		WHERE id = ? AND state IN (%s) AND (attempts = ? OR ? = 0)%s`,
		to, entered, quotedStates(from), also[to])
}

// quotedStates writes states for an IN list.
func quotedStates(all []State) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = "'" + string(s) + "'"
	}
	return strings.Join(names, ", ")
}

// also holds what the table cannot say: a carrier reports nothing about a
// message that never left, and one whose text is erased cannot leave again.
var also = map[State]string{
	Accepted: " AND attempts > 0", Sent: " AND attempts > 0", Delivered: " AND attempts > 0",
	Planned: " AND final_at IS NULL",
}

// move applies c where the table of transitions allows it, erases what a final
// message no longer needs, and tells whether it did.
func move(ctx context.Context, tx database.Handle, c change) (bool, error) {
	var args []any
	if enteredAt[c.to] != "" {
		args = append(args, c.at)
	}
	args = append(args, orNull(c.code), orNull(c.next), orNull(c.carrierID), c.burn, c.id, c.attempt, c.attempt)
	rows, err := tx.Exec(ctx, moves[c.to], args...)
	if err != nil {
		return false, fmt.Errorf("move message to %s: %w", c.to, err)
	}
	if rows == 0 {
		return false, nil
	}
	if c.to.Final() {
		return true, finish(ctx, tx, c.id, c.at)
	}
	return true, nil
}

// orNull binds a zero value as NULL.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// finish erases the text of a message that came to its end, and its number
// with the last message that points to it. A second call does nothing.
func finish(ctx context.Context, tx database.Handle, id string, at int64) error {
	var (
		numberID *string
		unwanted int
	)
	err := tx.QueryRow(ctx, `SELECT number_id, unwanted FROM message WHERE id = ?`, id).Scan(&numberID, &unwanted)
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	rows, err := tx.Exec(ctx, `UPDATE message SET final_at = ?, text = NULL, sender = NULL, number_id = NULL
		WHERE id = ? AND final_at IS NULL`, at, id)
	if err != nil {
		return fmt.Errorf("erase message: %w", err)
	}
	if rows == 0 {
		return nil
	}
	if err := forgetAtCarrier(ctx, tx, at, id); err != nil {
		return err
	}
	if numberID == nil {
		return nil
	}
	if unwanted == elsewhere {
		if err := release(ctx, tx, nextNumber(id, *numberID)); err != nil {
			return err
		}
	}
	return release(ctx, tx, *numberID)
}

// release takes one message off a number, and the number with the last.
func release(ctx context.Context, tx database.Handle, numberID string) error {
	if _, err := tx.Exec(ctx, `UPDATE number SET waiting = waiting - 1 WHERE id = ?`, numberID); err != nil {
		return fmt.Errorf("release number: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM number WHERE id = ? AND waiting <= 0`, numberID); err != nil {
		return fmt.Errorf("erase number: %w", err)
	}
	return nil
}
