package payments_test

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// asked returns the calls that do makes, in order, those to Stripe by their route.
func (w *world) asked(do func()) []string {
	before := len(w.calls)
	do()
	var names []string
	for _, c := range w.calls[before:] {
		if method, path, ok := strings.Cut(c.name, " /v1/"); ok {
			parts := strings.Split(path, "/")
			if len(parts) > 1 {
				parts[1] = "*"
			}
			c.name = method + " " + strings.Join(parts, "/")
		}
		names = append(names, c.name)
	}
	return names
}

// TestWhatAPaymentCosts holds every flow to the calls that it cannot do without.
// Beside them the server reads the caller for each request of a client.
func TestWhatAPaymentCosts(t *testing.T) {
	t.Parallel()
	create := func(w *world, u *user, cuid string) {
		_, err := w.createOnce(u, cuid)
		w.must(err)
	}
	event := func(w *world, kind, intentID string) {
		w.must(w.running().service.Handle(context.Background(), &stripeclient.Event{ID: "evt_1", Type: kind, ObjectID: intentID}))
	}
	tests := []struct {
		name    string
		prepare func(w *world) (do func())
		want    []string
	}{
		{"the first create of a user", func(w *world) func() {
			u := w.register()
			return func() { create(w, u, "cuid") }
		}, []string{
			"InsertPayment", "UpdateUser", "POST customers", "UpdateUser", "UpdatePayment",
			"POST payment_intents", "UpdatePayment",
		}},
		{"a further create", func(w *world) func() {
			u, _ := paying(w)
			return func() { create(w, u, "further") }
		}, []string{"InsertPayment", "POST payment_intents", "UpdatePayment"}},
		{"a create again", func(w *world) func() {
			u, _ := paying(w)
			return func() { create(w, u, "cuid") }
		}, []string{"InsertPayment", "PaymentByCUID", "GET payment_intents/*"}},
		{"a confirm", func(w *world) func() {
			u, id := paying(w)
			return func() { w.pay(u, id, goodCard, "succeeded") }
		}, []string{"PaymentByIntent", "POST payment_intents/*/confirm", "UpdatePayment"}},
		{"a confirm again", func(w *world) func() {
			u, id := paying(w)
			w.pay(u, id, goodCard, "succeeded")
			return func() { w.pay(u, id, goodCard, "succeeded") }
		}, []string{"PaymentByIntent"}},
		{"a decline", func(w *world) func() {
			u, id := paying(w)
			return func() { w.decline(u, id, decliningCard) }
		}, []string{"PaymentByIntent", "POST payment_intents/*/confirm", "UpdatePayment"}},
		{"a confirm whose webhook is faster", func(w *world) func() {
			u, id := paying(w)
			hook := func(ctx context.Context) {
				w.webhook(ctx, sandbox.Event{Type: "payment_intent.succeeded"}, id)
			}
			calls := 0
			confirmFirst := func(int) int { // until it has its answer
				calls++
				return min(calls/3, 1)
			}
			return func() { w.together(confirmFirst, w.confirming(u, id, goodCard), hook) }
		}, []string{
			"PaymentByIntent", "POST payment_intents/*/confirm",
			"PaymentByIntent", "GET payment_intents/*", "UpdatePayment", // the webhook's
			"UpdatePayment", "PaymentByCUID",
		}},
		{"the event of its making", func(w *world) func() {
			_, id := paying(w)
			return func() { event(w, "payment_intent.created", id) }
		}, []string{"PaymentByIntent"}},
		{"the event of its making, before its intent is stored", func(w *world) func() {
			w.loseIntent(w.register(), "lost")
			return func() { event(w, "payment_intent.created", w.box.Intents()[0].ID) }
		}, []string{"PaymentByIntent", "GET payment_intents/*", "PaymentByCUID", "UpdatePayment"}},
		{"the event of its success", func(w *world) func() {
			u, id := paying(w)
			w.pay(u, id, goodCard, "succeeded")
			return func() { event(w, "payment_intent.succeeded", id) }
		}, []string{"PaymentByIntent"}},
		{"the event of a success that was not known", func(w *world) func() {
			u, id := paying(w)
			w.pay(u, id, sandbox.DebitToken, "processing")
			w.must(w.box.Settle(id, true))
			return func() { event(w, "payment_intent.succeeded", id) }
		}, []string{"PaymentByIntent", "GET payment_intents/*", "UpdatePayment"}},
		{"a round over both events of a payment", func(w *world) func() {
			u, id := paying(w)
			w.pay(u, id, goodCard, "succeeded")
			return func() { w.must(w.round(payments.Round{Events: 2})) }
		}, []string{"AcquireLease", "GET events", "PaymentByIntent", "SaveCursor", "PaymentsToCheck", "UsersToSync"}},
		{"a round over three events of a payment that is open", func(w *world) func() {
			_, id := paying(w)
			w.stripe("POST", "/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {challengeCard}})
			w.must(w.box.Challenge(id, false))
			return func() { w.must(w.round(payments.Round{Events: 3})) }
		}, []string{
			"AcquireLease", "GET events", "PaymentByIntent", "GET payment_intents/*", "UpdatePayment", "SaveCursor",
			"PaymentsToCheck", "UsersToSync",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				do := tt.prepare(w)
				if got := w.asked(do); !slices.Equal(got, tt.want) {
					t.Errorf("asked for\n%q, want\n%q", got, tt.want)
				}
				w.converge()
				w.verify()
			})
		})
	}
}

// TestWhatARequestThatCannotSucceedCosts bounds the calls to Stripe of one request,
// or of one item of a round, for which every attempt fails or every race is lost.
func TestWhatARequestThatCannotSucceedCosts(t *testing.T) {
	t.Parallel()
	saved := failure{mode: refusal, answer: answer{status: 500, kind: "api_error", replayed: true}}
	stale := failure{mode: stale}
	always := func(w *world, name string, f failure) {
		w.strike = func(c call) *failure {
			if strings.HasPrefix(c.name, name) {
				return &f
			}
			return nil
		}
	}
	tests := []struct {
		name    string
		prepare func(w *world) (do func())
		want    map[string]int
	}{
		{"a confirm while another card is authenticated", func(w *world) func() {
			u, id := paying(w)
			w.pay(u, id, challengeCard, "requires_action")
			w.oneCardAtATime = true
			return func() { _, _ = w.confirmOnce(u, id, goodCard) }
		}, map[string]int{"POST payment_intents/*/confirm": 1, "GET payment_intents/*": 1}},
		{"a confirm whose keys are all saved failures", func(w *world) func() {
			u, id := paying(w)
			always(w, confirmRoute, saved)
			return func() { _, _ = w.confirmOnce(u, id, goodCard) }
		}, map[string]int{"POST payment_intents/*/confirm": 3, "GET payment_intents/*": 3}},
		{"a confirm that loses every race", func(w *world) func() {
			u, id := paying(w)
			always(w, "UpdatePayment", stale)
			return func() { _, _ = w.confirmOnce(u, id, goodCard) }
		}, map[string]int{"POST payment_intents/*/confirm": 1, "GET payment_intents/*": 3}},
		{"a create whose keys are all saved failures", func(w *world) func() {
			u, _ := paying(w)
			always(w, "POST /v1/payment_intents", saved)
			return func() { _, _ = w.createOnce(u, "further") }
		}, map[string]int{"POST payment_intents": 3, "GET payment_intents": 3}},
		{"a create whose customer is always gone", func(w *world) func() {
			u, _ := paying(w)
			w.strike = func(c call) *failure {
				if c.name == "POST /v1/payment_intents" {
					w.mu.Unlock()
					w.deleteCustomer(u)
					w.mu.Lock()
				}
				return nil
			}
			return func() { _, _ = w.createOnce(u, "further") }
		}, map[string]int{"POST payment_intents": 3, "POST customers": 3}},
		{"a first create whose customer's keys are all saved failures", func(w *world) func() {
			u := w.register()
			always(w, "POST /v1/customers", saved)
			return func() { _, _ = w.createOnce(u, "cuid") }
		}, map[string]int{"POST customers": 3, "GET customers": 3}},
		{"a first create whose name and address are refused", func(w *world) func() {
			u := w.register()
			always(w, "POST /v1/customers", failure{mode: refusal, answer: answer{
				status: 400, kind: invalidRequest, code: "email_invalid", param: "email"}})
			return func() { _, _ = w.createOnce(u, "cuid") }
		}, map[string]int{"POST customers": 2}},
		{"a webhook that loses every race", func(w *world) func() {
			_, id := paying(w)
			w.stripe("POST", "/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {goodCard}})
			always(w, "UpdatePayment", stale)
			return func() {
				event := &stripeclient.Event{ID: "evt_1", Type: "payment_intent.succeeded", ObjectID: id}
				if err := w.running().service.Handle(context.Background(), event); err == nil {
					w.fatalf("the webhook is handled")
				}
			}
		}, map[string]int{"GET payment_intents/*": 4}},
		{"a change of name that loses every race", func(w *world) func() {
			u, _ := paying(w)
			w.must(w.round(payments.Round{Events: 1}))
			w.rename(u)
			always(w, "UpdateUser", stale)
			return func() { _, _ = w.reconcile(context.Background()) }
		}, map[string]int{"GET events": 1, "POST customers/*": 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				do := tt.prepare(w)
				if got := stripeCalls(w.asked(do)); !maps.Equal(got, tt.want) {
					t.Errorf("asked Stripe for %v, want %v", got, tt.want)
				}
				time.Sleep(time.Minute)
				w.converge()
				w.verify()
			})
		})
	}
}
