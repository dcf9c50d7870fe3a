package main

import (
	"consigne/internal/service"
	"consigne/smsd/queue"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what happens. Labels bear states, codes and classes only.
type metrics struct {
	registry *prometheus.Registry
	events   *prometheus.CounterVec
	calls    *prometheus.CounterVec
	called   *prometheus.GaugeVec
	took     prometheus.Histogram
	late     prometheus.Histogram
	segments *prometheus.CounterVec
	cost     prometheus.Counter
	price    price
}

func newMetrics(q *queue.Queue, p price) *metrics {
	m := &metrics{
		registry: service.NewMetrics(),
		price:    p,
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "consigne_smsd_events_total", Help: "What happened to messages: attempts, questions to the carrier, expiries, recoveries.",
		}, []string{"event", "result"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "consigne_smsd_webhooks_total", Help: "Calls of the carrier.",
		}, []string{"webhook", "result"}),
		called: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "consigne_smsd_webhook_last_seconds", Help: "When the carrier's last signed call came, in Unix time; 0 before the first.",
		}, []string{"webhook"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "consigne_smsd_attempt_seconds", Help: "Time the carrier took to answer a request.",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 10},
		}),
		late: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "consigne_smsd_lateness_seconds", Help: "How long after its time a message left first; at most a hundred messages a second are looked at.",
			Buckets: []float64{.3, 1, 3, 10, 60, 300, 900, 3600, 6 * 3600},
		}),
		segments: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "consigne_smsd_segments_total", Help: "Segments handed to the carrier: accepted ones, and unknown ones that it may have taken.",
		}, []string{"result"}),
		cost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "consigne_smsd_cost_cents_total", Help: "What the accepted segments cost at the price that was set, in cents of a euro; without unknown ones, of which some cost, too.",
		}),
	}
	m.registry.MustRegister(m.events, m.calls, m.called, m.took, m.late, m.segments, gauges{q})
	if p > 0 {
		m.registry.MustRegister(m.cost)
	}
	// What alerts look for must be there before it happens first.
	for _, webhook := range []string{"status", "inbound"} {
		m.calls.WithLabelValues(webhook, "refused")
		m.called.WithLabelValues(webhook)
	}
	for _, result := range []string{"accepted", "unknown", "refused-setup"} {
		m.events.WithLabelValues("attempt", result)
	}
	for _, result := range []string{"accepted", "unknown"} {
		m.segments.WithLabelValues(result)
	}
	return m
}

func (m *metrics) event(e queue.Event) {
	m.events.WithLabelValues(e.What, e.Result).Add(float64(e.Count))
	if e.What == "attempt" {
		m.took.Observe(e.Took.Seconds())
	}
}

func (m *metrics) call(what, result string) {
	m.calls.WithLabelValues(what, result).Inc()
	if result != "refused" && result != "check" {
		m.called.WithLabelValues(what).Set(float64(service.Now().Unix()))
	}
}
