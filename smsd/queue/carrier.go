package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Carrier delivers messages by a channel. It knows nothing of states: it says
// what it was told, and the queue decides.
type Carrier interface {
	// Name names the carrier in attempts, logs and metrics.
	Name() string
	// Deliver hands one message over, once. It returns a [*Refusal] when it is
	// certain that the carrier did not take it; after any other error nobody
	// knows, and the queue asks with Find. It must give up by itself.
	Deliver(ctx context.Context, d Delivery) (Receipt, error)
	// Find lists what the carrier holds under this attempt's Ref or, where it
	// keeps none, with exactly this text for this number, oldest first. It returns
	// [ErrCannotTell], perhaps with what it found, when its list may leave some out.
	Find(ctx context.Context, d Delivery) ([]Receipt, error)
	// Erase deletes what the carrier has of a message, by the carrier's name for
	// it. It returns nil when nothing is left there, also when nothing was, and an
	// error when it has to be asked again later, as for one that is being sent.
	Erase(ctx context.Context, carrierID string) error
}

// A Delivery is one attempt to send one message. It prints as id and attempt.
type Delivery struct {
	ID      string
	Attempt int
	Kind    Kind
	Ref     string    // 16 letters and digits, of this attempt alone: for carriers that keep one and can be asked by it
	To      string    // E.164
	Text    string    // UTF-8
	Left    time.Time // when the attempt began, by our clock

	asked time.Time // when the carrier is asked about it
}

// Format keeps text and number from every verb of package fmt.
func (d Delivery) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "message %s, attempt %d", d.ID, d.Attempt)
}

// A Receipt is what a carrier says about a message that it has.
type Receipt struct {
	CarrierID string    // the carrier's name for it
	State     State     // Accepted, Sent, Delivered, Undelivered or Failed
	Code      string    // why it failed, the carrier's own code
	Class     Class     // what that code means
	Taken     time.Time // when the carrier took it, by its own clock; zero where it does not say
}

// A Class says what a failure is about, and so what is done next.
type Class int

// The classes of failures. The zero Class is the safe default: nothing that is
// not understood is sent again.
const (
	ClassOther     Class = iota // not understood: the message fails
	ClassNumber                 // the number is dead or wrong: the message fails
	ClassOptOut                 // the number wants nothing: suppressed, and remembered
	ClassContent                // this text is not carried: the message fails
	ClassTemporary              // tried again a few times, later and later
	ClassBusy                   // too many at once, never processed: again soon, nothing burnt
	ClassSetup                  // our own account or sender: the channel rests, nothing burnt; once accepted, as temporary
	ClassDown                   // no connection was made: one probe at a time, nothing burnt
)

// String names the class for logs.
func (c Class) String() string {
	names := [...]string{"other", "number", "opt-out", "content", "temporary", "busy", "setup", "down"}
	if c < 0 || int(c) >= len(names) {
		return fmt.Sprintf("Class(%d)", int(c))
	}
	return names[c]
}

// A Refusal is a carrier's certain no: the message was not taken.
type Refusal struct {
	Code  string // the carrier's code, or a word of ours such as "no-connection"
	Class Class
	Wait  time.Duration // how long the carrier asks to wait; 0 if it does not say
}

func (e *Refusal) Error() string { return "carrier refused: " + e.Code + " (" + e.Class.String() + ")" }

// A Doubt is an answer from which nobody can tell whether the message was taken.
type Doubt struct{ Code string } // such as "timeout", "http-502" or "cut"

func (e *Doubt) Error() string { return "carrier may have taken it: " + e.Code }

// ErrCannotTell is returned by [Carrier.Find] where the list is cut or missing.
var ErrCannotTell = errors.New("carrier cannot tell")

// code gives what may be stored and logged about an error of a carrier: never
// its text, which may hold a number.
func code(err error) string {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Code
	}
	if d, ok := errors.AsType[*Doubt](err); ok {
		return d.Code
	}
	return "no-answer"
}
