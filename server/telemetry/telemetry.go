package telemetry

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Config is where measurements go. The zero value sends them nowhere.
type Config struct {
	// Metrics takes the metrics. nil means nothing does.
	Metrics prometheus.Registerer
	// Traces takes the spans. nil means nothing does.
	Traces trace.TracerProvider
}

// Telemetry takes measurements. It is safe for concurrent use.
type Telemetry struct {
	traces   bool
	tracer   trace.Tracer
	requests *prometheus.HistogramVec
	problems *prometheus.CounterVec
	inFlight prometheus.Gauge
	stripe   *prometheus.HistogramVec
	attempts *prometheus.CounterVec
	breaker  *prometheus.GaugeVec
	store    *prometheus.HistogramVec
	registry prometheus.Registerer
}

// New registers the metrics. It fails if another Telemetry has registered there.
func New(c Config) (*Telemetry, error) {
	traces := c.Traces != nil
	if !traces {
		c.Traces = noop.NewTracerProvider()
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	t := &Telemetry{
		traces:   traces,
		tracer:   c.Traces.Tracer("github.com/nestpayments/nestpayments"),
		registry: c.Metrics,
		requests: histogram("request_duration_seconds", "Time to answer a request, by operationId (none: not of the API) and status.", "operation", "status"),
		problems: counter("problems_total", "Problems answered, by operationId and code. What is throttled has rate_limited, too_many_requests or overloaded.", "operation", "code"),
		inFlight: gauge("requests_in_flight", "Requests being answered."),
		stripe:   histogram("stripe_call_duration_seconds", "Time of a call to Stripe, waits and further attempts included, by call and outcome.", "call", "outcome"),
		attempts: counter("stripe_attempts_total", "HTTP requests sent to Stripe, by call.", "call"),
		breaker: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Name: "stripe_breaker", Help: "1 for the state that the circuit breaker towards Stripe was in after the last call, by whose calls it stops: payers or background.",
		}, []string{"caller", "state"}),
		store: histogram("store_call_duration_seconds", "Time of a call to the database, by call and outcome.", "call", "outcome"),
	}
	for _, caller := range []string{"payers", "background"} {
		t.setBreaker(caller, breakerStates[0])
	}
	return t, t.Register(t.requests, t.problems, t.inFlight, t.stripe, t.attempts, t.breaker, t.store)
}

const namespace = "nestpayments"

// buckets, in seconds: from a cached read to the deadline of a request.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}

// Register adds collectors of others to the same place.
func (t *Telemetry) Register(all ...prometheus.Collector) error {
	var faults []error
	for _, c := range all {
		faults = append(faults, t.registry.Register(c))
	}
	return errors.Join(faults...)
}

// Gauge registers a value that is read when metrics are collected.
func (t *Telemetry) Gauge(name, help string, read func() float64) error {
	return t.registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, read))
}

// Answer is how one request came out.
type Answer struct {
	// OperationID is of the spec; "" for what the spec does not know.
	OperationID string
	Status      int
	// Code is that of the problem; "" for a success.
	Code string
	Took time.Duration
}

// Begin notes a request under way.
func (t *Telemetry) Begin() { t.inFlight.Inc() }

// End notes how it came out.
func (t *Telemetry) End(a Answer) {
	t.inFlight.Dec()
	if a.OperationID == "" {
		a.OperationID = "none"
	}
	t.requests.WithLabelValues(a.OperationID, strconv.Itoa(a.Status)).Observe(a.Took.Seconds())
	if a.Code != "" {
		t.problems.WithLabelValues(a.OperationID, a.Code).Inc()
	}
}

// Traces tells whether anything takes the spans.
func (t *Telemetry) Traces() bool { return t.traces }

// Tracer makes spans.
func (t *Telemetry) Tracer() trace.Tracer { return t.tracer }

// within tells whether ctx is of a span that records.
func within(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }
