package sandbox_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestPaging(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	var ids []string // newest first
	for i := range 25 {
		params := &stripe.CustomerParams{Email: stripe.String(fmt.Sprintf("%d@example.com", i))}
		c, err := b.api.Customers.New(params)
		ids = append([]string{must(t, c, err).ID}, ids...)
	}
	for _, tt := range []struct {
		name, query string
		want        []string
		more        bool
	}{
		{"ten by default", "", ids[:10], true},
		{"limit", "?limit=3", ids[:3], true},
		{"after", "?limit=3&starting_after=" + ids[2], ids[3:6], true},
		{"after, to the end", "?limit=20&starting_after=" + ids[9], ids[10:], false},
		{"exactly all", "?limit=25", ids, false},
		{"before: the nearest, newest first", "?limit=3&ending_before=" + ids[10], ids[7:10], true},
		{"before, to the beginning", "?limit=100&ending_before=" + ids[2], ids[:2], false},
		{"email", "?email=7@example.com", ids[17:18], false},
		{"email in other letters", "?email=7@EXAMPLE.com", nil, false},
		{"created long ago", "?created[lt]=1000", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, body := b.raw("GET", "/v1/customers"+tt.query, nil, nil)
			var got []string
			for _, row := range body["data"].([]any) {
				got = append(got, row.(map[string]any)["id"].(string))
			}
			if !slices.Equal(got, tt.want) || body["has_more"] != tt.more || body["url"] != "/v1/customers" {
				t.Errorf("got %v more=%v url=%v, want %v more=%v", got, body["has_more"], body["url"], tt.want, tt.more)
			}
		})
	}
	t.Run("stripe-go walks all pages", func(t *testing.T) {
		var got []string
		params := &stripe.CustomerListParams{}
		params.Limit = stripe.Int64(4)
		list := b.api.Customers.List(params)
		for list.Next() {
			got = append(got, list.Customer().ID)
		}
		if list.Err() != nil || !slices.Equal(got, ids) {
			t.Errorf("got %v, %v; want %v", got, list.Err(), ids)
		}
	})
}

// Stripe corrects a limit silently.
func TestListLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for range 102 {
		if _, err := b.api.Customers.New(nil); err != nil {
			t.Fatal(err)
		}
	}
	for limit, want := range map[string]int{"0": 1, "1": 1, "100": 100, "101": 100, "99999": 100, "-1": 1} {
		status, _, body := b.raw("GET", "/v1/customers?limit="+limit, nil, nil)
		if data, _ := body["data"].([]any); status != 200 || len(data) != want || body["has_more"] != true {
			t.Errorf("limit %s: got %d, %d rows, more %v; want %d and more", limit, status, len(data), body["has_more"], want)
		}
	}
}

func TestListsOfOneCustomer(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	customer, err := b.api.Customers.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.intentIn(stripe.PaymentIntentStatusSucceeded) // nobody's
	params := intent()
	params.Customer, params.Confirm, params.PaymentMethod = &customer.ID, stripe.Bool(true), stripe.String("pm_card_visa")
	in, err := b.api.PaymentIntents.New(params)
	if err != nil {
		t.Fatal(err)
	}
	intents := b.api.PaymentIntents.List(&stripe.PaymentIntentListParams{Customer: &customer.ID})
	if !intents.Next() || intents.PaymentIntent().ID != in.ID || intents.Next() || intents.Err() != nil {
		t.Errorf("intents: want just %s (%v)", in.ID, intents.Err())
	}
	for name, params := range map[string]*stripe.ChargeListParams{
		"customer": {Customer: &customer.ID}, "intent": {PaymentIntent: &in.ID},
	} {
		charges := b.api.Charges.List(params)
		if !charges.Next() || charges.Charge().ID != in.LatestCharge.ID || charges.Next() || charges.Err() != nil {
			t.Errorf("charges by %s: want just %s (%v)", name, in.LatestCharge.ID, charges.Err())
		}
	}
}
