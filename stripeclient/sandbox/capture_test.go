package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestCapture(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.intentIn(stripe.PaymentIntentStatusRequiresCapture)
	if in.AmountCapturable != 2000 || in.AmountReceived != 0 {
		t.Errorf("got capturable %d, received %d; want 2000, 0", in.AmountCapturable, in.AmountReceived)
	}
	capture := func(amount int64) error {
		_, err := b.api.PaymentIntents.Capture(in.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: &amount})
		return err
	}
	for amount, want := range map[int64]struct {
		code  stripe.ErrorCode
		param string
	}{2001: {"amount_too_large", ""}, 0: {"parameter_invalid_integer", "amount"}, -1: {"", "amount_to_capture"}} {
		e := wantError(t, capture(amount), 400, stripe.ErrorTypeInvalidRequest, want.code, want.param)
		if e.PaymentIntent == nil || e.PaymentIntent.Status != stripe.PaymentIntentStatusRequiresCapture {
			t.Errorf("capturing %d: got intent %v in the error, want it in requires_capture", amount, e.PaymentIntent)
		}
	}
	before := len(b.sandbox.Events())
	got, err := b.api.PaymentIntents.Capture(in.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1500)})
	if err != nil || got.Status != stripe.PaymentIntentStatusSucceeded || got.AmountReceived != 1500 || got.AmountCapturable != 0 {
		t.Fatalf("got %v, %v; want succeeded with 1500", got, err)
	}
	if events, want := b.eventTypes(before), []string{"charge.captured", "payment_intent.succeeded"}; !slices.Equal(events, want) {
		t.Errorf("got events %v, want %v", events, want)
	}
	charge, err := b.api.Charges.Get(got.LatestCharge.ID, nil)
	if err != nil || charge.AmountCaptured != 1500 || charge.AmountRefunded != 500 || !charge.Captured {
		t.Errorf("got %v, %v; want 1500 captured and the rest released", charge, err)
	}
	e := wantError(t, capture(500), 400, stripe.ErrorTypeInvalidRequest, "payment_intent_unexpected_state", "")
	if !strings.Contains(e.Msg, "has been released") {
		t.Errorf("got %q for the rest, want that it has been released", e.Msg)
	}
}

func TestCancelReleasesWhatWasHeld(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.intentIn(stripe.PaymentIntentStatusRequiresCapture)
	got, err := b.api.PaymentIntents.Cancel(in.ID, &stripe.PaymentIntentCancelParams{CancellationReason: stripe.String("abandoned")})
	if err != nil || got.Status != stripe.PaymentIntentStatusCanceled || got.CanceledAt == 0 || got.CancellationReason != "abandoned" {
		t.Fatalf("got %v, %v; want canceled as abandoned", got, err)
	}
	if charge, err := b.api.Charges.Get(got.LatestCharge.ID, nil); err != nil || !charge.Refunded || charge.Captured {
		t.Errorf("got %v, %v; want a refunded charge that was not captured", charge, err)
	}
}
