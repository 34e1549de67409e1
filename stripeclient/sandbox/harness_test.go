package sandbox_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

const testKey = "sk_test_sandbox"

// bench is a sandbox behind a real server, and stripe-go pointed at it.
type bench struct {
	*testing.T
	sandbox *sandbox.Sandbox
	api     *client.API
	url     string
	// broken lets bodies be what Stripe would not send.
	broken bool
}

// setup starts a sandbox. Every body under /v1/ is validated.
func setup(t *testing.T, cfg sandbox.Config) *bench {
	t.Helper()
	if cfg.SecretKeys == nil {
		cfg.SecretKeys = []string{testKey}
	}
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	b := &bench{T: t, sandbox: s}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		s.ServeHTTP(rec, r)
		if rec.status == 0 || b.broken || !strings.HasPrefix(r.URL.Path, "/v1/") {
			return
		}
		if err := checkBody(rec.status, rec.body.Bytes()); err != nil {
			t.Errorf("%s %s: body does not fit Stripe's schema: %v\n%s", r.Method, r.URL.Path, err, rec.body.Bytes())
		}
	}))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		server.Close()
	})
	b.url = server.URL
	b.api = stripeGo(server.URL, server.Client())
	return b
}

func stripeGo(url string, httpClient *http.Client) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL:               stripe.String(url),
		HTTPClient:        httpClient,
		MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	return client.New(testKey, &stripe.Backends{API: backend})
}

// must fails the test on an error and passes the value on.
func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
	return value
}

// stripeError is the error of a call as stripe-go reads it.
func stripeError(t testing.TB, err error) *stripe.Error {
	t.Helper()
	var e *stripe.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want one of Stripe's", err)
	}
	return e
}

// wantError compares what a client may branch on.
func wantError(t testing.TB, err error, status int, kind stripe.ErrorType, code stripe.ErrorCode, param string) *stripe.Error {
	t.Helper()
	e := stripeError(t, err)
	if e.HTTPStatusCode != status || e.Type != kind || e.Code != code || e.Param != param {
		t.Fatalf("got %d %s code=%q param=%q (%s), want %d %s code=%q param=%q",
			e.HTTPStatusCode, e.Type, e.Code, e.Param, e.Msg, status, kind, code, param)
	}
	return e
}

// intent returns the parameters of a usual intent: 20 dollars, no redirects.
func intent() *stripe.PaymentIntentParams {
	return &stripe.PaymentIntentParams{
		Amount:   stripe.Int64(2000),
		Currency: stripe.String("usd"),
		AutomaticPaymentMethods: &stripe.PaymentIntentAutomaticPaymentMethodsParams{
			Enabled: stripe.Bool(true), AllowRedirects: stripe.String("never"),
		},
	}
}

// newIntent creates a usual intent.
func (b *bench) newIntent() *stripe.PaymentIntent {
	b.Helper()
	in, err := b.api.PaymentIntents.New(intent())
	return must(b, in, err)
}

// with returns the parameters of a confirmation with a payment method.
func with(method string) *stripe.PaymentIntentConfirmParams {
	return &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String(method)}
}

// keyed is a set of parameters that takes an idempotency key.
func keyed[P interface{ SetIdempotencyKey(string) }](params P, key string) P {
	params.SetIdempotencyKey(key)
	return params
}

// raw makes a call without stripe-go and returns status, header and body.
func (b *bench) raw(method, path string, form url.Values, header map[string]string) (int, http.Header, map[string]any) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+testKey)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(content, &body); err != nil {
		b.Fatalf("%s %s: %v in %q", method, path, err, content)
	}
	return response.StatusCode, response.Header, body
}

// eventTypes returns the types of all events after the first skip, in order.
func (b *bench) eventTypes(skip int) []string {
	var types []string
	for _, e := range b.sandbox.Events()[skip:] {
		types = append(types, e.Type)
	}
	return types
}

// eventually polls until ok is true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
