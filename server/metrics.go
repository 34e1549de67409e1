package server

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/nestpayments/nestpayments/server/auth"
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
		t.Gauge("reconciler_lag_seconds",
			"Time since this replica last saw that nothing was left to reconcile, or that another replica does the work.",
			func() float64 { return s.reconciler.Lag().Seconds() }),
		t.Gauge("password_hashes_running", "Password hashes being computed.",
			func() float64 { return float64(hasher.Stats().Running) }),
		t.Gauge("password_hashes_waiting", "Callers that wait for their password hash.",
			func() float64 { return float64(hasher.Stats().Waiting) }),
		t.Gauge("password_hashes_queue", "How many may wait; who comes then is answered 503.",
			func() float64 { return float64(hasher.Stats().Queue) }),
	)
}
