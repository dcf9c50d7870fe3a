package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Options says how a [Daemon] works. Zero fields take the values named.
type Options struct {
	Workers int           // requests in flight at once (64)
	Timeout time.Duration // after which an attempt is in doubt (15 s)
	Poll    time.Duration // how often the queue is looked at (200 ms)
	Alone   bool          // no other process works on this store
	Log     *slog.Logger  // ids and codes only; required
	Watch   func(Event)   // told of everything that happens, for metrics; may be nil

	// Clock reads the wall clock and one that only ever counts on; nothing
	// expires while the first is doubted (the machine's).
	Clock func() (wall time.Time, steady time.Duration)
}

// An Event is one thing that happened, for counting: an "attempt", with how
// late it was and how long it took, a "resolve", an "expire" or a "recover".
type Event struct {
	What   string
	Result string // a state, a code or a class
	Count  int
	Took   time.Duration
}

const (
	housekeeping  = time.Second
	forgetting    = time.Hour
	settleAtOnce  = 500
	doubtsAtOnce  = 64
	doubtsInARow  = 5 // after which the carrier counts as down
	asksAtOnce    = 8
	settleWait    = time.Second
	settleTries   = 15 // after the stop; a store that is busy for longer leaves messages unknown
	longestRest   = time.Minute
	shortestRest  = time.Second
	leaseOverhead = 15 * time.Second // between an answer and its being written
)

// A Daemon moves messages from the queue to a carrier.
type Daemon struct {
	queue   *Queue
	carrier Carrier
	opts    Options
	results chan Result
	freed   chan struct{}
	leap    leap // only in keepHouse

	mu     sync.Mutex
	busy   int // workers that have not been settled
	doubts int // in a row
	rest   rest
	flight sync.WaitGroup
}

// NewDaemon makes a daemon that delivers through carrier.
func NewDaemon(q *Queue, carrier Carrier, o Options) *Daemon {
	if o.Workers == 0 {
		o.Workers = 64
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Poll == 0 {
		o.Poll = 200 * time.Millisecond
	}
	if o.Watch == nil {
		o.Watch = func(Event) {}
	}
	if o.Clock == nil {
		o.Clock = machineClock()
	}
	return &Daemon{queue: q, carrier: carrier, opts: o, results: make(chan Result), freed: make(chan struct{}, 1)}
}

// Run works until ctx ends, then waits for the requests in flight and writes
// what came of them.
func (d *Daemon) Run(ctx context.Context) error {
	if d.opts.Alone {
		if err := d.recover(ctx, 0); err != nil {
			return err
		}
	}
	var tasks sync.WaitGroup
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		d.settle(ctx)
	}()
	tasks.Go(func() { d.every(ctx, housekeeping, d.keepHouse) })
	tasks.Go(func() { d.every(ctx, housekeeping, d.ask) })
	tasks.Go(func() { d.every(ctx, housekeeping, d.queue.MarkNumbers) })
	tasks.Go(func() { d.every(ctx, forgetting, d.queue.Forget) })
	d.dispatch(ctx)
	d.flight.Wait()
	close(d.results)
	<-settled
	tasks.Wait()
	return nil
}

// every calls fn at once and then at every interval, and logs its failures: a
// store that is busy or full is tried again, the daemon stays.
func (d *Daemon) every(ctx context.Context, interval time.Duration, fn func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := fn(ctx); err != nil && ctx.Err() == nil {
			d.opts.Log.Error("queue", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (d *Daemon) keepHouse(ctx context.Context) error {
	var (
		n   int
		err error
	)
	doubtful, news := d.leap.doubtful(d.opts.Clock())
	if news {
		d.opts.Log.Warn("clock jumped ahead: nothing expires until it has held", "for", leapHolds.String())
	}
	if !doubtful {
		n, err = d.queue.Sweep(ctx)
	}
	if n > 0 {
		d.opts.Log.Info("expired", "messages", n)
		d.opts.Watch(Event{What: "expire", Count: n})
	}
	return errors.Join(err, d.recover(ctx, d.opts.Timeout+leaseOverhead))
}

func (d *Daemon) recover(ctx context.Context, lease time.Duration) error {
	n, err := d.queue.Recover(ctx, lease)
	if n > 0 {
		d.opts.Log.Warn("unknown after a crash", "messages", n)
		d.opts.Watch(Event{What: "recover", Count: n})
	}
	return err
}

// dispatch claims no more than there are free workers, so that what is claimed
// leaves at once and the lease is that of one request.
func (d *Daemon) dispatch(ctx context.Context) {
	ticker := time.NewTicker(d.opts.Poll)
	defer ticker.Stop()
	for ctx.Err() == nil {
		full := d.dispatchOnce(ctx)
		var freed chan struct{}
		if full { // there may be more: go on as soon as a worker is free
			freed = d.freed
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-freed:
		}
	}
}

func (d *Daemon) dispatchOnce(ctx context.Context) (full bool) {
	d.mu.Lock()
	free := d.opts.Workers - d.busy
	resting := d.rest.on(time.Now())
	d.mu.Unlock()
	if resting {
		return false
	}
	if free <= 0 {
		return true
	}
	// A claim that is cut off would be a message in doubt: let it finish.
	batch, err := d.queue.Claim(context.WithoutCancel(ctx), free, d.carrier.Name())
	if err != nil {
		d.opts.Log.Error("queue", "error", err)
		return false
	}
	d.mu.Lock()
	d.busy += len(batch)
	d.mu.Unlock()
	for _, one := range batch {
		d.flight.Go(func() { d.deliver(context.WithoutCancel(ctx), one) })
	}
	return len(batch) == free
}

func (d *Daemon) deliver(ctx context.Context, one Delivery) {
	ctx, cancel := context.WithTimeout(ctx, d.opts.Timeout)
	defer cancel()
	start := time.Now()
	receipt, err := d.carrier.Deliver(ctx, one)
	result := Result{Delivery: one, Receipt: receipt, Err: err}
	d.note(result, time.Since(start))
	d.results <- result
}

// note logs and counts a result and lets the channel rest where it must.
func (d *Daemon) note(r Result, took time.Duration) {
	log := d.opts.Log.With("message", r.Delivery.ID, "attempt", r.Delivery.Attempt, "ms", took.Milliseconds())
	result := string(r.Receipt.State)
	refusal, refused := errors.AsType[*Refusal](r.Err)
	switch {
	case refused:
		result = "refused-" + refusal.Class.String()
		log.Warn("refused", "code", refusal.Code, "class", refusal.Class.String())
	case r.Err != nil:
		result = "unknown"
		log.Warn("unknown", "code", code(r.Err))
	default:
		log.Info("accepted", "carrier_id", r.Receipt.CarrierID)
	}
	d.opts.Watch(Event{What: "attempt", Result: result, Count: 1, Took: took})
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case refused && refusal.Class == ClassBusy:
		d.rest.longer(time.Now(), refusal.Wait)
	case refused && refusal.Class == ClassSetup:
		d.rest.longer(time.Now(), longestRest)
		d.opts.Log.Error("channel rests: account or sender is not set up", "code", refusal.Code)
	case r.Err == nil:
		d.rest, d.doubts = rest{}, 0
	case !refused:
		if d.doubts++; d.doubts >= doubtsInARow {
			d.rest.longer(time.Now(), 0)
		}
	}
}

// settle writes results in groups until the channel closes.
func (d *Daemon) settle(ctx context.Context) {
	for first := range d.results {
		group := d.collect([]Result{first})
		d.settleGroup(ctx, group)
		d.mu.Lock()
		d.busy -= len(group)
		d.mu.Unlock()
		select {
		case d.freed <- struct{}{}:
		default:
		}
	}
}

func (d *Daemon) collect(group []Result) []Result {
	for len(group) < settleAtOnce {
		select {
		case r, ok := <-d.results:
			if !ok {
				return group
			}
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// settleGroup tries until the store takes the results. A result that cannot be
// written is found again by the lease, or after a crash, as unknown.
func (d *Daemon) settleGroup(ctx context.Context, group []Result) {
	for try := 0; ; try++ {
		err := d.queue.Settle(context.WithoutCancel(ctx), group)
		if err == nil {
			return
		}
		d.opts.Log.Error("queue", "error", err)
		if ctx.Err() != nil && try >= settleTries {
			return
		}
		<-time.After(settleWait)
	}
}

// ask puts the question to the carrier for messages that are in doubt.
func (d *Daemon) ask(ctx context.Context) error {
	doubts, err := d.queue.Doubts(ctx, doubtsAtOnce)
	if err != nil {
		return err
	}
	var asking sync.WaitGroup
	places := make(chan struct{}, asksAtOnce)
	for _, one := range doubts {
		places <- struct{}{}
		asking.Go(func() {
			d.askOne(ctx, one)
			<-places
		})
	}
	asking.Wait()
	return nil
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
	if err := d.queue.Resolve(ctx, one, found, failure); err != nil && ctx.Err() == nil {
		d.opts.Log.Error("queue", "error", err)
	}
}

// rest is the breaker of a channel: while it lasts nothing is claimed, so
// nothing is burnt.
type rest struct {
	until  time.Time
	streak int
}

func (r *rest) on(now time.Time) bool { return now.Before(r.until) }

// longer rests for at least as long as asked, and twice as long as before with
// each failure in a row.
func (r *rest) longer(now time.Time, asked time.Duration) {
	if r.on(now) && asked <= r.until.Sub(now) {
		return // one refusal of many that were in flight together
	}
	own := min(shortestRest<<min(r.streak, 10), longestRest)
	r.until = now.Add(max(own, min(asked, longestRest)))
	r.streak++
}
