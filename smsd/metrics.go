package main

import (
	"context"
	"time"

	"consigne/internal/service"
	"consigne/smsd/queue"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what happens. Labels bear states, codes and classes only.
type metrics struct {
	registry *prometheus.Registry
	events   *prometheus.CounterVec
	calls    *prometheus.CounterVec
	took     prometheus.Histogram
}

func newMetrics(q *queue.Queue) *metrics {
	m := &metrics{
		registry: service.NewMetrics(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "consigne_smsd_events_total", Help: "What happened to messages: attempts, questions to the carrier, expiries, recoveries.",
		}, []string{"event", "result"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "consigne_smsd_webhooks_total", Help: "Calls of the carrier.",
		}, []string{"webhook", "result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "consigne_smsd_attempt_seconds", Help: "Time the carrier took to answer a request.",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 10},
		}),
	}
	m.registry.MustRegister(m.events, m.calls, m.took, openMessages{q})
	return m
}

func (m *metrics) event(e queue.Event) {
	m.events.WithLabelValues(e.What, e.Result).Add(float64(e.Count))
	if e.What == "attempt" {
		m.took.Observe(e.Took.Seconds())
	}
}

func (m *metrics) call(what, result string) { m.calls.WithLabelValues(what, result).Inc() }

// openMessages tells, when asked, how many messages are in each state that is
// not final, and how late the queue is.
type openMessages struct{ queue *queue.Queue }

var (
	openDesc = prometheus.NewDesc("consigne_smsd_open_messages", "Messages that are not final.", []string{"state"}, nil)
	lateDesc = prometheus.NewDesc("consigne_smsd_late_seconds", "How long the most overdue planned message has been due.", nil, nil)
)

// Describe is part of prometheus.Collector.
func (openMessages) Describe(out chan<- *prometheus.Desc) { out <- openDesc; out <- lateDesc }

// Collect is part of prometheus.Collector.
func (o openMessages) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	counts, late, err := o.queue.Open(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(openDesc, err)
		return
	}
	for state, n := range counts {
		out <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, float64(n), string(state))
	}
	out <- prometheus.MustNewConstMetric(lateDesc, prometheus.GaugeValue, late.Seconds())
}
