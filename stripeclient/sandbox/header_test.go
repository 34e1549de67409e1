package sandbox_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestHeadersOfAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	arm := func(method string, kind sandbox.FaultKind) {
		if err := b.sandbox.AddFault(sandbox.Fault{Match: method + " /v1/payment_intents", Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	visa, declined := url.Values{"payment_method": {"pm_card_visa"}}, url.Values{"payment_method": {"pm_card_chargeDeclined"}}
	create := url.Values{"amount": {"2000"}, "currency": {"usd"}}
	confirm := func() string { return "/v1/payment_intents/" + b.newIntent().ID + "/confirm" }
	const executed, refused = "executed", "refused before execution"
	for _, tt := range []struct {
		name, method, path string
		form               url.Values
		fault              sandbox.FaultKind
		status             int
		// original: Original-Request is the call's own id. key: the sent key is repeated.
		retry         string
		original, key bool
	}{
		{executed + ": create", "POST", "/v1/payment_intents", create, "", 200, "false", true, true},
		{executed + ": decline", "POST", confirm(), declined, "", 402, "false", true, true},
		{executed + ": unexpected state", "POST", confirm(), nil, "", 400, "false", true, true},
		{executed + ": 500", "POST", "/v1/payment_intents", create, sandbox.FaultErrorAfter, 500, "", true, true},
		{refused + ": unknown object in the path", "POST", "/v1/payment_intents/pi_x/confirm", visa, "", 404, "", false, true},
		{refused + ": unknown object in the body", "POST", confirm(), url.Values{"payment_method": {"pm_x"}}, "", 400, "", false, true},
		{refused + ": parameters", "POST", "/v1/payment_intents", url.Values{"amount": {"0"}, "currency": {"usd"}}, "", 400, "", false, true},
		{refused + ": account", "POST", "/v1/payment_intents", create, sandbox.FaultAccountClosed, 400, "", false, true},
		{refused + ": rate limit", "POST", "/v1/payment_intents", create, sandbox.FaultRateLimit, 429, "", false, true},
		{refused + ": key of the account", "POST", "/v1/payment_intents", create, sandbox.FaultUnauthorized, 401, "", false, false},
		{"lock time-out", "POST", "/v1/payment_intents", create, sandbox.FaultLockTimeout, 429, "true", true, true},
		{"lock time-out of a GET", "GET", "/v1/payment_intents", nil, sandbox.FaultLockTimeout, 429, "true", false, false},
		{"GET", "GET", "/v1/payment_intents", nil, "", 200, "", false, false},
		{"DELETE", "DELETE", "/v1/customers/cus_x", nil, "", 404, "", false, false},
	} {
		if tt.fault != "" {
			arm(tt.method, tt.fault)
		}
		status, header, body := b.raw(tt.method, tt.path, tt.form, map[string]string{"Idempotency-Key": tt.name})
		if status != tt.status {
			t.Errorf("%s: got %d %v, want %d", tt.name, status, body, tt.status)
		}
		if got := header.Get("Stripe-Should-Retry"); got != tt.retry {
			t.Errorf("%s: got Stripe-Should-Retry %q, want %q", tt.name, got, tt.retry)
		}
		want := map[bool]string{true: header.Get("Request-Id")}[tt.original]
		if got := header.Get("Original-Request"); got != want {
			t.Errorf("%s: got Original-Request %q, want %q", tt.name, got, want)
		}
		want = map[bool]string{true: tt.name}[tt.key]
		if got := header.Get("Idempotency-Key"); got != want {
			t.Errorf("%s: got Idempotency-Key %q, want %q", tt.name, got, want)
		}
	}
}

// Stripe makes a key for a POST without one, and the events of the call have it.
func TestACallWithoutAKeyGetsOne(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	_, header, _ := b.raw("POST", "/v1/customers", nil, nil)
	key := header.Get("Idempotency-Key")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(key) {
		t.Errorf("got key %q, want a UUID", key)
	}
	if event := b.sandbox.Events()[0]; event.IdempotencyKey != key {
		t.Errorf("got key %q in the event, want %q", event.IdempotencyKey, key)
	}
	if _, refused, _ := b.raw("POST", "/v1/customers", url.Values{"nmae": {"Ada"}}, nil); refused[http.CanonicalHeaderKey("Idempotency-Key")] != nil {
		t.Errorf("got %v for a call that was not executed, want no key", refused)
	}
}
