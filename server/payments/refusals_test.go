package payments_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

const invalidRequest = "invalid_request_error"

// refuse lets Stripe answer every call whose name begins so.
func (w *world) refuse(name string, a answer) {
	w.strike = func(c call) *failure {
		if c.stripe && strings.HasPrefix(c.name, name) {
			return &failure{mode: refusal, answer: a}
		}
		return nil
	}
}

// stripeCalls counts the calls to Stripe among those of asked.
func stripeCalls(names []string) map[string]int {
	n := map[string]int{}
	for _, name := range names {
		if strings.Contains(name, " ") {
			n[name]++
		}
	}
	return n
}

// What Stripe answers to a confirmation, and what the client gets. An answer
// without an error of the table is *stripeclient.Error: 502 for the operator, or
// 503 to send the request again.
func TestWhatARefusedConfirmationMeans(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		with answer
		want error
		kind stripeclient.Kind // if want is nil
	}{
		{"payment method unknown", answer{status: 400, kind: invalidRequest, code: "resource_missing", param: "payment_method"}, payments.ErrPaymentMethodUnusable, 0},
		{"payment method used up", answer{status: 400, kind: invalidRequest}, payments.ErrPaymentMethodUnusable, 0},
		{"payment method of another customer", answer{status: 400, kind: invalidRequest, param: "payment_method"}, payments.ErrPaymentMethodUnusable, 0},
		{"customer unknown", answer{status: 400, kind: invalidRequest, code: "resource_missing", param: "customer"}, payments.ErrNotConfirmable, 0},
		{"intent unknown", answer{status: 404, kind: invalidRequest, code: "resource_missing", param: "intent"}, payments.ErrOtherAccount, 0},
		{"test charges only", answer{status: 400, kind: invalidRequest, code: "testmode_charges_only"}, nil, stripeclient.KindAccount},
		{"account closed", answer{status: 400, kind: invalidRequest, code: "account_closed"}, nil, stripeclient.KindAccount},
		{"country unsupported", answer{status: 400, kind: invalidRequest, code: "country_unsupported"}, nil, stripeclient.KindAccount},
		{"key expired", answer{status: 401, kind: invalidRequest, code: "platform_api_key_expired"}, nil, stripeclient.KindRefused},
		{"key without the right", answer{status: 403, kind: invalidRequest}, nil, stripeclient.KindRefused},
		{"amount too small", answer{status: 400, kind: invalidRequest, code: "amount_too_small", param: "amount"}, nil, stripeclient.KindInvalid},
		{"parameter unknown", answer{status: 400, kind: invalidRequest, code: "parameter_unknown", param: "x"}, nil, stripeclient.KindInvalid},
		{"too many calls", answer{status: 429, kind: invalidRequest, code: "rate_limit"}, nil, stripeclient.KindOverloaded},
		{"too many confirmations of the intent", answer{status: 429, kind: invalidRequest, code: "payment_intent_rate_limit_exceeded"}, nil, stripeclient.KindOverloaded},
		{"server error", answer{status: 500, kind: "api_error"}, nil, stripeclient.KindUnknown},
		{"unexpected state, though the state allows it", answer{status: 400, kind: invalidRequest, code: "payment_intent_unexpected_state"}, nil, stripeclient.KindUnexpectedState},
		{"key used with other parameters, each time", answer{status: 400, kind: "idempotency_error"}, store.ErrStale, 0},
		{"a saved refusal, each time", answer{status: 400, kind: invalidRequest, code: "testmode_charges_only", replayed: true}, store.ErrStale, 0},
		{"a saved server error, each time", answer{status: 500, kind: "api_error", replayed: true}, nil, stripeclient.KindUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				u, id := paying(w)
				w.refuse(confirmRoute+id+"/confirm", tt.with)
				var err error
				n := stripeCalls(w.asked(func() { _, err = w.confirmOnce(u, id, goodCard) }))
				if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && kindOf(err) != tt.kind {
					t.Errorf("got %v (kind %v), want %v (kind %v)", err, kindOf(err), tt.want, tt.kind)
				}
				if tt.want == nil && (errors.Is(err, payments.ErrPaymentMethodUnusable) || errors.Is(err, payments.ErrNotConfirmable)) {
					t.Errorf("got %v, which blames the payment", err)
				}
				if n["POST payment_intents/*/confirm"] > 3 || n["GET payment_intents/*"] > 3 {
					t.Errorf("asked Stripe %v, want at most 3 of each", n)
				}
				// When the cause is gone, the payment can be paid.
				w.strike = nil
				time.Sleep(time.Minute)
				w.pay(u, id, goodCard, "succeeded")
			})
		})
	}
}

// Stripe refuses a confirmation because of the intent's state, whatever that is.
func TestWhatAnUnexpectedStateMeans(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(w *world, u *user, id string)
		card    string
		want    error
		status  string // if want is nil
	}{
		{"succeeded", func(w *world, _ *user, id string) {
			w.stripe("POST", "/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {goodCard}})
		}, goodCard, nil, "succeeded"},
		{"processing", func(w *world, _ *user, id string) {
			w.stripe("POST", "/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {sandbox.DebitToken}})
		}, goodCard, nil, "processing"},
		{"canceled", func(w *world, _ *user, id string) { w.cancel(id) }, goodCard, payments.ErrNotConfirmable, "canceled"},
		{"requires_action, of another card", func(w *world, u *user, id string) {
			w.pay(u, id, challengeCard, "requires_action")
		}, goodCard, payments.ErrAuthenticationPending, "requires_action"},
		{"requires_action, confirmed in the browser with another card", func(w *world, _ *user, id string) {
			w.stripe("POST", "/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {challengeCard}})
		}, goodCard, payments.ErrAuthenticationPending, "requires_action"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				u, id := paying(w)
				tt.prepare(w, u, id)
				w.refuse(confirmRoute+id+"/confirm", answer{status: 400, kind: invalidRequest, code: "payment_intent_unexpected_state", intent: id})
				for range 3 {
					var p *store.Payment
					var err error
					n := stripeCalls(w.asked(func() { p, err = w.confirmOnce(u, id, tt.card) }))
					if !errors.Is(err, tt.want) || err == nil && p.Status != tt.status {
						t.Errorf("got %+v, %v, want %s, %v", p, err, tt.status, tt.want)
					}
					if n["POST payment_intents/*/confirm"] > 1 || n["GET payment_intents/*"] > 1 {
						t.Errorf("asked Stripe %v, want at most one confirmation and one read", n)
					}
				}
				if stored, err := w.db.PaymentByIntent(t.Context(), id); err != nil || stored.Status != tt.status {
					t.Errorf("stored is %+v, %v, want %s", stored, err, tt.status)
				}
			})
		})
	}
}

// The card that the payment waits for may be sent again, also if Stripe has
// forgotten the key and refuses a second confirmation.
func TestTheCardThatIsWaitedForMayBeSentAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		method := w.stripe("GET", "/v1/payment_methods/"+challengeCard, nil)
		w.pay(u, id, method, "requires_action")
		w.refuse(confirmRoute, answer{status: 400, kind: invalidRequest, code: "payment_intent_unexpected_state", intent: id})
		if p, err := w.confirmOnce(u, id, method); err != nil || p.Status != "requires_action" {
			t.Errorf("got %+v, %v, want that it waits for this card", p, err)
		}
	})
}

// After the first authentication has failed, the second card is charged, although
// Stripe has saved its refusal.
func TestASavedRefusalEndsWithTheStateThatCausedIt(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		unexpected := answer{status: 400, kind: invalidRequest, code: "payment_intent_unexpected_state"}
		w.refuse(confirmRoute, unexpected)
		if _, err := w.confirmOnce(u, id, goodCard); !errors.Is(err, payments.ErrAuthenticationPending) {
			t.Fatalf("got %v, want that the first card is waited for", err)
		}
		w.must(w.box.Challenge(id, false))
		unexpected.replayed = true
		w.on(confirmRoute, failure{mode: refusal, answer: unexpected})
		if p, err := w.confirmOnce(u, id, goodCard); err != nil || p.Status != "succeeded" {
			t.Errorf("got %+v, %v, want that it succeeded", p, err)
		}
	})
}

// A key that Stripe knows with other parameters ends the attempt. What the key was
// used for is looked at first.
func TestAConfirmationKeyThatWasUsedForSomethingElse(t *testing.T) {
	reused := failure{mode: refusal, answer: answer{status: 400, kind: "idempotency_error"}}
	t.Run("and charged nothing", func(t *testing.T) {
		inWorld(t, func(w *world) {
			u, id := paying(w)
			w.on(confirmRoute, reused)
			var err error
			calls := w.asked(func() { _, err = w.confirmOnce(u, id, goodCard) })
			w.must(err)
			want := []string{
				"PaymentByIntent", "POST payment_intents/*/confirm", "GET payment_intents/*", "UpdatePayment",
				"POST payment_intents/*/confirm", "UpdatePayment",
			}
			if !slices.Equal(calls, want) {
				t.Errorf("asked for\n%q, want\n%q", calls, want)
			}
		})
	})
	t.Run("and charged", func(t *testing.T) {
		inWorld(t, func(w *world) {
			u, id := paying(w)
			w.stripe("POST", "/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {goodCard}})
			w.on(confirmRoute, reused)
			if p, err := w.confirmOnce(u, id, goodCard); err != nil || p.Status != "succeeded" {
				t.Errorf("got %+v, %v, want that it succeeded", p, err)
			}
			if n := len(w.box.Charges()); n != 1 {
				t.Errorf("%d charges, want 1", n)
			}
		})
	})
}

// The database was used with a key of the other mode before: Stripe has neither its
// intents nor its customers.
func TestADatabaseOfTheOtherMode(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.loseIntent(u, "unmade")
		test := w.box
		w.box = newSandbox()
		defer func() { w.must(test.Close()) }()
		if _, err := w.createOnce(u, "cuid"); !errors.Is(err, payments.ErrOtherAccount) {
			t.Errorf("create again: %v, want ErrOtherAccount", err)
		}
		if _, err := w.confirmOnce(u, id, goodCard); !errors.Is(err, payments.ErrOtherAccount) {
			t.Errorf("confirm: %v, want ErrOtherAccount", err)
		}
		time.Sleep(time.Hour)
		for range 2 {
			if round, err := w.reconcile(t.Context()); err != nil || round.Failed > 0 {
				t.Errorf("the round is %+v, %v", round, err)
			}
		}
		// The user gets a customer of this mode and pays.
		for _, cuid := range []string{"new", "unmade"} {
			p, err := w.createOnce(u, cuid)
			w.must(err)
			if paid, err := w.confirm(t.Context(), u, cuid, p.Payment.IntentID, goodCard, true); err != nil || paid.Status != "succeeded" {
				t.Errorf("pay %s: %+v, %v", cuid, paid, err)
			}
		}
	})
}
