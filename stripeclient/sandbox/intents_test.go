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

func TestConfirmRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	newCustomer := func() string {
		c, err := b.api.Customers.New(nil)
		return must(b, c, err).ID
	}
	attached := func(customer string) string {
		pm, err := b.api.PaymentMethods.Attach("pm_card_visa", &stripe.PaymentMethodAttachParams{Customer: &customer})
		return must(b, pm, err).ID
	}
	newFor := func(customer string) string {
		params := intent()
		if customer != "" {
			params.Customer = &customer
		}
		in, err := b.api.PaymentIntents.New(params)
		return must(b, in, err).ID
	}
	alice, bob := newCustomer(), newCustomer()
	alices := attached(alice)
	spent := b.intentIn(stripe.PaymentIntentStatusSucceeded).PaymentMethod.ID

	for _, tt := range []struct {
		name, intent, method string
		status               int
		code                 stripe.ErrorCode
		param, message       string
		intentRides          bool
	}{
		{"unknown intent: 404", "pi_x", "pm_card_visa", 404, "resource_missing", "intent", "No such payment_intent: 'pi_x'", false},
		{"unknown method", newFor(""), "pm_x", 400, "resource_missing", "payment_method", "No such PaymentMethod: 'pm_x'; It's possible", false},
		{"no method, no customer", newFor(""), "", 400, "payment_intent_unexpected_state", "", "You can either update", true},
		{"no method, customer", newFor(alice), "", 400, "payment_intent_unexpected_state", "", "specify a payment method attached to this customer", true},
		{"method of another customer", newFor(bob), alices, 400, "", "payment_method", "does not belong to the Customer you supplied", true},
		{"method of a customer, intent without", newFor(""), alices, 400, "parameter_missing", "source", "Please include the Customer", true},
		{"method that was used unattached", newFor(""), spent, 400, "", "", "It may not be used again", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var params *stripe.PaymentIntentConfirmParams
			if tt.method != "" {
				params = with(tt.method)
			}
			_, err := b.api.PaymentIntents.Confirm(tt.intent, params)
			e := wantError(t, err, tt.status, stripe.ErrorTypeInvalidRequest, tt.code, tt.param)
			if !strings.Contains(e.Msg, tt.message) {
				t.Errorf("got message %q, want it to say %q", e.Msg, tt.message)
			}
			if (e.PaymentIntent != nil) != tt.intentRides {
				t.Errorf("got intent %v in the error, want it there: %v", e.PaymentIntent, tt.intentRides)
			}
			if e.PaymentIntent != nil && e.PaymentIntent.PaymentMethod != nil {
				t.Errorf("got payment method %v on the intent, want none", e.PaymentIntent.PaymentMethod)
			}
		})
	}
	t.Run("attached method pays again and again", func(t *testing.T) {
		for range 2 {
			if got, err := b.api.PaymentIntents.Confirm(newFor(alice), with(alices)); err != nil || got.Status != stripe.PaymentIntentStatusSucceeded {
				t.Errorf("got %v, %v; want succeeded", got, err)
			}
		}
	})
	t.Run("deleted customer", func(t *testing.T) {
		carol := newCustomer()
		id := newFor(carol)
		if _, err := b.api.Customers.Del(carol, nil); err != nil {
			t.Fatal(err)
		}
		_, err := b.api.PaymentIntents.Confirm(id, with("pm_card_visa"))
		wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "resource_missing", "customer")
	})
}

// A confirmation with a payment method first changes the payment method, which a
// canceled intent refuses in its own words.
func TestConfirmOfACanceledIntentNamesThePaymentMethod(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.intentIn(stripe.PaymentIntentStatusCanceled)
	for method, message := range map[string]string{
		"pm_card_visa": "This PaymentIntent's payment_method could not be updated because it has a status of canceled.",
		"":             "You cannot confirm this PaymentIntent because it has a status of canceled.",
	} {
		var params *stripe.PaymentIntentConfirmParams
		if method != "" {
			params = with(method)
		}
		_, err := b.api.PaymentIntents.Confirm(in.ID, params)
		e := wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "payment_intent_unexpected_state", "")
		if !strings.HasPrefix(e.Msg, message) || e.PaymentIntent == nil {
			t.Errorf("got %q and intent %v, want %q and the intent", e.Msg, e.PaymentIntent, message)
		}
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

func TestConfirmLimit(t *testing.T) {
	t.Parallel()
	const limit = 10
	b := setup(t, sandbox.Config{ConfirmLimit: limit})
	in, other := b.newIntent(), b.newIntent()
	for range limit {
		_, err := b.api.PaymentIntents.Confirm(in.ID, with("pm_card_chargeDeclined"))
		wantError(t, err, 402, stripe.ErrorTypeCard, "card_declined", "")
	}
	before := len(b.sandbox.Events())
	_, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa"), "beyond"))
	e := wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "payment_intent_unexpected_state", "")
	if e.PaymentIntent == nil || e.PaymentIntent.Status != stripe.PaymentIntentStatusCanceled {
		t.Errorf("got intent %v in the error, want it canceled", e.PaymentIntent)
	}
	if got, want := b.eventTypes(before), []string{"payment_intent.canceled"}; !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
	if got, err := b.api.PaymentIntents.Get(in.ID, nil); err != nil || got.Status != stripe.PaymentIntentStatusCanceled || got.CanceledAt == 0 {
		t.Errorf("got %v, %v; want it canceled", got, err)
	}
	if n := len(b.sandbox.Charges()); n != limit {
		t.Errorf("got %d charges, want %d", n, limit)
	}
	if got, err := b.api.PaymentIntents.Confirm(other.ID, with("pm_card_visa")); err != nil || got.Status != stripe.PaymentIntentStatusSucceeded {
		t.Errorf("another intent: got %v, %v; want succeeded", got, err)
	}
}

func TestReturnURL(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	never := intent().AutomaticPaymentMethods
	always := &stripe.PaymentIntentAutomaticPaymentMethodsParams{Enabled: stripe.Bool(true)}
	for _, tt := range []struct {
		name       string
		methods    *stripe.PaymentIntentAutomaticPaymentMethodsParams
		types      []string
		returnURL  string
		offSession bool
		refused    bool
	}{
		{"dashboard's methods need it", nil, nil, "", false, true},
		{"dashboard's methods have it", nil, nil, "https://example.com/done", false, false},
		{"redirects allowed need it", always, nil, "", false, true},
		{"off session needs none", always, nil, "", true, false},
		{"redirects never need none", never, nil, "", false, false},
		{"card only needs none", nil, []string{"card"}, "", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			params := intent()
			params.AutomaticPaymentMethods, params.PaymentMethodTypes = tt.methods, stripe.StringSlice(tt.types)
			in, err := b.api.PaymentIntents.New(params)
			if err != nil {
				t.Fatal(err)
			}
			confirm := with("pm_card_visa")
			if tt.returnURL != "" {
				confirm.ReturnURL = &tt.returnURL
			}
			confirm.OffSession = &tt.offSession
			_, err = b.api.PaymentIntents.Confirm(in.ID, confirm)
			if !tt.refused && err != nil {
				t.Errorf("got %v, want success", err)
			}
			if tt.refused {
				e := wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "", "")
				if !strings.HasPrefix(e.Msg, "A `return_url` must be specified") {
					t.Errorf("got %q, want the message about return_url", e.Msg)
				}
			}
		})
	}
	t.Run("challenge comes by redirection", func(t *testing.T) {
		confirm := with("pm_card_threeDSecure2Required")
		confirm.ReturnURL = stripe.String("https://example.com/done")
		got, err := b.api.PaymentIntents.Confirm(b.newIntent().ID, confirm)
		if err != nil || got.NextAction.Type != "redirect_to_url" || got.NextAction.RedirectToURL.ReturnURL != "https://example.com/done" {
			t.Errorf("got %v, %v; want redirect_to_url", got, err)
		}
	})
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
