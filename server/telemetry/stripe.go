package telemetry

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/nestpayments/nestpayments/stripeclient"
)

// breakerStates are those of the breakers in stripeclient.Call; the first is that of
// a Stripe that works.
var breakerStates = []string{"closed", "half-open", "open"}

// setBreaker sets the state of the breaker for the calls of payers or of the
// background.
func (t *Telemetry) setBreaker(caller, present string) {
	for _, state := range breakerStates {
		value := 0.0
		if state == present {
			value = 1
		}
		t.breaker.WithLabelValues(caller, state).Set(value)
	}
}

// StripeCall takes a finished call to Stripe. It is for stripeclient.Config.Observe.
func (t *Telemetry) StripeCall(ctx context.Context, c stripeclient.Call) {
	name := strings.ReplaceAll(c.Op, " ", "_")
	t.stripe.WithLabelValues(name, c.Outcome).Observe(c.Duration.Seconds())
	t.attempts.WithLabelValues(name).Add(float64(c.Attempts))
	t.setBreaker("payers", c.PayerBreaker)
	t.setBreaker("background", c.BackgroundBreaker)
	workOf(ctx).addStripe(c.RequestID)
	if !within(ctx) {
		return
	}
	ended := time.Now()
	_, span := t.tracer.Start(ctx, "stripe "+c.Op, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(ended.Add(-c.Duration)),
		trace.WithAttributes(
			attribute.String("outcome", c.Outcome),
			attribute.Int("attempts", c.Attempts),
			attribute.String("stripe.request_id", c.RequestID),
		))
	if c.Outcome != "ok" {
		span.SetStatus(codes.Error, c.Outcome)
	}
	span.End(trace.WithTimestamp(ended))
}
