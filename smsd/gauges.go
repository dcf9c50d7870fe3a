package main

import (
	"context"
	"time"

	"consigne/smsd/queue"

	"github.com/prometheus/client_golang/prometheus"
)

// gauges tells, when asked, what stands in the store: how many messages are in
// each state that is not final, how late the queue is, for how long the oldest
// held message has waited, how many numbers want nothing or do not answer.
type gauges struct{ queue *queue.Queue }

var (
	openDesc    = prometheus.NewDesc("consigne_smsd_open_messages", "Messages that are not final.", []string{"state"}, nil)
	lateDesc    = prometheus.NewDesc("consigne_smsd_late_seconds", "How long the most overdue planned message has been due.", nil, nil)
	heldDesc    = prometheus.NewDesc("consigne_smsd_held_seconds", "How long the oldest held message has waited for somebody at a desk.", nil, nil)
	optOutsDesc = prometheus.NewDesc("consigne_smsd_opt_outs", "Numbers that want no messages.", nil, nil)
	unwellDesc  = prometheus.NewDesc("consigne_smsd_unwell_numbers", "Numbers that failed for good, or that are somebody else's.", []string{"why"}, nil)
)

// Describe is part of prometheus.Collector.
func (gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openDesc, lateDesc, heldDesc, optOutsDesc, unwellDesc} {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, part := range []struct {
		desc    *prometheus.Desc
		collect func(context.Context, chan<- prometheus.Metric) error
	}{{openDesc, g.messages}, {optOutsDesc, g.numbers}} {
		if err := part.collect(ctx, out); err != nil {
			out <- prometheus.NewInvalidMetric(part.desc, err)
		}
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (g gauges) messages(ctx context.Context, out chan<- prometheus.Metric) error {
	counts, late, err := g.queue.Open(ctx)
	if err != nil {
		return err
	}
	var held time.Duration
	if counts[queue.Held] > 0 {
		if held, err = g.queue.HeldFor(ctx); err != nil {
			return err
		}
	}
	for _, state := range queue.AllStates {
		if !state.Final() {
			gauge(out, openDesc, float64(counts[state]), string(state))
		}
	}
	gauge(out, lateDesc, late.Seconds())
	gauge(out, heldDesc, held.Seconds())
	return nil
}

func (g gauges) numbers(ctx context.Context, out chan<- prometheus.Metric) error {
	optOuts, err := g.queue.OptOuts(ctx)
	if err != nil {
		return err
	}
	unwell, err := g.queue.Unwell(ctx)
	if err != nil {
		return err
	}
	gauge(out, optOutsDesc, float64(optOuts))
	for _, why := range []queue.Health{queue.Dead, queue.NotMe} {
		gauge(out, unwellDesc, float64(unwell[why]), string(why))
	}
	return nil
}
