package sandbox_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestTestMethodsThatPay(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, token := range []string{
		"pm_card_visa", "pm_card_visa_debit", "pm_card_mastercard", "pm_card_amex", "pm_card_discover", "pm_card_jcb",
		"pm_card_unionpay",
	} {
		t.Run(token, func(t *testing.T) {
			created := b.newIntent()
			before := len(b.sandbox.Events())
			got, err := b.api.PaymentIntents.Confirm(created.ID, with(token))
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != stripe.PaymentIntentStatusSucceeded || got.AmountReceived != 2000 || got.LatestCharge == nil {
				t.Errorf("got status %s, received %d, charge %v; want succeeded, 2000, a charge", got.Status, got.AmountReceived, got.LatestCharge)
			}
			if got.PaymentMethod == nil || got.PaymentMethod.ID == token {
				t.Errorf("got payment method %v, want a fresh one", got.PaymentMethod)
			}
			want := []string{"charge.succeeded", "payment_intent.succeeded"}
			if events := b.eventTypes(before); !slices.Equal(events, want) {
				t.Errorf("got events %v, want %v", events, want)
			}
		})
	}
}

func TestTestMethodsThatDecline(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, tt := range []struct {
		token       string
		code        stripe.ErrorCode
		declineCode stripe.DeclineCode
		param       string
		attaches    bool
	}{
		{"pm_card_chargeDeclined", "card_declined", "generic_decline", "", false},
		{"pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "", false},
		{"pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "", false},
		{"pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "", false},
		{"pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "", false},
		{"pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", "", false},
		{"pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "exp_month", false},
		{"pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "cvc", false},
		{"pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error", "", false},
		{"pm_card_chargeCustomerFail", "card_declined", "generic_decline", "", true},
		{"pm_card_radarBlock", "card_declined", "fraudulent", "", true},
	} {
		t.Run(tt.token, func(t *testing.T) {
			created := b.newIntent()
			before := len(b.sandbox.Events())
			_, err := b.api.PaymentIntents.Confirm(created.ID, with(tt.token))
			e := wantError(t, err, http.StatusPaymentRequired, stripe.ErrorTypeCard, tt.code, tt.param)
			if e.DeclineCode != tt.declineCode {
				t.Errorf("got decline code %q, want %q", e.DeclineCode, tt.declineCode)
			}
			if e.ChargeID == "" || e.DocURL == "" || e.RequestLogURL == "" || e.PaymentMethod == nil || e.Msg == "" {
				t.Errorf("got charge %q, doc_url %q, log %q, payment method %v, message %q; want all",
					e.ChargeID, e.DocURL, e.RequestLogURL, e.PaymentMethod, e.Msg)
			}
			if e.PaymentIntent == nil || e.PaymentIntent.ClientSecret != created.ClientSecret {
				t.Errorf("got intent %v, want the one that was confirmed, with its client secret", e.PaymentIntent)
			}
			after, err := b.api.PaymentIntents.Get(created.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			last := after.LastPaymentError
			if after.Status != stripe.PaymentIntentStatusRequiresPaymentMethod || after.PaymentMethod != nil || last == nil {
				t.Fatalf("got %s, method %v, last error %v; want requires_payment_method, none, one", after.Status, after.PaymentMethod, last)
			}
			if last.Code != tt.code || last.DeclineCode != tt.declineCode || last.ChargeID != e.ChargeID || after.LatestCharge.ID != e.ChargeID {
				t.Errorf("got last error %s %s charge %s, latest charge %s; want %s %s %s", last.Code, last.DeclineCode, last.ChargeID, after.LatestCharge.ID, tt.code, tt.declineCode, e.ChargeID)
			}
			want := []string{"charge.failed", "payment_intent.payment_failed"}
			if events := b.eventTypes(before); !slices.Equal(events, want) {
				t.Errorf("got events %v, want %v", events, want)
			}
			retried, err := b.api.PaymentIntents.Confirm(created.ID, with("pm_card_visa"))
			if err != nil || retried.Status != stripe.PaymentIntentStatusSucceeded || retried.LastPaymentError != nil {
				t.Errorf("got %v, %v on another try with a good card; want succeeded without a last error", retried, err)
			}
			customer, err := b.api.Customers.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.api.PaymentMethods.Attach(tt.token, &stripe.PaymentMethodAttachParams{Customer: &customer.ID})
			if attached := err == nil; attached != tt.attaches {
				t.Errorf("got attached %v (%v), want %v", attached, err, tt.attaches)
			}
		})
	}
}

func TestTestMethodsThatChallenge(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, tt := range []struct {
		token string
		// offSession is the code of a confirmation without the customer.
		offSession stripe.ErrorCode
		// passed is the code of the last error after a passed challenge.
		passed stripe.ErrorCode
	}{
		{"pm_card_authenticationRequired", "authentication_required", ""},
		{"pm_card_authenticationRequiredOnSetup", "authentication_required", ""},
		{"pm_card_authenticationRequiredSetupForOffSession", "", ""},
		{"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "authentication_required", "card_declined"},
		{"pm_card_threeDSecure2Required", "authentication_required", ""},
		{"pm_card_threeDSecureRequired", "authentication_required", ""},
		{"pm_card_threeDSecureRequiredChargeDeclined", "authentication_required", "card_declined"},
		{"pm_card_threeDSecureRequiredProcessingError", "authentication_required", "processing_error"},
	} {
		t.Run(tt.token, func(t *testing.T) {
			off := b.newIntent()
			params := with(tt.token)
			params.OffSession = stripe.Bool(true)
			_, err := b.api.PaymentIntents.Confirm(off.ID, params)
			if tt.offSession == "" && err != nil {
				t.Errorf("off session: got %v, want success", err)
			}
			if tt.offSession != "" {
				wantError(t, err, http.StatusPaymentRequired, stripe.ErrorTypeCard, tt.offSession, "")
			}

			on := b.newIntent()
			before := len(b.sandbox.Events())
			got, err := b.api.PaymentIntents.Confirm(on.ID, with(tt.token))
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != stripe.PaymentIntentStatusRequiresAction || got.NextAction.Type != "use_stripe_sdk" || got.LatestCharge != nil || got.PaymentMethod == nil {
				t.Fatalf("got %s, %v, charge %v, method %v; want requires_action by use_stripe_sdk, no charge, the method", got.Status, got.NextAction, got.LatestCharge, got.PaymentMethod)
			}
			if err := b.sandbox.Challenge(on.ID, true); err != nil {
				t.Fatal(err)
			}
			after, err := b.api.PaymentIntents.Get(on.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"payment_intent.requires_action", "charge.succeeded", "payment_intent.succeeded"}
			if tt.passed == "" && after.Status != stripe.PaymentIntentStatusSucceeded {
				t.Errorf("passed: got %s, want succeeded", after.Status)
			}
			if tt.passed != "" {
				want = []string{"payment_intent.requires_action", "charge.failed", "payment_intent.payment_failed"}
				if after.LastPaymentError == nil || after.LastPaymentError.Code != tt.passed {
					t.Errorf("passed: got last error %v, want %s", after.LastPaymentError, tt.passed)
				}
			}
			if events := b.eventTypes(before); !slices.Equal(events, want) {
				t.Errorf("got events %v, want %v", events, want)
			}
		})
	}
}

func TestFailedChallengeTriesNoCharge(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.newIntent()
	if _, err := b.api.PaymentIntents.Confirm(in.ID, with("pm_card_threeDSecure2Required")); err != nil {
		t.Fatal(err)
	}
	if err := b.sandbox.Challenge(in.ID, false); err != nil {
		t.Fatal(err)
	}
	got, err := b.api.PaymentIntents.Get(in.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != stripe.PaymentIntentStatusRequiresPaymentMethod || got.LastPaymentError == nil ||
		got.LastPaymentError.Code != "payment_intent_authentication_failure" || got.PaymentMethod != nil {
		t.Errorf("got %s, %v, method %v; want requires_payment_method after an authentication failure, no method", got.Status, got.LastPaymentError, got.PaymentMethod)
	}
	if charges := b.sandbox.Charges(); len(charges) != 0 {
		t.Errorf("got charges %v, want none", charges)
	}
}

func TestCardSetUpForLaterNeedsNoSecondChallenge(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	customer, err := b.api.Customers.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	first := intent()
	first.Customer, first.SetupFutureUsage = &customer.ID, stripe.String("off_session")
	first.Confirm, first.PaymentMethod = stripe.Bool(true), stripe.String("pm_card_authenticationRequiredOnSetup")
	in, err := b.api.PaymentIntents.New(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.sandbox.Challenge(in.ID, true); err != nil {
		t.Fatal(err)
	}
	second := intent()
	second.Customer, second.OffSession = &customer.ID, stripe.Bool(true)
	second.Confirm, second.PaymentMethod = stripe.Bool(true), &in.PaymentMethod.ID
	got, err := b.api.PaymentIntents.New(second)
	if err != nil || got.Status != stripe.PaymentIntentStatusSucceeded {
		t.Errorf("got %v, %v; want succeeded off session", got, err)
	}
}

func TestDisputedCharge(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.newIntent()
	got, err := b.api.PaymentIntents.Confirm(in.ID, with("pm_card_createDispute"))
	if err != nil || got.Status != stripe.PaymentIntentStatusSucceeded {
		t.Fatalf("got %v, %v; want succeeded", got, err)
	}
	want := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.dispute.created"}
	if events := b.eventTypes(0); !slices.Equal(events, want) {
		t.Errorf("got events %v, want %v", events, want)
	}
	charge, err := b.api.Charges.Get(got.LatestCharge.ID, nil)
	if err != nil || !charge.Disputed {
		t.Errorf("got charge %v, %v; want it disputed", charge, err)
	}
	// The event's dispute is validated when it is read.
	if e, err := b.api.Events.Get(b.sandbox.Events()[3].ID, nil); err != nil || e.Type != "charge.dispute.created" {
		t.Errorf("got %v, %v; want the event of the dispute", e, err)
	}
}

func TestDebitIsSettledLater(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, tt := range []struct {
		name    string
		succeed bool
		status  stripe.PaymentIntentStatus
		charge  string
		events  []string
	}{
		{"paid", true, stripe.PaymentIntentStatusSucceeded, "succeeded", []string{"charge.succeeded", "payment_intent.succeeded"}},
		{"returned", false, stripe.PaymentIntentStatusRequiresPaymentMethod, "failed", []string{"charge.failed", "payment_intent.payment_failed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := b.newIntent()
			got, err := b.api.PaymentIntents.Confirm(in.ID, with(sandbox.DebitToken))
			if err != nil || got.Status != stripe.PaymentIntentStatusProcessing {
				t.Fatalf("got %v, %v; want processing", got, err)
			}
			pending, err := b.api.Charges.Get(got.LatestCharge.ID, nil)
			if err != nil || !pending.Captured || pending.AmountCaptured != 2000 || pending.Paid || pending.Outcome.Type != "authorized" {
				t.Errorf("got %v, %v; want it captured, not paid, authorized", pending, err)
			}
			_, err = b.api.PaymentIntents.Cancel(in.ID, nil)
			wantError(t, err, http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, "payment_intent_unexpected_state", "")
			before := len(b.sandbox.Events())
			if err := b.sandbox.Settle(in.ID, tt.succeed); err != nil {
				t.Fatal(err)
			}
			if got, err = b.api.PaymentIntents.Get(in.ID, nil); err != nil || got.Status != tt.status {
				t.Errorf("got %v, %v; want %s", got, err, tt.status)
			}
			charge, err := b.api.Charges.Get(got.LatestCharge.ID, nil)
			if err != nil || string(charge.Status) != tt.charge {
				t.Errorf("got charge %v, %v; want %s", charge, err, tt.charge)
			}
			if events := b.eventTypes(before); !slices.Equal(events, tt.events) {
				t.Errorf("got events %v, want %v", events, tt.events)
			}
		})
	}
}

// A card that declines when it is attached answers with a param that is empty,
// and without a charge or an intent.
func TestAttachOfADecliningCard(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	customer, err := b.api.Customers.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]struct{ code, declineCode, param string }{
		"pm_card_chargeDeclined":             {"card_declined", "generic_decline", ""},
		"pm_card_chargeDeclinedIncorrectCvc": {"incorrect_cvc", "incorrect_cvc", "cvc"},
	} {
		status, _, body := b.raw("POST", "/v1/payment_methods/"+token+"/attach", url.Values{"customer": {customer.ID}}, nil)
		e, _ := body["error"].(map[string]any)
		if status != 402 || e["code"] != want.code || e["decline_code"] != want.declineCode || e["param"] != want.param {
			t.Errorf("%s: got %d %v, want 402 %v", token, status, e, want)
		}
		if e["charge"] != nil || e["payment_intent"] != nil {
			t.Errorf("%s: got %v, want neither charge nor intent", token, e)
		}
	}
}

// What a card, an intent and a charge say about the card and its checks.
func TestWhatIsKnownAboutACard(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	fresh, err := b.api.PaymentMethods.Get("pm_card_visa", nil)
	if err != nil || fresh.Card.Checks.CVCCheck != "unchecked" || fresh.Card.Fingerprint == "" {
		t.Fatalf("got %+v, %v; want it unchecked, with a fingerprint", fresh.Card, err)
	}
	in := b.newIntent()
	if in.PaymentMethodConfigurationDetails == nil || in.PaymentMethodConfigurationDetails.ID == "" || !slices.Contains(in.PaymentMethodTypes, "link") {
		t.Errorf("got %v and %v, want the Dashboard's configuration, with link", in.PaymentMethodConfigurationDetails, in.PaymentMethodTypes)
	}
	_, err = b.api.PaymentIntents.Confirm(in.ID, with("pm_card_chargeDeclinedIncorrectCvc"))
	declined, err := b.api.Charges.Get(stripeError(t, err).ChargeID, nil)
	if err != nil || declined.PaymentMethodDetails.Card.Checks.CVCCheck != "fail" {
		t.Errorf("got %v, %v; want a failed check", declined, err)
	}
	paid, err := b.api.PaymentIntents.Confirm(in.ID, with(fresh.ID))
	if err != nil {
		t.Fatal(err)
	}
	charge, err := b.api.Charges.Get(paid.LatestCharge.ID, nil)
	if err != nil || charge.PaymentMethodDetails.Card.Checks.CVCCheck != "pass" || charge.PaymentMethodDetails.Card.Fingerprint != fresh.Card.Fingerprint {
		t.Errorf("got %v, %v; want a passed check, and the fingerprint of the card", charge, err)
	}
	if charge.CalculatedStatementDescriptor == "" {
		t.Error("got no statement descriptor")
	}
	charged, err := b.api.PaymentMethods.Get(fresh.ID, nil)
	if err != nil || charged.Card.Checks.CVCCheck != "pass" {
		t.Errorf("got %+v, %v; want a passed check", charged.Card, err)
	}
	_, err = b.api.PaymentIntents.Confirm(b.newIntent().ID, with("pm_card_chargeDeclined"))
	generic, err := b.api.Charges.Get(stripeError(t, err).ChargeID, nil)
	if err != nil || generic.Outcome.SellerMessage != "The bank did not return any further details with this decline." {
		t.Errorf("got %v, %v; want the bank's sentence", generic, err)
	}
}
