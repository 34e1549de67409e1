package payments_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// confirmOnce pays once, as one request does.
func (w *world) confirmOnce(u *user, intentID, card string) (*store.Payment, error) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	done, err := w.running().service.Confirm(ctx, payments.Confirmation{UserID: u.id, CUID: "cuid", IntentID: intentID, PaymentMethod: card})
	if err != nil {
		return nil, err
	}
	return done.Payment, nil
}

const confirmRoute = "POST /v1/payment_intents/"

// The answer to one request whose confirmation fails on the way, and to the same
// request again.
func TestAConfirmationThatFailsOnTheWay(t *testing.T) {
	t.Parallel()
	const unknown, declined = "unknown", "declined"
	tests := []struct {
		name, card   string
		with         failure
		first, again string
		charges      int
	}{
		{"a lost reply is looked up", goodCard, failure{mode: lost, times: 3}, "succeeded", "succeeded", 1},
		{"a saved 500 after the charge is looked up", goodCard, failure{mode: fault, fault: sandbox.FaultErrorAfter}, "succeeded", "succeeded", 1},
		{"a saved 500 before the charge is followed by another attempt", goodCard, failure{mode: fault, fault: sandbox.FaultErrorBefore}, "succeeded", "succeeded", 1},
		{"no connection leaves it unknown", goodCard, failure{mode: refused, times: 3}, unknown, "succeeded", 1},
		{"a charge that comes after the time-out", goodCard, failure{mode: slow, times: 3}, unknown, "succeeded", 1},
		{"a lost decline is unknown, and told when asked again", decliningCard, failure{mode: lost, times: 3}, unknown, declined, 1},
		{"a decline whose first reply was lost", decliningCard, failure{mode: lost}, declined, declined, 2},
		{"a saved 500 after a decline is followed by another attempt", decliningCard, failure{mode: fault, fault: sandbox.FaultErrorAfter}, declined, declined, 3},
		{"a rate limit", goodCard, failure{mode: fault, fault: sandbox.FaultRateLimit}, "overloaded", "succeeded", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				u, id := paying(w)
				n := 0
				w.strike = func(c call) *failure {
					if n++; c.stripe && c.name == confirmRoute+id+"/confirm" && n <= 1+max(1, tt.with.times) {
						return &tt.with
					}
					return nil
				}
				for try, want := range []string{tt.first, tt.again} {
					p, err := w.confirmOnce(u, id, tt.card)
					got := ""
					var e *payments.DeclinedError
					switch {
					case err == nil:
						got = p.Status
					case errors.As(err, &e):
						got = declined
					default:
						got = kindOf(err).String()
					}
					if got != want {
						t.Errorf("try %d: %s (%v), want %s", try+1, got, err, want)
					}
					w.strike = nil
					time.Sleep(time.Minute)
				}
				if got := len(w.box.Charges()); got != tt.charges {
					t.Errorf("%d charges were tried, want %d: %+v", got, tt.charges, w.box.Charges())
				}
			})
		})
	}
}

func TestADeclineIsKeptWithThePayment(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.decline(u, id, decliningCard)
		p, err := w.running().service.Payment(context.Background(), u.id, id)
		w.must(err)
		if p.ErrorCode != "card_declined" || p.DeclineCode != "generic_decline" || p.ConfirmAttempt != 1 || p.Status != "requires_payment_method" {
			t.Errorf("the declined payment is %+v", p)
		}
		w.pay(u, id, goodCard, "succeeded")
		w.pay(u, id, decliningCard, "succeeded") // it is paid
	})
}

func TestWhatCannotBeConfirmed(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		stranger, theirs := paying(w)
		method := w.stripe("GET", "/v1/payment_methods/pm_card_visa", nil)
		w.stripe("POST", "/v1/payment_methods/"+method+"/attach", map[string][]string{"customer": {w.stored(stranger).CustomerID}})
		for _, tt := range []struct {
			name               string
			cuid, intent, card string
			want               error
		}{
			{"an unknown payment", "cuid", "pi_unknown", goodCard, payments.ErrNotFound},
			{"a stranger's payment", "cuid", theirs, goodCard, payments.ErrNotFound},
			{"another cuid", "other", id, goodCard, payments.ErrCUIDMismatch},
			{"an unknown payment method", "cuid", id, "pm_unknown", payments.ErrPaymentMethodUnusable},
			{"another customer's payment method", "cuid", id, method, payments.ErrPaymentMethodUnusable},
			{"what is no payment method", "cuid", id, "4242424242424242", payments.ErrPaymentMethodUnusable},
		} {
			for range 2 {
				_, err := w.confirm(context.Background(), u, tt.cuid, tt.intent, tt.card, false)
				if !errors.Is(err, tt.want) {
					t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
				}
			}
		}
		w.pay(u, id, goodCard, "succeeded")
	})
}

// A payment waits for the 3-D Secure of the card that was asked for last, even if
// Stripe has a saved answer for it from before another was tried.
func TestThreeDSecureIsOfTheLastCard(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		w.must(w.box.Challenge(id, false))
		w.pay(u, id, "pm_card_threeDSecureRequired", "requires_action")
		other := w.intentAt(id).PaymentMethod
		w.pay(u, id, challengeCard, "requires_action")
		now := w.intentAt(id).PaymentMethod
		w.pay(u, id, challengeCard, "requires_action")
		if now == other || w.intentAt(id).PaymentMethod != now {
			t.Errorf("the payment waited for %s, then %s, then %s", other, now, w.intentAt(id).PaymentMethod)
		}
	})
}

// A read after a confirmation whose reply was lost finds out what happened. If Stripe
// refuses that read, for whatever reason, the outcome is unknown: the card may have
// been charged.
func TestARefusedReadAfterTheChargeIsUnknown(t *testing.T) {
	for _, refusal := range []sandbox.FaultKind{
		sandbox.FaultRateLimit, sandbox.FaultUnauthorized, sandbox.FaultKeyExpired, sandbox.FaultTestmodeOnly,
		sandbox.FaultAccountClosed, sandbox.FaultCountryUnsupported, sandbox.FaultAmountTooSmall,
	} {
		t.Run(string(refusal), func(t *testing.T) {
			inWorld(t, func(w *world) {
				u, id := paying(w)
				n := 0
				w.strike = func(c call) *failure {
					switch n++; {
					case n == 2: // the confirmation
						return &failure{mode: lost}
					case c.name == "GET /v1/payment_intents/"+id:
						return &failure{mode: fault, fault: refusal}
					}
					return nil
				}
				if _, err := w.confirmOnce(u, id, goodCard); kindOf(err) != stripeclient.KindUnknown {
					t.Errorf("got %v, want an unknown outcome", err)
				}
				w.strike = nil
				w.pay(u, id, goodCard, "succeeded")
			})
		})
	}
}

// The time of a request may end between the charge and its record.
func TestADeadlineRightAfterTheCharge(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.on("UpdatePayment", failure{mode: hung})
		if _, err := w.confirmOnce(u, id, goodCard); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		w.strike = nil
		w.pay(u, id, goodCard, "succeeded")
		if n := len(w.box.Charges()); n != 1 {
			t.Errorf("charged %d times", n)
		}
	})
}

// Whoever keeps losing races for a payment gives up with an error that says try
// again, and the payment is none the worse.
func TestRacesThatAreAllLost(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.strike = func(c call) *failure {
			if c.name == "UpdatePayment" {
				return &failure{mode: stale}
			}
			return nil
		}
		if _, err := w.confirmOnce(u, id, goodCard); !errors.Is(err, store.ErrStale) {
			t.Errorf("got %v, want store.ErrStale", err)
		}
		w.strike = nil
		w.pay(u, id, goodCard, "succeeded")
		if n := len(w.box.Charges()); n != 1 {
			t.Errorf("charged %d times", n)
		}
	})
}
