package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

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
