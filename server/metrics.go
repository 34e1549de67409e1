package server

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/payments"
)

// newEventCounter counts Stripe's signed events by what became of them: handled,
// ignored as of no interest, or failed and to be sent again.
func newEventCounter() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nestpayments_webhook_events_total",
		Help: "Signed events of Stripe by result: handled, ignored or failed.",
	}, []string{"result"})
}

// exposeMetrics registers what the server knows of its own state; what it does is
// measured as it does it.
func (s *Server) exposeMetrics(hasher *auth.Hasher) error {
	t := s.telemetry
	return errors.Join(
		t.Register(s.events),
		s.exposeRefused(),
		t.Gauge("reconciler_lag_seconds",
			"Time since this replica last finished all due work, or saw another replica do it.",
			func() float64 { return s.reconciler.Lag().Seconds() }),
		t.Gauge("password_hashes_running", "Password hashes being computed.",
			func() float64 { return float64(hasher.Stats().Running) }),
		t.Gauge("password_hashes_waiting", "Callers that wait for their password hash.",
			func() float64 { return float64(hasher.Stats().Waiting) }),
		t.Gauge("password_hashes_queue", "How many may wait; who comes then is answered 503.",
			func() float64 { return float64(hasher.Stats().Queue) }),
	)
}

// exposeRefused registers the counters of what Stripe refuses to the reconciler,
// which neither fails its rounds nor makes it lag.
func (s *Server) exposeRefused() error {
	counter := func(item string, read func(payments.Refused) int) error {
		return s.telemetry.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "nestpayments_reconciler_refused_total",
			Help:        "Items of the reconciler that Stripe refuses, by kind: events are passed over, payments and customers are tried again ever later.",
			ConstLabels: prometheus.Labels{"item": item},
		}, func() float64 { return float64(read(s.reconciler.Refused())) }))
	}
	return errors.Join(
		counter("event", func(r payments.Refused) int { return r.Events }),
		counter("payment", func(r payments.Refused) int { return r.Payments }),
		counter("customer", func(r payments.Refused) int { return r.Customers }),
	)
}
