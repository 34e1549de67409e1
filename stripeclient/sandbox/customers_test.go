package sandbox_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestCustomerLifecycle(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	params := &stripe.CustomerParams{Email: stripe.String("ada@example.com"), Name: stripe.String("Ada")}
	params.AddMetadata("userId", "u1")
	created, err := b.api.Customers.New(params)
	if err != nil || created.Email != "ada@example.com" || created.Name != "Ada" || created.Metadata["userId"] != "u1" {
		t.Fatalf("create: got %v, %v; want what was sent", created, err)
	}
	update := &stripe.CustomerParams{Name: stripe.String("Ada L.")}
	update.AddMetadata("more", "yes")
	updated, err := b.api.Customers.Update(created.ID, update)
	if err != nil || updated.Name != "Ada L." || updated.Email != "ada@example.com" || len(updated.Metadata) != 2 {
		t.Fatalf("update: got %v, %v; want the new name beside the old email, and both metadata", updated, err)
	}
	method, err := b.api.PaymentMethods.Attach("pm_card_visa", &stripe.PaymentMethodAttachParams{Customer: &created.ID})
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := b.api.Customers.Del(created.ID, nil)
	if err != nil || !deleted.Deleted {
		t.Fatalf("delete: got %v, %v; want deleted", deleted, err)
	}
	if got, err := b.api.Customers.Get(created.ID, nil); err != nil || !got.Deleted {
		t.Errorf("retrieve: got %v, %v; want deleted, not an error", got, err)
	}
	_, err = b.api.Customers.Update(created.ID, update)
	wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "resource_missing", "id")
	status, _, body := b.raw("GET", "/v1/payment_methods?customer="+created.ID, nil, nil)
	if e, _ := body["error"].(map[string]any); status != 400 || e["code"] != "resource_missing" || e["param"] != "customer" {
		t.Errorf("list of payment methods: got %d %v, want 400 resource_missing, param customer", status, body)
	}
	for _, list := range []string{"payment_intents?customer=", "charges?customer=", "customers?starting_after="} {
		if status, _, body := b.raw("GET", "/v1/"+list+created.ID, nil, nil); status != 200 {
			t.Errorf("%s: got %d %v, want 200", list, status, body)
		}
	}
	late := intent()
	late.Customer = &created.ID
	_, err = b.api.PaymentIntents.New(late)
	wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "resource_missing", "customer")
	if got, err := b.api.PaymentMethods.Get(method.ID, nil); err != nil || got.Customer != nil {
		t.Errorf("payment method: got %v, %v; want it detached", got, err)
	}
	want := []string{"customer.created", "customer.updated", "payment_method.attached", "customer.deleted"}
	if got := b.eventTypes(0); !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
	event, err := b.api.Events.Get(b.sandbox.Events()[1].ID, nil)
	if err != nil || fmt.Sprint(event.Data.PreviousAttributes) != "map[metadata:map[more:<nil>] name:Ada]" {
		t.Errorf("got %v, %v; want just the old name and the new metadata key", event.Data.PreviousAttributes, err)
	}
}

func TestCustomerRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, tt := range []struct {
		name, method, path string
		form               url.Values
		status             int
		code               string
	}{
		{"unknown id in the path: 404", "GET", "/v1/customers/cus_x", nil, 404, "resource_missing"},
		{"email without @", "POST", "/v1/customers", url.Values{"email": {"ada"}}, 400, "email_invalid"},
		{"email too long", "POST", "/v1/customers", url.Values{"email": {strings.Repeat("a", 513)}}, 400, ""},
		{"unknown parameter", "POST", "/v1/customers", url.Values{"nmae": {"Ada"}}, 400, "parameter_unknown"},
		{"card source", "POST", "/v1/customers", url.Values{"source": {"tok_visa"}}, 400, "parameter_unknown"},
		{"limit that is no number", "GET", "/v1/customers?limit=x", nil, 400, "parameter_invalid_integer"},
		{"both cursors", "GET", "/v1/customers?starting_after=cus_x&ending_before=cus_x", nil, 400, ""},
		{"unknown cursor: 400", "GET", "/v1/customers?starting_after=cus_x", nil, 400, "resource_missing"},
		{"method list of unknown customer", "GET", "/v1/customers/cus_x/payment_methods", nil, 404, "resource_missing"},
		{"attach to unknown customer", "POST", "/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {"cus_x"}}, 400, "resource_missing"},
		{"attach of unknown method", "POST", "/v1/payment_methods/pm_x/attach", url.Values{"customer": {"cus_x"}}, 404, "resource_missing"},
		{"token that is not emulated", "GET", "/v1/payment_methods/pm_card_br", nil, 404, "resource_missing"},
		{"unknown charge", "GET", "/v1/charges/ch_x", nil, 404, "resource_missing"},
		{"unknown event", "GET", "/v1/events/evt_x", nil, 404, "resource_missing"},
		{"search", "GET", "/v1/payment_intents/search?query=x", nil, 404, ""},
		{"refunds", "POST", "/v1/refunds", url.Values{"charge": {"ch_x"}}, 404, ""},
		{"trailing slash", "GET", "/v1/customers/", nil, 404, ""},
		{"wrong method", "DELETE", "/v1/payment_intents/pi_x", nil, 404, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, header, body := b.raw(tt.method, tt.path, tt.form, nil)
			e, _ := body["error"].(map[string]any)
			code, _ := e["code"].(string)
			if status != tt.status || code != tt.code || e["type"] != "invalid_request_error" {
				t.Errorf("got %d %v, want %d code=%q", status, e, tt.status, tt.code)
			}
			if header.Get("Request-Id") == "" || header.Get("Stripe-Version") != "2023-10-16" {
				t.Errorf("got header %v, want Request-Id and Stripe-Version", header)
			}
			if tt.code == "" && tt.status == 404 && !strings.HasPrefix(e["message"].(string), "Unrecognized request URL ("+tt.method) {
				t.Errorf("got %v, want the unrecognized URL", e["message"])
			}
		})
	}
}

func TestAttachAndDetach(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	newCustomer := func() *stripe.Customer {
		c, err := b.api.Customers.New(nil)
		return must(t, c, err)
	}
	alice, bob := newCustomer(), newCustomer()
	method, err := b.api.PaymentMethods.Get("pm_card_mastercard", nil)
	if err != nil || method.ID == "pm_card_mastercard" || method.Card.Brand != "mastercard" || method.Card.Last4 != "4444" {
		t.Fatalf("got %v, %v; want a fresh method of the token", method, err)
	}
	attach := func(c *stripe.Customer) error {
		_, err := b.api.PaymentMethods.Attach(method.ID, &stripe.PaymentMethodAttachParams{Customer: &c.ID})
		return err
	}
	for range 2 {
		if err := attach(alice); err != nil {
			t.Errorf("attach to the same customer again: %v", err)
		}
	}
	wantError(t, attach(bob), 400, stripe.ErrorTypeInvalidRequest, "", "")
	count := func(c *stripe.Customer) (n int) {
		list := b.api.PaymentMethods.List(&stripe.PaymentMethodListParams{Customer: &c.ID, Type: stripe.String("card")})
		for list.Next() {
			n++
		}
		if list.Err() != nil {
			t.Fatal(list.Err())
		}
		return n
	}
	if a, b := count(alice), count(bob); a != 1 || b != 0 {
		t.Errorf("got %d and %d methods, want 1 and 0", a, b)
	}
	if got, err := b.api.Customers.RetrievePaymentMethod(method.ID, &stripe.CustomerRetrievePaymentMethodParams{Customer: &alice.ID}); err != nil || got.ID != method.ID {
		t.Errorf("got %v, %v; want the customer's method", got, err)
	}
	_, err = b.api.Customers.RetrievePaymentMethod(method.ID, &stripe.CustomerRetrievePaymentMethodParams{Customer: &bob.ID})
	wantError(t, err, 404, stripe.ErrorTypeInvalidRequest, "", "customer")
	if status, _, body := b.raw("GET", "/v1/payment_methods", nil, nil); status != 200 || len(body["data"].([]any)) != 0 {
		t.Errorf("methods of nobody: got %d %v, want an empty list", status, body)
	}
	if got, err := b.api.PaymentMethods.Detach(method.ID, nil); err != nil || got.Customer != nil {
		t.Errorf("detach: got %v, %v; want no customer", got, err)
	}
	_, err = b.api.PaymentMethods.Detach(method.ID, nil)
	if e := wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "", ""); !strings.HasSuffix(e.Msg, "so detachment is impossible.") {
		t.Errorf("detach again: got %q, want that it is impossible", e.Msg)
	}
	wantError(t, attach(alice), 400, stripe.ErrorTypeInvalidRequest, "", "")
}
