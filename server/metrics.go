package server

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// exposeMetrics registers what the server measures of itself.
func (s *Server) exposeMetrics(registry prometheus.Registerer) error {
	if registry == nil {
		return nil
	}
	return errors.Join(
		registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "nestpayments_reconciler_lag_seconds",
			Help: "Time since this replica last saw that nothing was left to reconcile, or that another replica does the work.",
		}, func() float64 { return s.reconciler.Lag().Seconds() })),
	)
}
