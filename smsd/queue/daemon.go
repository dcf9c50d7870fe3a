package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"consigne/internal/database"
)

// Options says how a [Daemon] works. Zero fields take the values named.
type Options struct {
	Workers int           // requests in flight at once ([DefaultWorkers])
	Rate    int           // messages a second at most, for each process; 0 for as many as the workers send
	Timeout time.Duration // after which an attempt is in doubt ([DefaultTimeout])
	Poll    time.Duration // how often the queue is looked at (200 ms)
	Alone   bool          // no other process works on this store
	Log     *slog.Logger  // ids and codes only; required
	Watch   func(Event)   // told of everything that happens, for metrics; may be nil

	// Clock reads the wall clock and one that only ever counts on; nothing
	// expires while the first is doubted (the machine's).
	Clock func() (wall time.Time, steady time.Duration)
}

// DefaultWorkers is how many requests are in flight at once: at the tenth of a
// second that carriers take to answer, enough for the 2,000 messages a second that
// Twilio takes from one account, with room for a carrier that is a little slower.
const DefaultWorkers = 256

// DefaultTimeout is how long a request may take: longer than a carrier that will
// answer at all.
const DefaultTimeout = 15 * time.Second

// An Event is one thing that happened, for counting: an "attempt", with how
// long it took, a "resolve", an "expire", a "recover" or an "erase".
type Event struct {
	What   string
	Result string // a state, a code or a class
	Count  int
	Took   time.Duration
}

const (
	housekeeping  = time.Second
	forgetting    = time.Hour
	mending       = 10 * time.Minute
	settleAtOnce  = 500
	doubtsAtOnce  = 64
	asksAtOnce    = 8
	copiesAtOnce  = 200
	erasesAtOnce  = 16
	settleWait    = time.Second
	settleTries   = 15               // after the stop; a store that is busy for longer leaves messages unknown
	leaseOverhead = 15 * time.Second // between an answer and its being written
)

// A Daemon moves messages from the queue to a carrier.
type Daemon struct {
	queue   *Queue
	carrier Carrier
	opts    Options
	results chan Result
	freed   chan struct{}

	mu      sync.Mutex
	leap    leap
	busy    int     // workers that have not been settled
	breaker breaker // of requests
	asking  breaker // of questions: a list that fails holds up no message
	bucket  bucket
	flight  sync.WaitGroup
}

// NewDaemon makes a daemon that delivers through carrier.
func NewDaemon(q *Queue, carrier Carrier, o Options) *Daemon {
	if o.Workers == 0 {
		o.Workers = DefaultWorkers
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
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
	return &Daemon{
		queue: q, carrier: carrier, opts: o, results: make(chan Result), freed: make(chan struct{}, 1),
		bucket: newBucket(o.Rate, 2*o.Poll),
	}
}

// steady reads the clock that only ever counts on.
func (d *Daemon) steady() time.Duration {
	_, steady := d.opts.Clock()
	return steady
}

// Run works until ctx ends, then waits for the requests in flight and writes
// what came of them.
func (d *Daemon) Run(ctx context.Context) error {
	if d.opts.Alone {
		if err := d.recoverAll(ctx); err != nil {
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
	tasks.Go(func() { d.every(ctx, housekeeping, d.erase) })
	tasks.Go(func() { d.every(ctx, housekeeping, d.queue.MarkNumbers) })
	tasks.Go(func() { d.every(ctx, forgetting, d.forget) })
	tasks.Go(func() { d.every(ctx, mending, d.mend) })
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
	return errors.Join(d.recover(ctx, 2*d.opts.Timeout+leaseOverhead), d.sweep(ctx))
}

// sweep ends all that has expired: as long as it stands among what is planned, every
// claim has to pass over it.
func (d *Daemon) sweep(ctx context.Context) error {
	for ctx.Err() == nil && !d.doubtful() {
		n, err := d.queue.Sweep(ctx)
		if n > 0 {
			d.opts.Log.Info("expired", "messages", n)
			d.opts.Watch(Event{What: "expire", Count: n})
		}
		if err != nil || n < sweepSize {
			return err
		}
	}
	return nil
}

// doubtful looks at the clocks: while the wall clock is ahead of what anybody
// believes nothing leaves before its time, and nothing expires.
func (d *Daemon) doubtful() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	doubtful, news := d.leap.doubtful(d.opts.Clock())
	if news {
		d.opts.Log.Warn("clock jumped ahead: nothing leaves and nothing expires until it has held", "for", leapHolds.String())
	}
	return doubtful
}

func (d *Daemon) forget(ctx context.Context) error {
	return errors.Join(d.queue.Forget(ctx), d.queue.ForgetCopies(ctx, d.carrier.Name()))
}

func (d *Daemon) mend(ctx context.Context) error {
	n, err := d.queue.Mend(ctx)
	if n > 0 {
		d.opts.Log.Warn("clock was set back: times brought back", "messages", n)
	}
	return err
}

func (d *Daemon) recover(ctx context.Context, lease time.Duration) error {
	n, err := d.queue.Recover(ctx, lease)
	if n > 0 {
		d.opts.Log.Warn("unknown after a crash", "messages", n)
		d.opts.Watch(Event{What: "recover", Count: n})
	}
	return err
}

// recoverAll takes up what a crash left, and waits for a store that is busy or full:
// before that nothing may be claimed.
func (d *Daemon) recoverAll(ctx context.Context) error {
	for {
		err := d.recover(ctx, 0)
		if !errors.Is(err, database.ErrBusy) && !errors.Is(err, database.ErrFull) {
			return err
		}
		d.opts.Log.Error("queue", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settleWait):
		}
	}
}

// dispatch claims no more than there are free workers, so that what is claimed
// leaves at once. The lease is twice the time of a request: one to leave, one to be
// answered.
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
	if d.doubtful() {
		return false
	}
	n, free := d.allowance()
	if n == 0 {
		return free == 0
	}
	claimed := d.moment()
	// A claim that is cut off would be a message in doubt: let it finish.
	batch, err := d.queue.Claim(context.WithoutCancel(ctx), n, d.carrier.Name())
	if err != nil {
		d.opts.Log.Error("queue", "error", err)
	}
	d.mu.Lock()
	d.busy += len(batch)
	d.bucket.giveBack(n - len(batch))
	if len(batch) > 0 {
		d.breaker.probe()
	}
	d.mu.Unlock()
	for _, one := range batch {
		d.flight.Go(func() { d.deliver(context.WithoutCancel(ctx), one, claimed) })
	}
	return len(batch) == free
}

// allowance tells how many messages may leave now, and how many workers are free.
func (d *Daemon) allowance() (n, free int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.steady()
	free = d.opts.Workers - d.busy
	if n = d.breaker.allows(now, free); n > 0 {
		n = d.bucket.take(now, n)
	}
	return n, free
}

// moment is a time by both clocks.
type moment struct {
	wall   time.Time
	steady time.Duration
}

func (d *Daemon) moment() moment {
	wall, steady := d.opts.Clock()
	return moment{wall.Round(0), steady}
}

// late tells whether a claim is so old that others may have found out already that
// its message never left: this process, or the whole machine, stood still.
func (d *Daemon) late(claimed moment) bool {
	now := d.moment()
	return max(now.wall.Sub(claimed.wall), now.steady-claimed.steady) > d.opts.Timeout
}

func (d *Daemon) deliver(ctx context.Context, one Delivery, claimed moment) {
	if d.late(claimed) {
		d.opts.Log.Warn("too late to leave", "message", one.ID, "attempt", one.Attempt)
		d.mu.Lock()
		d.breaker.unsent()
		d.mu.Unlock()
		d.results <- Result{Delivery: one, Err: &Refusal{Code: "too-late", Class: ClassBusy}}
		return
	}
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
		d.breaker.busy(d.steady(), refusal.Wait)
	case refused && refusal.Class == ClassDown:
		d.breaker.down(d.steady(), refusal.Wait)
	case refused && refusal.Class == ClassSetup:
		d.breaker.down(d.steady(), longestRest)
		d.opts.Log.Error("channel rests: account or sender is not set up", "code", refusal.Code)
	case r.Err == nil || refused:
		d.breaker.answered(d.steady())
	default:
		d.breaker.silent(d.steady())
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
