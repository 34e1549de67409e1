package stripeclient

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
)

// newMock runs Stripe's own mock, which checks every request against Stripe's
// OpenAPI document of the version that we pin, and refuses another version. It
// has no state: its answers are samples.
func newMock(t *testing.T) *httptest.Server {
	t.Helper()
	spec, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		t.Fatal(err)
	}
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		t.Fatal(err)
	}
	mock, err := server.NewStubServer(fixtures, spec, true, false)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(mock.HandleRequest))
	t.Cleanup(s.Close)
	return s
}

// TestRequestsFitStripesSchema is not parallel: the mock prints every request.
func TestRequestsFitStripesSchema(t *testing.T) {
	stdout := os.Stdout
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Stdout = stdout; null.Close() })
	os.Stdout = null
	mock := newMock(t)
	// The mock takes a key of three parts only.
	c, err := New(Config{SecretKey: "sk_test_123", BaseURL: mock.URL, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	user := CustomerParams{Email: "ada@example.com", Name: "Ada", UserID: "user1"}
	calls := []struct {
		name string
		call func() error
	}{
		{"create customer", func() error { _, err := c.CreateCustomer(ctx, "k1", user); return err }},
		{"create customer without name and email", func() error {
			_, err := c.CreateCustomer(ctx, "k1", CustomerParams{UserID: "user1"})
			return err
		}},
		{"update customer", func() error { _, err := c.UpdateCustomer(ctx, "cus_1", user); return err }},
		{"get customer", func() error { _, err := c.Customer(ctx, "cus_1"); return err }},
		{"find customer", func() error {
			_, err := c.FindCustomer(ctx, "user1", time.Unix(1_700_000_000, 0))
			if e := failureOf(t, err); e.Kind == KindNotFound && e.Status == 0 {
				return nil // As below.
			}
			return err
		}},
		{"create intent", func() error {
			_, err := c.CreateIntent(ctx, "k2", IntentParams{
				Amount: 2000, Currency: "usd", CustomerID: "cus_1", PaymentID: "pay1", UserID: "user1", CUID: "c1",
			})
			return err
		}},
		{"get intent", func() error { _, err := c.Intent(ctx, "pi_1"); return err }},
		{"confirm intent", func() error { _, err := c.ConfirmIntent(ctx, "pi_1", "k3", "pm_1"); return err }},
		{"list intents", func() error { _, err := c.Intents(ctx, "cus_1", time.Unix(1_700_000_000, 0)); return err }},
		{"find event", func() error { _, err := c.EventBefore(ctx, time.Unix(1_700_000_000, 0)); return err }},
		{"list events", func() error { _, _, err := c.Events(ctx, "", 100); return err }},
		{"list events after one", func() error { _, _, err := c.Events(ctx, "evt_1", 1); return err }},
	}
	for _, tt := range calls {
		if err := tt.call(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}

	t.Run("and the check can fail", func(t *testing.T) {
		tests := map[string]struct{ path, version, body string }{
			"an unknown parameter": {"/v1/payment_intents", stripe.APIVersion, "amount=2000&currency=usd&price=1"},
			"a missing parameter":  {"/v1/payment_intents", stripe.APIVersion, "currency=usd"},
			"another version":      {"/v1/payment_intents", "2020-08-27", "amount=2000&currency=usd"},
			"an unknown value": {"/v1/payment_intents", stripe.APIVersion,
				"amount=2000&currency=usd&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=seldom"},
		}
		for name, tt := range tests {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, mock.URL+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer sk_test_123")
			req.Header.Set("Stripe-Version", tt.version)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: got status %d (%s), want 400", name, res.StatusCode, fmt.Sprintf("%.200s", body))
			}
		}
	})
}
