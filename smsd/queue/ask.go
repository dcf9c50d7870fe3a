package queue

import (
	"context"
	"errors"
	"sync"
)

// ask puts the question to the carrier for messages that are in doubt. A carrier
// that does not answer is asked about one of them, as a probe.
func (d *Daemon) ask(ctx context.Context) error {
	d.mu.Lock()
	limit := d.asking.allows(d.steady(), doubtsAtOnce)
	d.mu.Unlock()
	if limit == 0 {
		return nil
	}
	doubts, err := d.queue.Doubts(ctx, limit)
	if err != nil || len(doubts) == 0 {
		return err
	}
	d.mu.Lock()
	d.asking.probe()
	d.mu.Unlock()
	eachAtOnce(doubts, asksAtOnce, func(one Delivery) { d.askOne(ctx, one) })
	return nil
}

// eachAtOnce calls fn for all, so many at a time, and waits for them.
func eachAtOnce[T any](all []T, atOnce int, fn func(T)) {
	var working sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, one := range all {
		places <- struct{}{}
		working.Go(func() {
			fn(one)
			<-places
		})
	}
	working.Wait()
}

func (d *Daemon) askOne(ctx context.Context, one Delivery) {
	limited, cancel := context.WithTimeout(ctx, d.opts.Timeout)
	defer cancel()
	found, failure := d.carrier.Find(limited, one)
	log := d.opts.Log.With("message", one.ID, "attempt", one.Attempt)
	result := "absent"
	switch {
	case failure != nil:
		result = "no-answer"
		log.Warn("carrier asked", "code", code(failure))
	default:
		if len(found) > 0 {
			result = "found"
		}
		log.Info("carrier asked", "found", len(found))
	}
	d.opts.Watch(Event{What: "resolve", Result: result, Count: 1})
	if down := d.heard(failure); down {
		return // its turn comes again after the grace, and no question is burnt
	}
	if err := d.queue.Resolve(ctx, one, found, failure); err != nil && ctx.Err() == nil {
		d.opts.Log.Error("queue", "error", err)
	}
}

// heard tells the breaker of questions of an answer, or of none, and says whether
// there is nobody to ask.
func (d *Daemon) heard(failure error) (down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if failure == nil || errors.Is(failure, ErrCannotTell) {
		d.asking.answered(d.steady())
		return false
	}
	d.asking.silent(d.steady())
	return d.asking.open
}

// erase asks the carrier to delete what is final here.
func (d *Daemon) erase(ctx context.Context) error {
	for ctx.Err() == nil {
		d.mu.Lock()
		closed := d.breaker.allows(d.steady(), copiesAtOnce) == copiesAtOnce
		d.mu.Unlock()
		if !closed {
			return nil
		}
		copies, err := d.queue.Copies(ctx, copiesAtOnce, d.carrier.Name())
		if err != nil || len(copies) == 0 {
			return err
		}
		var mu sync.Mutex
		var over []Copy
		eachAtOnce(copies, erasesAtOnce, func(c Copy) {
			if d.eraseOne(ctx, c) {
				mu.Lock()
				defer mu.Unlock()
				over = append(over, c)
			}
		})
		if err := d.queue.Erased(ctx, over); err != nil {
			return err
		}
	}
	return nil
}

// eraseOne asks about one copy and tells whether that was the last time.
func (d *Daemon) eraseOne(ctx context.Context, c Copy) (over bool) {
	limited, cancel := context.WithTimeout(ctx, d.opts.Timeout)
	defer cancel()
	failure := d.carrier.Erase(limited, c.CarrierID)
	if ctx.Err() != nil {
		return false
	}
	result := "gone"
	switch {
	case failure != nil && c.Last():
		result = "gave-up"
		d.opts.Log.Error("carrier keeps a message", "message", c.MessageID, "carrier_id", c.CarrierID, "code", code(failure))
	case failure != nil:
		result = "later"
		d.opts.Log.Info("carrier deletes later", "message", c.MessageID, "code", code(failure))
	}
	d.opts.Watch(Event{What: "erase", Result: result, Count: 1})
	return result != "later"
}
