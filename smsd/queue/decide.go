package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"consigne/internal/database"
)

// A Decision is what a person does about a message that is held.
type Decision string

// The decisions about a held message. To call the person is one more way on,
// which needs nothing here.
const (
	SendAnyway Decision = "send"    // again, although it may have arrived: perhaps twice
	ItArrived  Decision = "arrived" // the person has it
	LetExpire  Decision = "expire"  // not again
)

// ErrNotHeld is returned for a decision about a message that is not held (any
// more): the carrier has answered meanwhile, or somebody else has decided.
var ErrNotHeld = errors.New("message is not held")

// Decide carries out a person's decision about a held message, in the caller's
// transaction. It returns [ErrNotHeld].
func Decide(ctx context.Context, tx database.Handle, id string, d Decision, now time.Time) error {
	c := change{id: id, at: now.UnixMilli(), next: now.UnixMilli(), code: "decided"}
	switch d {
	case SendAnyway:
		c.to = Planned
	case ItArrived:
		c.to = Delivered
	case LetExpire:
		c.to = Expired
	default:
		return fmt.Errorf("unknown decision %q", d)
	}
	held, err := column(ctx, tx, `SELECT id FROM message WHERE id = ? AND state = 'held' AND final_at IS NULL`+forUpdate(tx), id)
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	if len(held) == 0 {
		return ErrNotHeld
	}
	if d == SendAnyway {
		return replan(ctx, tx, c)
	}
	moved, err := move(ctx, tx, c)
	if err == nil && !moved {
		err = ErrNotHeld
	}
	return err
}
