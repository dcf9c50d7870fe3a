package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"consigne/internal/database"
	"consigne/internal/service"
	"consigne/locales"
	"consigne/smsd/queue"
)

// watched is a carrier whose deliveries are counted, in segments and by how late
// they are.
type watched struct {
	queue.Carrier
	metrics *metrics
	db      *database.DB

	mu     sync.Mutex
	looked time.Time
}

var _ queue.Carrier = (*watched)(nil)

// watch has a carrier watched.
func (m *metrics) watch(c queue.Carrier, db *database.DB) queue.Carrier {
	return &watched{Carrier: c, metrics: m, db: db}
}

// Deliver is part of queue.Carrier.
func (w *watched) Deliver(ctx context.Context, d queue.Delivery) (queue.Receipt, error) {
	w.lateness(ctx, d)
	receipt, err := w.Carrier.Deliver(ctx, d)
	if _, refused := errors.AsType[*queue.Refusal](err); refused {
		return receipt, err
	}
	result := "accepted"
	if err != nil {
		result = "unknown"
	}
	_, _, segments := locales.Segments(d.Text)
	w.metrics.segments.WithLabelValues(result).Add(float64(segments))
	if err == nil {
		w.metrics.cost.Add(float64(segments) * float64(w.metrics.price))
	}
	return receipt, err
}

// looksApart keeps the reading of due times out of a busy queue's way.
const looksApart = 10 * time.Millisecond

// lateness measures how long after its time a message leaves for the first time,
// where the last measure was not just now.
func (w *watched) lateness(ctx context.Context, d queue.Delivery) {
	now := service.Now()
	w.mu.Lock()
	look := d.Attempt == 1 && now.Sub(w.looked).Abs() >= looksApart
	if look {
		w.looked = now
	}
	w.mu.Unlock()
	if !look {
		return
	}
	all, err := queue.States(ctx, w.db.Read(), []string{d.ID})
	if s, ok := all[d.ID]; err == nil && ok {
		w.metrics.late.Observe(max(0, now.Sub(s.Due).Seconds()))
	}
}

// price is what a segment costs, in cents of a euro.
type price float64

var errPrice = errors.New("not a number of cents from 0 to 1000")

// String is part of flag.Value.
func (p *price) String() string { return strconv.FormatFloat(float64(*p), 'f', -1, 64) }

// Set is part of flag.Value.
func (p *price) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= 1000) { // NaN is neither
		return errPrice
	}
	*p = price(v)
	return nil
}
