package server_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// logged returns the events that the server has logged for the operation, oldest
// first, once there are so many: a client may have its answer a moment before.
func (a *api) logged(operationID string, count int) []object {
	a.t.Helper()
	var found []object
	for end := time.Now().Add(10 * time.Second); len(found) < count; {
		if time.Now().After(end) {
			a.t.Fatalf("the log has %d events of %s, want %d", len(found), operationID, count)
		}
		found = nil
		for line := range strings.Lines(a.logs.String()) {
			var e object
			if json.Unmarshal([]byte(line), &e) == nil && e["msg"] == "request" && e["operationId"] == operationID {
				found = append(found, e)
			}
		}
	}
	return found
}

// What an operator learns of one request from its one event.
func TestOneEventTellsOfARequest(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "observed")
	a.pay(me, "observed")
	a.confirm(me, "observed", id, "pm_card_visa").want(t, 201)
	a.confirm(me, "observed", id, "pm_card_visa").want(t, 201)
	a.get("/payment/pi_ofNobody", me.token).want(t, 404)

	created, confirmed := a.logged("PaymentController_createPayment", 2), a.logged("PaymentController_confirmPayment", 2)
	notFound := a.logged("PaymentController_getPayment", 1)[0]
	for _, c := range []struct {
		what  string
		event object
		want  object
	}{
		{"a payment that is made: customer and intent", created[0], object{"status": 201.0, "replayed": false, "stripeCalls": 2.0, "paymentId": id, "userId": me.id}},
		{"the same again: Stripe is asked for the secret", created[1], object{"status": 201.0, "replayed": true, "stripeCalls": 1.0, "paymentId": id}},
		{"a confirmation: one call to Stripe", confirmed[0], object{"status": 201.0, "replayed": false, "stripeCalls": 1.0, "paymentId": id}},
		{"the same again: none", confirmed[1], object{"status": 201.0, "replayed": true, "stripeCalls": 0.0, "stripeRequestId": nil}},
		{"a problem", notFound, object{"status": 404.0, "code": "payment_not_found", "paymentId": "pi_ofNobody", "stripeCalls": 0.0, "route": "/payment/:id"}},
	} {
		for key, want := range c.want {
			if got := c.event[key]; got != want {
				t.Errorf("%s: %s is %v, want %v", c.what, key, got, want)
			}
		}
		if took, _ := c.event["durationMs"].(float64); took <= 0 {
			t.Errorf("%s: durationMs is %v", c.what, c.event["durationMs"])
		}
	}
	if got, _ := created[0]["stripeRequestId"].(string); !strings.HasPrefix(got, "req_") {
		t.Errorf("stripeRequestId is %q, want Stripe's", got)
	}
}

func TestMetricsAreByOperation(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "measured")
	a.confirm(me, "measured", id, "pm_card_visa_chargeDeclined").want(t, 402)
	a.get("/nowhere", "").want(t, 404)
	a.fault(sandbox.Fault{Match: "GET /v1/payment_intents/*", Kind: sandbox.FaultRateLimit})
	a.post("/payment", me.token, object{"cuid": "measured"}).want(t, 503)
	a.logged("PaymentController_createPayment", 2)

	for _, want := range []struct {
		metric string
		labels []string
		count  float64
	}{
		{"nestpayments_request_duration_seconds", []string{"PaymentController_createPayment", "201"}, 1},
		{"nestpayments_request_duration_seconds", []string{"PaymentController_createPayment", "503"}, 1},
		{"nestpayments_request_duration_seconds", []string{"PaymentController_confirmPayment", "402"}, 1},
		{"nestpayments_request_duration_seconds", []string{"none", "404"}, 1},
		{"nestpayments_problems_total", []string{"payment_declined", "PaymentController_confirmPayment"}, 1},
		{"nestpayments_stripe_call_duration_seconds", []string{"confirm_intent", "declined"}, 1},
		{"nestpayments_stripe_call_duration_seconds", []string{"get_intent", "overloaded"}, 1},
		{"nestpayments_store_call_duration_seconds", []string{"insert_payment", "ok"}, 1},
		{"nestpayments_requests_in_flight", nil, 0},
		{"nestpayments_password_hashes_running", nil, 0},
		{"nestpayments_password_hashes_queue", nil, 1000},
	} {
		if got := a.measured(want.metric, want.labels); got != want.count {
			t.Errorf("%s %v is %v, want %v", want.metric, want.labels, got, want.count)
		}
	}
}

// measured is the value of a series, for a histogram its count; -1 if there is none.
func (a *api) measured(metric string, labels []string) float64 {
	a.t.Helper()
	families, err := a.metrics.Gather()
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		for _, series := range f.GetMetric() {
			var values []string
			for _, l := range series.GetLabel() {
				values = append(values, l.GetValue())
			}
			if slices.Equal(values, labels) {
				return series.GetCounter().GetValue() + series.GetGauge().GetValue() + float64(series.GetHistogram().GetSampleCount())
			}
		}
	}
	return -1
}

// A request is one trace, below its caller's, with a span for each call to the
// store and to Stripe.
func TestARequestIsOneTrace(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	const caller = "4bf92f3577b34da6a3ce929d0e0e4736"
	a.send(request{method: http.MethodPost, path: "/payment", token: me.token, body: object{"cuid": "traced"},
		header: http.Header{"Traceparent": {"00-" + caller + "-00f067aa0ba902b7-01"}}}).want(t, 201)
	if got := a.logged("PaymentController_createPayment", 1)[0]["traceId"]; got != caller {
		t.Errorf("the event has the trace %v, want the caller's, %s", got, caller)
	}
	var names []string
	for _, span := range a.spans.Ended() {
		if span.SpanContext().TraceID().String() == caller {
			names = append(names, span.Name())
		}
	}
	for _, want := range []string{"store user", "store insert_payment", "stripe create customer", "stripe create intent", "PaymentController_createPayment"} {
		if !slices.Contains(names, want) {
			t.Errorf("the trace has %v, want %s among them", names, want)
		}
	}
}
