package sandbox_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// intentIn brings a new intent into the status by calls of the API.
func (b *bench) intentIn(status stripe.PaymentIntentStatus) *stripe.PaymentIntent {
	b.Helper()
	params := intent()
	params.Confirm = stripe.Bool(true)
	switch status {
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		params.Confirm = nil
	case stripe.PaymentIntentStatusRequiresConfirmation:
		params.Confirm, params.PaymentMethod = nil, stripe.String("pm_card_visa")
	case stripe.PaymentIntentStatusRequiresAction:
		params.PaymentMethod = stripe.String("pm_card_threeDSecure2Required")
	case stripe.PaymentIntentStatusRequiresCapture:
		params.PaymentMethod, params.CaptureMethod = stripe.String("pm_card_visa"), stripe.String("manual")
	case stripe.PaymentIntentStatusProcessing:
		params.PaymentMethod = stripe.String(sandbox.DebitToken)
	case stripe.PaymentIntentStatusSucceeded:
		params.PaymentMethod = stripe.String("pm_card_visa")
	case stripe.PaymentIntentStatusCanceled:
		params.Confirm, params.PaymentMethod = nil, stripe.String("pm_card_visa")
	}
	in, err := b.api.PaymentIntents.New(params)
	if err == nil && status == stripe.PaymentIntentStatusCanceled {
		in, err = b.api.PaymentIntents.Cancel(in.ID, nil)
	}
	if err != nil || in.Status != status {
		b.Fatalf("got %v, %v; want an intent in %s", in, err, status)
	}
	return in
}

func TestIntentStateMachine(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	const (
		method       = stripe.PaymentIntentStatusRequiresPaymentMethod
		confirmation = stripe.PaymentIntentStatusRequiresConfirmation
		action       = stripe.PaymentIntentStatusRequiresAction
		capture      = stripe.PaymentIntentStatusRequiresCapture
		processing   = stripe.PaymentIntentStatusProcessing
		succeeded    = stripe.PaymentIntentStatusSucceeded
		canceled     = stripe.PaymentIntentStatusCanceled
	)
	doConfirm := func(id string) (*stripe.PaymentIntent, error) {
		return b.api.PaymentIntents.Confirm(id, with("pm_card_visa"))
	}
	doBare := func(id string) (*stripe.PaymentIntent, error) { return b.api.PaymentIntents.Confirm(id, nil) }
	doCapture := func(id string) (*stripe.PaymentIntent, error) { return b.api.PaymentIntents.Capture(id, nil) }
	doCancel := func(id string) (*stripe.PaymentIntent, error) { return b.api.PaymentIntents.Cancel(id, nil) }
	doAmount := func(id string) (*stripe.PaymentIntent, error) {
		return b.api.PaymentIntents.Update(id, &stripe.PaymentIntentParams{Amount: stripe.Int64(2500)})
	}
	// The status that the action leads to, or "" if it is refused.
	for _, tt := range []struct {
		action string
		do     func(string) (*stripe.PaymentIntent, error)
		// param is that of a refusal.
		param string
		leads map[stripe.PaymentIntentStatus]stripe.PaymentIntentStatus
	}{
		{"confirm", doConfirm, "", map[stripe.PaymentIntentStatus]stripe.PaymentIntentStatus{
			method: succeeded, confirmation: succeeded, action: succeeded, capture: "", processing: "", succeeded: "", canceled: ""}},
		{"confirm without method", doBare, "", map[stripe.PaymentIntentStatus]stripe.PaymentIntentStatus{
			method: "", confirmation: succeeded, action: action, capture: "", processing: "", succeeded: "", canceled: ""}},
		{"capture", doCapture, "", map[stripe.PaymentIntentStatus]stripe.PaymentIntentStatus{
			method: "", confirmation: "", action: "", capture: succeeded, processing: "", succeeded: "", canceled: ""}},
		{"cancel", doCancel, "", map[stripe.PaymentIntentStatus]stripe.PaymentIntentStatus{
			method: canceled, confirmation: canceled, action: canceled, capture: canceled, processing: "", succeeded: "", canceled: ""}},
		{"change amount", doAmount, "amount", map[stripe.PaymentIntentStatus]stripe.PaymentIntentStatus{
			method: method, confirmation: confirmation, capture: "", processing: "", succeeded: "", canceled: ""}},
	} {
		for from, to := range tt.leads {
			t.Run(tt.action+" in "+string(from), func(t *testing.T) {
				in := b.intentIn(from)
				charges := len(b.sandbox.Charges())
				got, err := tt.do(in.ID)
				if to != "" {
					if err != nil || got.Status != to {
						t.Fatalf("got %v, %v; want %s", got, err, to)
					}
					return
				}
				e := wantError(t, err, http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, "payment_intent_unexpected_state", tt.param)
				if e.PaymentIntent == nil || e.PaymentIntent.Status != from {
					t.Errorf("got intent %v in the error, want it in %s", e.PaymentIntent, from)
				}
				if after := len(b.sandbox.Charges()); after != charges {
					t.Errorf("got %d charges, want %d as before", after, charges)
				}
			})
		}
	}
}

func TestCreateIntentRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	base := func(pairs ...string) url.Values {
		form := url.Values{"amount": {"2000"}, "currency": {"usd"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	for _, tt := range []struct {
		name        string
		form        url.Values
		code, param string
	}{
		{"no amount", url.Values{"currency": {"usd"}}, "parameter_missing", "amount"},
		{"no currency", url.Values{"amount": {"2000"}}, "parameter_missing", "currency"},
		{"amount of zero", base("amount", "0"), "parameter_invalid_integer", "amount"},
		{"amount that is no integer", base("amount", "20.5"), "parameter_invalid_integer", "amount"},
		{"empty amount", base("amount", ""), "parameter_invalid_empty", "amount"},
		{"negative amount", base("amount", "-1"), "parameter_invalid_integer", "amount"},
		{"amount above the maximum", base("amount", "100000000"), "amount_too_large", "amount"},
		{"unknown currency", base("currency", "zzz"), "", "currency"},
		{"unknown customer: 400, not 404", base("customer", "cus_x"), "resource_missing", "customer"},
		{"unknown payment method", base("payment_method", "pm_x"), "resource_missing", "payment_method"},
		{"misspelt parameter", base("amuont", "1"), "parameter_unknown", "amuont"},
		{"misspelt nested parameter", base("automatic_payment_methods[enable]", "true"), "parameter_unknown", "automatic_payment_methods[enable]"},
		{"parameter that is not emulated", base("transfer_group", "g"), "parameter_unknown", "transfer_group"},
		{"payment method type that is not emulated", base("payment_method_types[]", "ideal"), "", "payment_method_types"},
		{"return_url without confirm", base("return_url", "https://example.com"), "", "return_url"},
		{"redirects without automatic methods", base("automatic_payment_methods[allow_redirects]", "never"), "parameter_missing", "automatic_payment_methods[enabled]"},
		{"expansion of nothing", base("expand[0]", "amount"), "", "expand"},
		{"metadata value too long", base("metadata[k]", strings.Repeat("x", 501)), "", "metadata"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, _, body := b.raw("POST", "/v1/payment_intents", tt.form, nil)
			e, _ := body["error"].(map[string]any)
			code, _ := e["code"].(string)
			param, _ := e["param"].(string)
			if status != http.StatusBadRequest || e["type"] != "invalid_request_error" || code != tt.code || param != tt.param {
				t.Errorf("got %d %v, want 400 invalid_request_error code=%q param=%q", status, e, tt.code, tt.param)
			}
		})
	}
	if intents := b.sandbox.Intents(); len(intents) != 0 {
		t.Errorf("got %d intents, want none", len(intents))
	}
}

// The documented minimums hold for the settlement: a payment of less is created.
func TestSmallAmountsAreAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, amount := range []int64{1, 40, 49} {
		params := intent()
		params.Amount, params.Confirm, params.PaymentMethod = &amount, stripe.Bool(true), stripe.String("pm_card_visa")
		if in, err := b.api.PaymentIntents.New(params); err != nil || in.AmountReceived != amount {
			t.Errorf("%d cents: got %v, %v; want them paid", amount, in, err)
		}
	}
}

func TestDeclineOnCreateLeavesTheIntent(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	params := intent()
	params.Confirm, params.PaymentMethod = stripe.Bool(true), stripe.String("pm_card_chargeDeclined")
	_, err := b.api.PaymentIntents.New(params)
	e := wantError(t, err, 402, stripe.ErrorTypeCard, "card_declined", "")
	if got, err := b.api.PaymentIntents.Get(e.PaymentIntent.ID, nil); err != nil || got.Status != stripe.PaymentIntentStatusRequiresPaymentMethod {
		t.Errorf("got %v, %v; want the intent in requires_payment_method", got, err)
	}
	want := []string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"}
	if got := b.eventTypes(0); !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
}

func TestUpdateIntent(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.intentIn(stripe.PaymentIntentStatusSucceeded)
	params := &stripe.PaymentIntentParams{Description: stripe.String("shoes")}
	params.AddMetadata("order", "7")
	got, err := b.api.PaymentIntents.Update(in.ID, params)
	if err != nil || got.Description != "shoes" || got.Metadata["order"] != "7" {
		t.Fatalf("got %v, %v; want description and metadata even after success", got, err)
	}
	params = &stripe.PaymentIntentParams{}
	params.AddMetadata("order", "")
	if got, err = b.api.PaymentIntents.Update(in.ID, params); err != nil || len(got.Metadata) != 0 {
		t.Errorf("got %v, %v; want the empty value to remove the key", got.Metadata, err)
	}
	open := b.newIntent()
	if got, err = b.api.PaymentIntents.Update(open.ID, &stripe.PaymentIntentParams{PaymentMethod: stripe.String("pm_card_visa")}); err != nil || got.Status != stripe.PaymentIntentStatusRequiresConfirmation {
		t.Errorf("got %v, %v; want requires_confirmation", got, err)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	customer, err := b.api.Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	params := intent()
	params.Customer, params.Confirm, params.PaymentMethod = &customer.ID, stripe.Bool(true), stripe.String("pm_card_visa")
	params.AddExpand("latest_charge.customer")
	params.AddExpand("payment_method")
	got, err := b.api.PaymentIntents.New(params)
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := b.raw("GET", "/v1/payment_intents/"+got.ID+"?expand[]=latest_charge.customer&expand[]=payment_method", nil, nil)
	charge, _ := body["latest_charge"].(map[string]any)
	if status != 200 || charge == nil {
		t.Fatalf("got %d, charge %v; want it expanded", status, body["latest_charge"])
	}
	if deep, _ := charge["customer"].(map[string]any); deep["name"] != "Ada" {
		t.Errorf("got %v, want the customer in the charge", charge["customer"])
	}
	if method, _ := body["payment_method"].(map[string]any); method["type"] != "card" {
		t.Errorf("got %v, want the payment method", body["payment_method"])
	}
}
