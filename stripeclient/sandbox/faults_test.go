package sandbox_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestAPIFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind sandbox.FaultKind
		// status of the first answer, 0 if there is none that can be read.
		status int
		code   stripe.ErrorCode
		// executed: the first call charged, whatever it answered.
		executed bool
		// again is the status of the same call with the same key.
		again int
	}{
		{sandbox.FaultLostReply, 0, "", true, 200},
		{sandbox.FaultTruncated, 0, "", true, 200},
		{sandbox.FaultCutBody, 0, "", true, 200},
		{sandbox.FaultAmountTooSmall, 400, "amount_too_small", false, 200},
		{sandbox.FaultIntentRateLimit, 400, "payment_intent_rate_limit_exceeded", false, 200},
		{sandbox.FaultTestmodeOnly, 400, "testmode_charges_only", false, 200},
		{sandbox.FaultAccountClosed, 400, "account_closed", false, 200},
		{sandbox.FaultCountryUnsupported, 400, "country_unsupported", false, 200},
		{sandbox.FaultKeyExpired, 400, "platform_api_key_expired", false, 200},
		{sandbox.FaultErrorBefore, 500, "", false, 500},
		{sandbox.FaultErrorAfter, 500, "", true, 500},
		{sandbox.FaultRateLimit, 429, "rate_limit", false, 200},
		{sandbox.FaultLockTimeout, 429, "lock_timeout", false, 200},
		{sandbox.FaultKeyInUse, 409, "idempotency_key_in_use", false, 200},
		{sandbox.FaultUnauthorized, 401, "", false, 200},
		{sandbox.FaultHTML502, 0, "", false, 200},
		{sandbox.FaultDelay, 200, "", true, 200},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t, sandbox.Config{})
			b.broken = true
			in := b.newIntent()
			fault := sandbox.Fault{Match: "POST /v1/payment_intents/*/confirm", Kind: tt.kind, Delay: time.Millisecond}
			if err := b.sandbox.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			confirm := func() (int, stripe.ErrorCode) {
				_, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa"), "k"))
				var e *stripe.Error
				switch {
				case err == nil:
					return 200, ""
				case errors.As(err, &e):
					return e.HTTPStatusCode, e.Code
				}
				return 0, ""
			}
			if status, code := confirm(); status != tt.status || code != tt.code {
				t.Errorf("got %d %s, want %d %s", status, code, tt.status, tt.code)
			}
			if executed := len(b.sandbox.Charges()) == 1; executed != tt.executed {
				t.Errorf("got executed %v, want %v", executed, tt.executed)
			}
			if status, _ := confirm(); status != tt.again {
				t.Errorf("again: got %d, want %d", status, tt.again)
			}
			if n := len(b.sandbox.Charges()); n > 1 {
				t.Errorf("got %d charges for one key", n)
			}
		})
	}
}

// TestLostReplyIsSeenByTheCaller: Go's transport repeats a request with an
// Idempotency-Key by itself if a used connection closes without a byte.
func TestLostReplyIsSeenByTheCaller(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	b.newIntent() // the connection is now a used one
	if err := b.sandbox.AddFault(sandbox.Fault{Match: "POST /v1/*", Kind: sandbox.FaultLostReply}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.api.PaymentIntents.New(keyed(intent(), "k")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected end", err)
	}
	if got := b.sandbox.Requests()["POST /v1/payment_intents"]; got != 2 {
		t.Errorf("got %d requests, want 2", got)
	}
}

func TestCallerThatGaveUpIsChargedAllTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.newIntent()
	if err := b.sandbox.AddFault(sandbox.Fault{Match: "POST /v1/payment_intents/*/confirm", Kind: sandbox.FaultDelay, Delay: 200 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	impatient := stripeGo(b.url, &http.Client{Timeout: 20 * time.Millisecond})
	if _, err := impatient.PaymentIntents.Confirm(in.ID, with("pm_card_visa")); err == nil {
		t.Fatal("got an answer, want a time-out")
	}
	eventually(t, "the charge", func() bool { return len(b.sandbox.Charges()) == 1 })
}

func TestFaultStrikesAsOftenAsItSays(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{Seed: 7})
	failures := func(n int) (failed int) {
		for range n {
			if status, _, _ := b.raw("GET", "/v1/customers", nil, nil); status == 500 {
				failed++
			}
		}
		return failed
	}
	add := func(f sandbox.Fault) {
		t.Helper()
		f.Match, f.Kind = "GET /v1/customers", sandbox.FaultErrorBefore
		if err := b.sandbox.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	add(sandbox.Fault{})
	if got := failures(5); got != 1 {
		t.Errorf("by default: got %d failures, want 1", got)
	}
	add(sandbox.Fault{Times: 3})
	if got := failures(5); got != 3 {
		t.Errorf("three times: got %d failures, want 3", got)
	}
	add(sandbox.Fault{Probability: 1})
	if got := failures(5); got != 5 {
		t.Errorf("always: got %d failures, want 5", got)
	}
	b.sandbox.ClearFaults()
	if got := failures(5); got != 0 {
		t.Errorf("cleared: got %d failures, want 0", got)
	}
	add(sandbox.Fault{Probability: 0.5})
	if got := failures(200); got < 60 || got > 140 {
		t.Errorf("half of the time: got %d failures of 200", got)
	}
}

func TestFaultsOfOtherCallsStayArmed(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	if err := b.sandbox.AddFault(sandbox.Fault{Match: "POST /v1/payment_intents/*/confirm", Kind: sandbox.FaultErrorBefore}); err != nil {
		t.Fatal(err)
	}
	b.newIntent()
	if armed := b.sandbox.Faults(); len(armed) != 1 || armed[0].Times != 1 {
		t.Errorf("got %v, want it still armed", armed)
	}
}

func TestAddFaultReportsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, tt := range []struct {
		name  string
		fault sandbox.Fault
		says  []string
	}{
		{"all at once", sandbox.Fault{Kind: "x", Times: -1, Probability: 2, Delay: -1}, []string{"match", `"x"`, "times", "probability", "delay"}},
		{"delay without length", sandbox.Fault{Match: "GET /", Kind: sandbox.FaultDelay}, []string{"delay"}},
		{"pattern without method", sandbox.Fault{Match: "/v1/customers", Kind: sandbox.FaultHTML502}, []string{"METHOD /path"}},
		{"malformed pattern", sandbox.Fault{Match: "GET /[", Kind: sandbox.FaultHTML502}, []string{"match"}},
	} {
		err := b.sandbox.AddFault(tt.fault)
		if err == nil {
			t.Errorf("%s: got no error", tt.name)
			continue
		}
		for _, says := range tt.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: got %q, want it to say %q", tt.name, err, says)
			}
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.intentIn(stripe.PaymentIntentStatusSucceeded)
	for range 2 {
		_, _, _ = b.raw("GET", "/v1/payment_intents/"+in.ID, nil, nil)
	}
	_, _, _ = b.raw("GET", "/v1/nothing", nil, nil)
	got := b.sandbox.Requests()
	if got["POST /v1/payment_intents"] != 1 || got["GET /v1/payment_intents/*"] != 2 || got["unrecognized"] != 1 {
		t.Errorf("got %v, want 1, 2 and 1 unrecognized", got)
	}
}

// Stripe refuses an email address and nothing else: the same call without one
// succeeds.
func TestEmailFaultStrikesOnlyCallsWithAnEmail(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	fault := sandbox.Fault{Match: "POST /v1/customers*", Kind: sandbox.FaultEmailInvalid, Probability: 1}
	if err := b.sandbox.AddFault(fault); err != nil {
		t.Fatal(err)
	}
	customer, err := b.api.Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada")})
	if err != nil {
		t.Fatalf("without an email: %v", err)
	}
	fault.Match = "POST /v1/customers/*"
	if err := b.sandbox.AddFault(fault); err != nil {
		t.Fatal(err)
	}
	email := &stripe.CustomerParams{Email: stripe.String("ada@example.com")}
	_, err = b.api.Customers.New(email)
	wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "email_invalid", "email")
	_, err = b.api.Customers.Update(customer.ID, email)
	wantError(t, err, 400, stripe.ErrorTypeInvalidRequest, "email_invalid", "email")
	if _, err = b.api.Customers.Update(customer.ID, &stripe.CustomerParams{Email: stripe.String("")}); err != nil {
		t.Errorf("taking the email away: %v", err)
	}
}

// All headers of an answer arrive before its body is cut.
func TestCutBodyComesAfterAllHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	b.broken = true
	if err := b.sandbox.AddFault(sandbox.Fault{Match: "POST /v1/payment_intents", Kind: sandbox.FaultCutBody}); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v1/payment_intents", strings.NewReader("amount=2000&currency=usd"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+testKey)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Idempotency-Key", "k")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an unexpected end", err)
	}
	if response.StatusCode != 200 || response.Header.Get("Stripe-Should-Retry") != "false" || response.Header.Get("Original-Request") == "" {
		t.Errorf("got %d %v, want 200 with the headers of an executed call", response.StatusCode, response.Header)
	}
	if n := int64(len(body)); n == 0 || n*2 > response.ContentLength {
		t.Errorf("got %d bytes of %d, want half of them", n, response.ContentLength)
	}
}
