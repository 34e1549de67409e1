package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// event sends a signed event, as Stripe would.
func (a *api) event(kind, intentID string) answer {
	a.t.Helper()
	return a.signed(webhookSecret, a.clock(), object{
		"id": "evt_test", "object": "event", "type": kind, "created": a.clock().Unix(), "api_version": "2020-08-27",
		"data": object{"object": object{"id": intentID, "object": "payment_intent", "status": "succeeded"}},
	})
}

func (a *api) signed(secret string, at time.Time, body any) answer {
	a.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		a.t.Fatal(err)
	}
	p := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: text, Secret: secret, Timestamp: at})
	return a.send(request{method: "POST", path: "/webhook/stripe", body: string(text), header: http.Header{"Stripe-Signature": {p.Header}}})
}

func TestWebhookSignatures(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	e := object{"id": "evt_1", "type": "payment_intent.succeeded", "data": object{"object": object{"id": "pi_1", "object": "payment_intent"}}}
	a.signed(webhookSecret, a.clock(), e).want(t, 204)
	a.signed("whsec_another", a.clock(), e).problem(t, 400, "invalid_signature")
	a.signed(webhookSecret, a.clock().Add(-6*time.Minute), e).problem(t, 400, "invalid_signature")
	a.signed(webhookSecret, a.clock().Add(6*time.Minute), e).problem(t, 400, "invalid_signature")
	a.send(request{method: "POST", path: "/webhook/stripe", body: e}).problem(t, 400, "invalid_signature")
}

// Stripe disables an endpoint that refuses its events.
func TestWhateverStripeSignsIsAcknowledged(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	for _, body := range []any{
		object{"id": "evt_test_65R", "object": "v2.core.event", "type": "v2.core.account[requirements].updated", "created": "2026-11-28T00:00:00Z"},
		object{"id": "evt_1", "type": "payment_intent.succeeded"},
		object{"id": "evt_1", "type": "payment_intent.succeeded", "data": object{"object": object{"id": "cus_1"}}},
		object{"id": "evt_1", "type": "payment_intent.succeeded", "created": "yesterday", "data": []int{1}},
		object{"id": 1, "type": 2},
		object{}, []int{}, "text", nil, 5,
	} {
		a.signed(webhookSecret, a.clock(), body).want(t, 204)
	}
	if got := a.measured("nestpayments_webhook_events_total", []string{"ignored"}); got != 10 {
		t.Errorf("%v events are counted as ignored, want 10", got)
	}
}

// The event's own data is not believed: whatever it says, the payment gets what
// Stripe says now.
func TestEventsOutOfOrderDoNoHarm(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "events")
	a.event("payment_intent.succeeded", id).want(t, 204)
	if got := a.status(me, id); got != "requires_payment_method" {
		t.Errorf("an event that lies made the payment %s", got)
	}
	a.confirm(me, "events", id, "pm_card_visa").want(t, 201)
	for _, kind := range []string{"payment_intent.created", "payment_intent.payment_failed", "payment_intent.succeeded", "payment_intent.succeeded"} {
		a.event(kind, id).want(t, 204)
	}
	if got := a.status(me, id); got != "succeeded" {
		t.Errorf("late events made the payment %s", got)
	}
	a.event("customer.tax_id.created", id).want(t, 204)
	a.event("payment_intent.invented_tomorrow", id).want(t, 204)
	a.event("payment_intent.succeeded", "pi_ofNobody").want(t, 204)
}

func TestEventsAreCounted(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "events")
	a.event("payment_intent.created", id).want(t, 204)
	a.event("payment_intent.invented_tomorrow", id).want(t, 204)
	a.event("charge.updated", id).want(t, 204)
	a.fault(sandbox.Fault{Match: "GET /v1/payment_intents/*", Kind: sandbox.FaultRateLimit})
	a.event("payment_intent.payment_failed", id).want(t, 503)
	want := `
		# HELP nestpayments_webhook_events_total Signed events of Stripe by result: handled, ignored or failed.
		# TYPE nestpayments_webhook_events_total counter
		nestpayments_webhook_events_total{result="failed"} 1
		nestpayments_webhook_events_total{result="handled"} 2
		nestpayments_webhook_events_total{result="ignored"} 1
	`
	if err := testutil.GatherAndCompare(a.metrics, strings.NewReader(want), "nestpayments_webhook_events_total"); err != nil {
		t.Error(err)
	}
}

func TestPaymentsMadeElsewhereAreListed(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	own := a.pay(me, "own")
	customer := a.get("/user/"+me.id, me.token).text(t, "customerId")
	elsewhere := a.stripe("POST", "/v1/payment_intents", "amount=700&currency=eur&customer="+customer).text(t, "id")
	a.stripe("POST", "/v1/payment_intents", "amount=700&currency=eur") // of no customer
	eventually(t, "the payment is listed", func() bool { return len(a.get("/payment", me.token).list(t)) == 2 })
	got := a.get("/payment/"+elsewhere, me.token).want(t, 200).object(t)
	if got["amount"] != 700.0 || got["currency"] != "eur" {
		t.Errorf("the payment is %v", got)
	}
	ids := fmt.Sprint(a.get("/payment", me.token).list(t))
	if strings.Count(ids, own) != 1 || strings.Count(ids, elsewhere) != 1 {
		t.Errorf("the list is %s", ids)
	}
}

// Duplicated, reordered and failing deliveries lead to the same end.
func TestWebhookDisorder(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, kind := range []sandbox.FaultKind{sandbox.FaultWebhookDuplicate, sandbox.FaultWebhookReorder, sandbox.FaultWebhookWrongSecret, sandbox.FaultWebhookOldTimestamp} {
		cuid := string(kind)
		a.fault(sandbox.Fault{Match: "payment_intent.*", Kind: kind, Times: 2, Delay: 10 * time.Millisecond})
		id := a.pay(me, cuid)
		a.confirm(me, cuid, id, "pm_card_threeDSecure2Required").want(t, 201)
		if err := a.box.Challenge(id, true); err != nil {
			t.Fatal(err)
		}
		eventually(t, cuid+": the payment succeeds", func() bool { return a.status(me, id) == "succeeded" })
		a.box.ClearFaults()
	}
}
