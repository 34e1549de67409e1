package telemetry_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/nestpayments/nestpayments/server/telemetry"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/sqlite"
	"github.com/nestpayments/nestpayments/store/storetest"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// measured is a Telemetry and what it has measured.
type measured struct {
	*telemetry.Telemetry
	registry *prometheus.Registry
	spans    *tracetest.SpanRecorder
}

func measure(t *testing.T) measured {
	t.Helper()
	m := measured{registry: prometheus.NewRegistry(), spans: tracetest.NewSpanRecorder()}
	var err error
	m.Telemetry, err = telemetry.New(telemetry.Config{
		Metrics: m.registry, Traces: trace.NewTracerProvider(trace.WithSpanProcessor(m.spans)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func open(t *testing.T) store.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// counts returns how often each series of a histogram was observed, by the values
// of its labels.
func (m measured) counts(t *testing.T, name string) map[string]uint64 {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, series := range f.GetMetric() {
			var labels []string
			for _, l := range series.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			got[strings.Join(labels, " ")] = series.GetHistogram().GetSampleCount()
		}
	}
	return got
}

func TestAnObservedStoreIsAStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return measure(t).Store(open(t)) })
}

func TestCallsToTheStoreAreMeasuredByOutcome(t *testing.T) {
	t.Parallel()
	m := measure(t)
	db := m.Store(open(t))
	u := &store.User{ID: store.NewID(time.Now()), EmailKey: "ada", CreatedAt: time.Now(), UpdatedAt: time.Now()}
	twin := *u
	twin.ID = store.NewID(time.Now())
	stale := *u
	stale.Version = 7
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, step := range []struct {
		err  error
		want error
	}{
		{db.InsertUser(t.Context(), u), nil},
		{db.InsertUser(t.Context(), &twin), store.ErrEmailTaken},
		{db.UpdateUser(t.Context(), &stale), store.ErrStale},
		{second(db.User(t.Context(), twin.ID)), store.ErrNotFound},
		{second(db.User(gone, u.ID)), context.Canceled},
	} {
		if !errors.Is(step.err, step.want) {
			t.Fatalf("got %v, want %v", step.err, step.want)
		}
	}
	got := m.counts(t, "nestpayments_store_call_duration_seconds")
	for series, want := range map[string]uint64{
		"insert_user ok": 1, "insert_user conflict": 1, "update_user stale": 1, "user not_found": 1, "user canceled": 1,
	} {
		if got[series] != want {
			t.Errorf("%s: counted %d, want %d; all: %v", series, got[series], want, got)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestCallsToStripeAreMeasured(t *testing.T) {
	t.Parallel()
	m := measure(t)
	m.StripeCall(t.Context(), stripeclient.Call{Op: "confirm intent", Outcome: "declined", Attempts: 2, PayerBreaker: "closed", BackgroundBreaker: "open", Duration: time.Second})
	m.StripeCall(t.Context(), stripeclient.Call{Op: "confirm intent", Outcome: "overloaded", PayerBreaker: "open", BackgroundBreaker: "half-open"})
	if got := m.counts(t, "nestpayments_stripe_call_duration_seconds"); got["confirm_intent declined"] != 1 || got["confirm_intent overloaded"] != 1 {
		t.Errorf("got %v, want one of each outcome", got)
	}
	want := `
		# HELP nestpayments_stripe_attempts_total HTTP requests sent to Stripe, by call.
		# TYPE nestpayments_stripe_attempts_total counter
		nestpayments_stripe_attempts_total{call="confirm_intent"} 2
		# HELP nestpayments_stripe_breaker 1 for the state that the circuit breaker towards Stripe was in after the last call, by whose calls it stops: payers or background.
		# TYPE nestpayments_stripe_breaker gauge
		nestpayments_stripe_breaker{caller="background",state="closed"} 0
		nestpayments_stripe_breaker{caller="background",state="half-open"} 1
		nestpayments_stripe_breaker{caller="background",state="open"} 0
		nestpayments_stripe_breaker{caller="payers",state="closed"} 0
		nestpayments_stripe_breaker{caller="payers",state="half-open"} 0
		nestpayments_stripe_breaker{caller="payers",state="open"} 1
	`
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), "nestpayments_stripe_attempts_total", "nestpayments_stripe_breaker"); err != nil {
		t.Error(err)
	}
}

func TestSpansOfCallsAreBelowTheRequest(t *testing.T) {
	t.Parallel()
	m := measure(t)
	db := m.Store(open(t))
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(m.spans.Ended()); n != 0 {
		t.Errorf("a call outside of a request made %d spans, want none", n)
	}
	ctx, request := m.Tracer().Start(t.Context(), "request")
	_ = second(db.User(ctx, "none"))
	m.StripeCall(ctx, stripeclient.Call{Op: "get intent", Outcome: "ok", RequestID: "req_1", Duration: time.Minute, PayerBreaker: "closed", BackgroundBreaker: "closed"})
	request.End()
	spans := m.spans.Ended()
	if len(spans) != 3 || spans[0].Name() != "store user" || spans[1].Name() != "stripe get intent" {
		t.Fatalf("got %v, want the store's, Stripe's and the request's", spans)
	}
	for _, span := range spans[:2] {
		if span.Parent().SpanID() != request.SpanContext().SpanID() {
			t.Errorf("%s is not below the request", span.Name())
		}
	}
	if took := spans[1].EndTime().Sub(spans[1].StartTime()); took != time.Minute {
		t.Errorf("Stripe's span is %v long, want that of the call: a minute", took)
	}
	if want := attribute.String("stripe.request_id", "req_1"); !contains(spans[1].Attributes(), want) {
		t.Errorf("Stripe's span has %v, want %v", spans[1].Attributes(), want)
	}
}

func contains(all []attribute.KeyValue, want attribute.KeyValue) bool {
	for _, a := range all {
		if a == want {
			return true
		}
	}
	return false
}

func TestTheWorkOfARequestIsCounted(t *testing.T) {
	t.Parallel()
	m := measure(t)
	db := m.Store(open(t))
	var w telemetry.Work
	ctx := telemetry.WithWork(t.Context(), &w)
	_ = second(db.User(ctx, "none"))
	_ = db.Ping(ctx)
	_ = db.Ping(t.Context())
	m.StripeCall(ctx, stripeclient.Call{Op: "get intent", RequestID: "req_1"})
	m.StripeCall(ctx, stripeclient.Call{Op: "get intent"})
	if storeCalls, stripeCalls, id := w.Sum(); storeCalls != 2 || stripeCalls != 2 || id != "req_1" {
		t.Errorf("got %d, %d, %q; want 2, 2, req_1", storeCalls, stripeCalls, id)
	}
}

func TestTwoCannotMeasureIntoOnePlace(t *testing.T) {
	t.Parallel()
	m := measure(t)
	if _, err := telemetry.New(telemetry.Config{Metrics: m.registry}); err == nil {
		t.Error("the second is taken, want an error")
	}
}
