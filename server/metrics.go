package server

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// newEventCounter counts Stripe's signed events by what became of them: handled,
// ignored as of no interest, or failed and to be sent again.
func newEventCounter() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nestpayments_webhook_events_total",
		Help: "Signed events of Stripe by result: handled, ignored or failed.",
	}, []string{"result"})
}

// exposeMetrics registers what the server measures of itself.
func (s *Server) exposeMetrics(registry prometheus.Registerer) error {
	if registry == nil {
		return nil
	}
	return errors.Join(
		registry.Register(s.events),
		registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "nestpayments_reconciler_lag_seconds",
			Help: "Time since this replica last saw that nothing was left to reconcile, or that another replica does the work.",
		}, func() float64 { return s.reconciler.Lag().Seconds() })),
	)
}
