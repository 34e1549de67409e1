package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestReplay(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	declined := b.newIntent()
	for _, tt := range []struct {
		name, path string
		form       url.Values
		status     int
	}{
		{"success", "/v1/payment_intents", url.Values{"amount": {"2000"}, "currency": {"usd"}}, 200},
		{"decline", "/v1/payment_intents/" + declined.ID + "/confirm", url.Values{"payment_method": {"pm_card_chargeDeclined"}}, 402},
		{"unexpected state", "/v1/payment_intents/" + b.newIntent().ID + "/confirm", nil, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := map[string]string{"Idempotency-Key": "key " + tt.name}
			status, first, body := b.raw("POST", tt.path, tt.form, key)
			if status != tt.status || first.Get("Idempotency-Key") != key["Idempotency-Key"] || first.Get("Idempotent-Replayed") != "" {
				t.Fatalf("first: got %d %v, want %d with the key and not replayed", status, first, tt.status)
			}
			events := len(b.sandbox.Events())
			status, again, replay := b.raw("POST", tt.path, tt.form, key)
			if status != tt.status || fmt.Sprint(replay) != fmt.Sprint(body) {
				t.Errorf("again: got %d %v, want %d %v", status, replay, tt.status, body)
			}
			if again.Get("Idempotent-Replayed") != "true" || again.Get("Original-Request") != first.Get("Request-Id") {
				t.Errorf("again: got header %v, want it replayed from %s", again, first.Get("Request-Id"))
			}
			if id := again.Get("Request-Id"); id == "" || id == first.Get("Request-Id") {
				t.Errorf("again: got request id %q, want one of its own", id)
			}
			if after := len(b.sandbox.Events()); after != events {
				t.Errorf("again: got %d new events, want none", after-events)
			}
		})
	}
}

func TestIdempotencyKeyMisused(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	if _, err := b.api.PaymentIntents.New(keyed(intent(), "k")); err != nil {
		t.Fatal(err)
	}
	other := intent()
	other.Amount = stripe.Int64(2001)
	_, err := b.api.PaymentIntents.New(keyed(other, "k"))
	e := wantError(t, err, 400, stripe.ErrorTypeIdempotency, "", "")
	if !strings.Contains(e.Msg, "can only be used with the same parameters") {
		t.Errorf("got %q, want the text about parameters", e.Msg)
	}
	_, err = b.api.Customers.New(keyed(&stripe.CustomerParams{}, "k"))
	e = wantError(t, err, 400, stripe.ErrorTypeIdempotency, "", "")
	if !strings.Contains(e.Msg, "('/v1/payment_intents' vs '/v1/customers')") {
		t.Errorf("got %q, want the text about endpoints", e.Msg)
	}
	status, _, _ := b.raw("POST", "/v1/customers", nil, map[string]string{"Idempotency-Key": strings.Repeat("k", 256)})
	if status != 400 {
		t.Errorf("got %d for a key of 256 characters, want 400", status)
	}
}

func TestNotSavedUnderTheKey(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	good := url.Values{"amount": {"2000"}, "currency": {"usd"}}
	arm := func(kind sandbox.FaultKind) func() {
		return func() {
			if err := b.sandbox.AddFault(sandbox.Fault{Match: "POST /v1/payment_intents", Kind: kind}); err != nil {
				t.Error(err)
			}
		}
	}
	for _, tt := range []struct {
		name    string
		prepare func()
		form    url.Values
		status  int
	}{
		{"refused parameters", func() {}, url.Values{"amount": {"2000"}}, 400},
		{"an amount of zero", func() {}, url.Values{"amount": {"0"}, "currency": {"usd"}}, 400},
		{"an unknown customer", func() {}, url.Values{"amount": {"2000"}, "currency": {"usd"}, "customer": {"cus_x"}}, 400},
		{"an unknown payment method", func() {}, url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_x"}}, 400},
		{"a closed account", arm(sandbox.FaultAccountClosed), good, 400},
		{"an amount that is too small", arm(sandbox.FaultAmountTooSmall), good, 400},
		{"rate limit", arm(sandbox.FaultRateLimit), good, 429},
		{"lock timeout", arm(sandbox.FaultLockTimeout), good, 429},
		{"conflict", arm(sandbox.FaultKeyInUse), good, 409},
		{"wrong key", arm(sandbox.FaultUnauthorized), good, 401},
	} {
		key := map[string]string{"Idempotency-Key": tt.name}
		tt.prepare()
		if status, _, _ := b.raw("POST", "/v1/payment_intents", tt.form, key); status != tt.status {
			t.Errorf("%s: got %d, want %d", tt.name, status, tt.status)
		}
		if status, header, _ := b.raw("POST", "/v1/payment_intents", good, key); status != 200 || header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s: got %d %v on another try with the key, want 200, not replayed", tt.name, status, header)
		}
	}
}

// A call on an object that is not there yet is not saved: once it is there, the
// same key works.
func TestUnknownObjectsAreNotSavedUnderTheKey(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.newIntent()
	key := map[string]string{"Idempotency-Key": "k"}
	for _, tt := range []struct {
		path, method string
		status       int
		replayed     string
	}{
		{"pi_x", "pm_card_visa", 404, ""},
		{"pi_x", "pm_card_visa", 404, ""},
		{in.ID, "pm_x", 400, ""},
		{in.ID, "pm_card_visa", 200, ""},
		{in.ID, "pm_card_visa", 200, "true"},
	} {
		status, header, body := b.raw("POST", "/v1/payment_intents/"+tt.path+"/confirm", url.Values{"payment_method": {tt.method}}, key)
		if status != tt.status || header.Get("Idempotent-Replayed") != tt.replayed {
			t.Errorf("%s with %s: got %d, replayed %q, want %d, %q: %v", tt.path, tt.method, status, header.Get("Idempotent-Replayed"), tt.status, tt.replayed, body)
		}
	}
}

func TestKeyIsIgnoredOnGetAndDelete(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	customer, err := b.api.Customers.New(keyed(&stripe.CustomerParams{}, "k"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.api.Customers.Get(customer.ID, keyed(&stripe.CustomerParams{}, "k")); err != nil {
		t.Errorf("GET: %v", err)
	}
	if _, err := b.api.Customers.Del(customer.ID, keyed(&stripe.CustomerParams{}, "k")); err != nil {
		t.Errorf("DELETE: %v", err)
	}
}

func TestKeyIsForgottenAfterADay(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(1_700_000_000)
	b := setup(t, sandbox.Config{Clock: func() time.Time { return time.Unix(now.Load(), 0) }})
	create := func() string {
		in, err := b.api.PaymentIntents.New(keyed(intent(), "k"))
		return must(t, in, err).ID
	}
	first := create()
	now.Add(24*3600 - 1)
	if again := create(); again != first {
		t.Errorf("a second before: got %s, want the replay of %s", again, first)
	}
	now.Add(1)
	if later := create(); later == first {
		t.Errorf("a day later: got the replay of %s, want a new intent", first)
	}
}

func TestParallelCallsWithOneKeyExecuteOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.newIntent()
	var wg sync.WaitGroup
	var done, inUse atomic.Int64
	for range 20 {
		wg.Go(func() {
			got, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa"), "once"))
			switch {
			case err == nil && got.Status == stripe.PaymentIntentStatusSucceeded:
				done.Add(1)
			case stripeError(t, err).HTTPStatusCode == http.StatusConflict && stripeError(t, err).Code == "idempotency_key_in_use":
				inUse.Add(1)
			default:
				t.Errorf("got %v, want success or 409", err)
			}
		})
	}
	wg.Wait()
	if done.Load() == 0 || done.Load()+inUse.Load() != 20 {
		t.Errorf("got %d successes and %d conflicts, want 20 in all and a success", done.Load(), inUse.Load())
	}
	if charges := b.sandbox.Charges(); len(charges) != 1 || charges[0].IdempotencyKey != "once" {
		t.Errorf("got charges %+v, want exactly one, of the key", charges)
	}
}

func TestParallelConfirmsWithDifferentKeysChargeOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.newIntent()
	var wg sync.WaitGroup
	var done atomic.Int64
	for range 20 {
		wg.Go(func() {
			if _, err := b.api.PaymentIntents.Confirm(in.ID, with("pm_card_visa")); err == nil {
				done.Add(1)
			} else if e := stripeError(t, err); e.Code != "payment_intent_unexpected_state" {
				t.Errorf("got %v, want unexpected state", err)
			}
		})
	}
	wg.Wait()
	if done.Load() != 1 || len(b.sandbox.Charges()) != 1 {
		t.Errorf("got %d successes and %d charges, want one each", done.Load(), len(b.sandbox.Charges()))
	}
}

// TestSlowCallHoldsKeyAndObject sends three calls while a fourth executes
// slowly: with its key, on its object, and on another object.
func TestSlowCallHoldsKeyAndObject(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{LockWait: time.Millisecond})
	in := b.newIntent()
	fault := sandbox.Fault{Match: "POST /v1/payment_intents/*/confirm", Kind: sandbox.FaultDelay, Delay: time.Hour}
	if err := b.sandbox.AddFault(fault); err != nil {
		t.Fatal(err)
	}
	slow := make(chan error, 1)
	go func() {
		_, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa"), "slow"))
		slow <- err
	}()
	eventually(t, "the slow call to be under way", func() bool { return len(b.sandbox.Faults()) == 0 })
	eventually(t, "lock_timeout", func() bool {
		_, err := b.api.PaymentIntents.Update(in.ID, &stripe.PaymentIntentParams{Description: stripe.String("x")})
		return err != nil && stripeError(t, err).Code == "lock_timeout" && stripeError(t, err).HTTPStatusCode == 429
	})
	_, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa"), "slow"))
	wantError(t, err, http.StatusConflict, stripe.ErrorTypeIdempotency, "idempotency_key_in_use", "")
	if _, err := b.api.PaymentIntents.Get(in.ID, nil); err != nil {
		t.Errorf("reading meanwhile: %v", err)
	}
	if other := b.intentIn(stripe.PaymentIntentStatusCanceled); other == nil {
		t.Error("another object cannot be used meanwhile")
	}
	if err := b.sandbox.Close(); err != nil { // ends the wait; the state is closed
		t.Fatal(err)
	}
	<-slow
}
