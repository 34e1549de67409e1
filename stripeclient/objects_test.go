package stripeclient

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRequestsHoldExactlyWhatIsAgreed(t *testing.T) {
	t.Parallel()
	user := CustomerParams{Email: "ada@example.com", Name: "Ada", UserID: "user1"}
	userForm := url.Values{"email": {"ada@example.com"}, "name": {"Ada"}, "metadata[userId]": {"user1"}}
	tests := []struct {
		name         string
		answer       string
		call         func(*Client) error
		method, path string
		params       url.Values
		// key is the idempotency key; "*" is a random one.
		key string
	}{
		{"create customer", customerJSON, func(c *Client) error {
			_, err := c.CreateCustomer(t.Context(), "key1", user)
			return err
		}, "POST", "/v1/customers", userForm, "key1"},
		{"update customer", customerJSON, func(c *Client) error {
			_, err := c.UpdateCustomer(t.Context(), "cus_1", user)
			return err
		}, "POST", "/v1/customers/cus_1", userForm, "*"},
		{"update customer leaves out what is empty", customerJSON, func(c *Client) error {
			_, err := c.UpdateCustomer(t.Context(), "cus_1", CustomerParams{UserID: "user1"})
			return err
		}, "POST", "/v1/customers/cus_1", url.Values{"metadata[userId]": {"user1"}}, "*"},
		{"get customer", customerJSON, func(c *Client) error {
			_, err := c.Customer(t.Context(), "cus_1")
			return err
		}, "GET", "/v1/customers/cus_1", url.Values{}, ""},
		{"create intent", intentJSON, func(c *Client) error {
			_, err := c.CreateIntent(t.Context(), "key1", IntentParams{
				Amount: 2000, Currency: "usd", CustomerID: "cus_1", PaymentID: "pay1", UserID: "user1", CUID: "c1",
			})
			return err
		}, "POST", "/v1/payment_intents", url.Values{
			"amount": {"2000"}, "currency": {"usd"}, "customer": {"cus_1"},
			"automatic_payment_methods[enabled]":         {"true"},
			"automatic_payment_methods[allow_redirects]": {"never"},
			"metadata[paymentId]":                        {"pay1"}, "metadata[userId]": {"user1"}, "metadata[cuid]": {"c1"},
		}, "key1"},
		{"get intent", intentJSON, func(c *Client) error {
			_, err := c.Intent(t.Context(), "pi_1")
			return err
		}, "GET", "/v1/payment_intents/pi_1", url.Values{}, ""},
		{"confirm intent", intentJSON, func(c *Client) error {
			_, err := c.ConfirmIntent(t.Context(), "pi_1", "key1", "pm_1")
			return err
		}, "POST", "/v1/payment_intents/pi_1/confirm", url.Values{"payment_method": {"pm_1"}}, "key1"},
		{"list intents", listJSON(false, intentJSON), func(c *Client) error {
			_, err := c.Intents(t.Context(), "cus_1", time.Unix(1_700_000_000, 0))
			return err
		}, "GET", "/v1/payment_intents", url.Values{"customer": {"cus_1"}, "limit": {"100"}, "created[gte]": {"1700000000"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(reply(200, tt.answer))
			if err := tt.call(f.client(t)); err != nil {
				t.Fatal(err)
			}
			got := f.sent()[0]
			if got.method != tt.method || got.path != tt.path {
				t.Errorf("got %s %s, want %s %s", got.method, got.path, tt.method, tt.path)
			}
			if !reflect.DeepEqual(got.params, tt.params) {
				t.Errorf("got parameters %v, want %v", got.params, tt.params)
			}
			if key := got.header.Get("Idempotency-Key"); key != tt.key && (tt.key != "*" || len(key) < 20) {
				t.Errorf("got key %q, want %q", key, tt.key)
			}
		})
	}
}

func TestIntent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		want         Intent
	}{
		{"a paid one", intentJSON, Intent{
			ID: "pi_1", Amount: 2000, Currency: "usd", Status: StatusSucceeded, CustomerID: "cus_1", PaymentMethod: "pm_1",
			ClientSecret: canarySecret, PaymentID: "pay1", UserID: "user1", CUID: "c1", Created: time.Unix(1700000000, 0).UTC(),
		}},
		{
			"a declined one keeps the reason and no payment method",
			`{"id":"pi_1","object":"payment_intent","amount":2000,"currency":"usd","status":"requires_payment_method","created":1700000000,
			"customer":"cus_1","payment_method":null,"metadata":{},
			"last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"lost_card","payment_method":{"id":"pm_1"}}}`,
			Intent{
				ID: "pi_1", Amount: 2000, Currency: "usd", Status: StatusRequiresPaymentMethod, CustomerID: "cus_1",
				Created: time.Unix(1700000000, 0).UTC(), LastError: &Decline{Code: "card_declined", DeclineCode: "lost_card"},
			},
		},
		{
			"one of elsewhere, in a status of tomorrow, with its customer expanded",
			`{"id":"pi_1","object":"payment_intent","amount":1,"currency":"eur","status":"requires_patience","created":1700000000,
			"customer":{"id":"cus_2","object":"customer"},"metadata":null}`,
			Intent{
				ID: "pi_1", Amount: 1, Currency: "eur", Status: "requires_patience", CustomerID: "cus_2",
				Created: time.Unix(1700000000, 0).UTC(),
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := newFake(reply(200, tt.answer)).client(t).Intent(t.Context(), "pi_1")
			if err != nil {
				t.Fatal(err)
			}
			type plain Intent // Prints its fields.
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", plain(*got), plain(tt.want))
			}
		})
	}
}

func TestCustomer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer string
		want   Customer
	}{
		"a living one":  {customerJSON, Customer{ID: "cus_1", Email: canaryEmail, Name: "Ada", UserID: "user1"}},
		"a deleted one": {`{"id":"cus_1","object":"customer","deleted":true}`, Customer{ID: "cus_1", Deleted: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newFake(reply(200, tt.answer)).client(t).Customer(t.Context(), "cus_1")
			if err != nil {
				t.Fatal(err)
			}
			type plain Customer
			if *got != tt.want {
				t.Errorf("got %+v, want %+v", plain(*got), plain(tt.want))
			}
		})
	}
}

func TestACustomerAnswerThatIsNoneIsUnknown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"empty": `{}`, "another customer": `{"id":"cus_2"}`, "an intent": intentJSON} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFake(reply(200, answer)).client(t, oneAttempt).Customer(t.Context(), "cus_1")
			wantKind(t, err, KindUnknown)
		})
	}
}

func listJSON(more bool, items ...string) string {
	return fmt.Sprintf(`{"object":"list","url":"/v1/x","has_more":%v,"data":[%s]}`, more, strings.Join(items, ","))
}

func intentOfPayment(id, payment string) string {
	return fmt.Sprintf(`{"id":%q,"object":"payment_intent","status":"succeeded","metadata":{"paymentId":%q}}`, id, payment)
}

func TestIntents(t *testing.T) {
	t.Parallel()
	t.Run("every page, newest first", func(t *testing.T) {
		t.Parallel()
		f := newFake(
			reply(200, listJSON(true, intentOfPayment("pi_5", "pay5"), intentOfPayment("pi_4", "pay4"))),
			reply(200, listJSON(true, `{"id":"pi_3","object":"payment_intent","status":"canceled","metadata":{}}`)),
			reply(200, listJSON(false, intentOfPayment("pi_2", "pay2"))),
		)
		intents, err := f.client(t).Intents(t.Context(), "cus_1", time.Unix(1_700_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		var got, after []string
		for _, in := range intents {
			got = append(got, in.ID+" "+in.PaymentID)
		}
		for _, r := range f.sent() {
			after = append(after, r.params.Get("starting_after"))
			if since := r.params.Get("created[gte]"); since != "1700000000" {
				t.Errorf("asked for intents since %q, want 1700000000", since)
			}
		}
		if want := []string{"pi_5 pay5", "pi_4 pay4", "pi_3 ", "pi_2 pay2"}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if want := []string{"", "pi_4", "pi_3"}; !reflect.DeepEqual(after, want) {
			t.Errorf("got pages after %q, want %q", after, want)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		intents, err := newFake(reply(200, listJSON(false))).client(t).Intents(t.Context(), "cus_1", time.Now())
		if err != nil || len(intents) != 0 {
			t.Errorf("got %v, %v, want none", intents, err)
		}
	})
	t.Run("a customer that Stripe does not know", func(t *testing.T) {
		t.Parallel()
		f := newFake(reply(400, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"customer"}}`))
		_, err := f.client(t).Intents(t.Context(), "cus_1", time.Now())
		if e := wantKind(t, err, KindNotFound); e.Param != "customer" {
			t.Errorf("got param %q, want customer", e.Param)
		}
	})
	for name, answer := range map[string]string{
		"an object that is no list":    `{}`,
		"a list without data":          `{"object":"list","has_more":false}`,
		"an empty page that goes on":   listJSON(true),
		"a list of something else":     listJSON(false, `{"id":"evt_1"}`),
		"a list with a hole":           listJSON(false, `null`),
		"a list cut short":             listJSON(false, intentOfPayment("pi_1", "pay1"))[:80],
		"an intent in place of a list": intentJSON,
	} {
		t.Run(name+" is not taken for none", func(t *testing.T) {
			t.Parallel()
			_, err := newFake(reply(200, answer)).client(t, oneAttempt).Intents(t.Context(), "cus_1", time.Now())
			if wantKind(t, err, KindUnknown); !errors.Is(err, errUnreadable) {
				t.Errorf("got cause %v, want %v", errors.Unwrap(err), errUnreadable)
			}
		})
	}
}

func event(id string) string {
	return fmt.Sprintf(`{"id":%q,"object":"event","type":"payment_intent.succeeded","created":1700000000,
	"data":{"object":{"id":"pi_%s","object":"payment_intent"}}}`, id, id)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	ids := func(events []Event) (ids []string) {
		for _, e := range events {
			ids = append(ids, e.ID)
		}
		return ids
	}
	tests := []struct {
		name, cursor string
		answer       string
		want         []string
		more         bool
	}{
		{"after a cursor, oldest first", "evt_1", listJSON(false, event("evt_3"), event("evt_2")), []string{"evt_2", "evt_3"}, false},
		{"after a cursor, with more to come", "evt_1", listJSON(true, event("evt_3"), event("evt_2")), []string{"evt_2", "evt_3"}, true},
		{"nothing new", "evt_1", listJSON(false), nil, false},
		{"the newest; what is older is not more", "", listJSON(true, event("evt_3"), event("evt_2")), []string{"evt_2", "evt_3"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(reply(200, tt.answer))
			got, more, err := f.client(t).Events(t.Context(), tt.cursor, 50)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(ids(got), tt.want) || more != tt.more {
				t.Errorf("got %v, more %v; want %v, %v", ids(got), more, tt.want, tt.more)
			}
			p := f.sent()[0].params
			if p.Get("ending_before") != tt.cursor || p.Get("limit") != "50" || p.Has("starting_after") {
				t.Errorf("got parameters %v, want 50 before %q", p, tt.cursor)
			}
		})
	}
	t.Run("tells the object and no more", func(t *testing.T) {
		t.Parallel()
		got, _, err := newFake(reply(200, listJSON(false, event("evt_2")))).client(t).Events(t.Context(), "evt_1", 1)
		if err != nil {
			t.Fatal(err)
		}
		want := Event{
			ID: "evt_2", Type: "payment_intent.succeeded", Created: time.Unix(1700000000, 0).UTC(),
			Object: "payment_intent", ObjectID: "pi_evt_2",
		}
		if got[0] != want {
			t.Errorf("got %+v, want %+v", got[0], want)
		}
	})
	t.Run("asks for types that matter, at most 20", func(t *testing.T) {
		t.Parallel()
		f := newFake(reply(200, listJSON(false)))
		if _, _, err := f.client(t).Events(t.Context(), "", 1); err != nil {
			t.Fatal(err)
		}
		types := map[string]bool{}
		for name, v := range f.sent()[0].params {
			if strings.HasPrefix(name, "types[") {
				types[v[0]] = true
			}
		}
		if len(types) == 0 || len(types) > 20 || !types["payment_intent.succeeded"] {
			t.Errorf("got types %v", types)
		}
	})
	t.Run("a cursor that Stripe has forgotten", func(t *testing.T) {
		t.Parallel()
		f := newFake(reply(http.StatusBadRequest, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"ending_before"}}`))
		_, _, err := f.client(t).Events(t.Context(), "evt_1", 1)
		if e := wantKind(t, err, KindNotFound); e.Param != "ending_before" {
			t.Errorf("got param %q, want ending_before", e.Param)
		}
	})
}

func TestEventBefore(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ answer, want string }{
		"the newest that old": {listJSON(true, event("evt_7")), "evt_7"},
		"none that old":       {listJSON(false), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(reply(200, tt.answer))
			id, err := f.client(t).EventBefore(t.Context(), time.Unix(1_700_000_000, 0))
			if err != nil || id != tt.want {
				t.Errorf("got %q, %v, want %q", id, err, tt.want)
			}
			if p := f.sent()[0].params; p.Get("created[lte]") != "1700000000" || p.Get("limit") != "1" {
				t.Errorf("asked with %v", p)
			}
		})
	}
}
