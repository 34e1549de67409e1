package sandbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// control calls the control API, without a key.
func (b *bench) control(method, path, body, origin string) (int, map[string]any) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), method, b.url+"/_sandbox/"+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		b.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, answer
}

func TestControlPlaysCustomerAndBank(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, tt := range []struct {
		from            stripe.PaymentIntentStatus
		action, outcome string
		want            string
	}{
		{"requires_action", "challenge", "pass", "succeeded"},
		{"requires_action", "challenge", "fail", "requires_payment_method"},
		{"processing", "settle", "succeed", "succeeded"},
		{"processing", "settle", "fail", "requires_payment_method"},
	} {
		in := b.intentIn(tt.from)
		path := "payment_intents/" + in.ID + "/" + tt.action
		body := fmt.Sprintf(`{"outcome":%q}`, tt.outcome)
		if status, got := b.control("POST", path, body, ""); status != 200 || got["status"] != tt.want {
			t.Errorf("%s %s: got %d %v, want 200 %s", tt.action, tt.outcome, status, got, tt.want)
		}
		if status, got := b.control("POST", path, body, ""); status != 409 {
			t.Errorf("%s %s again: got %d %v, want 409", tt.action, tt.outcome, status, got)
		}
	}
	if err := b.sandbox.Challenge("pi_x", true); !errors.Is(err, sandbox.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := b.sandbox.Settle(b.newIntent().ID, true); !errors.Is(err, sandbox.ErrState) {
		t.Errorf("got %v, want ErrState", err)
	}
}

func TestControlJournal(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.newIntent()
	_, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_chargeDeclined"), "k1"))
	wantError(t, err, 402, stripe.ErrorTypeCard, "card_declined", "")
	if _, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa"), "k2")); err != nil {
		t.Fatal(err)
	}
	status, got := b.control("GET", "journal", "", "")
	charges, _ := got["charges"].([]any)
	if status != 200 || len(charges) != 2 {
		t.Fatalf("got %d %v, want two charges", status, got)
	}
	for i, want := range []string{"failed generic_decline k1", "succeeded  k2"} {
		c := charges[i].(map[string]any)
		if line := fmt.Sprint(c["status"], " ", c["decline_code"], " ", c["idempotency_key"]); line != want || c["payment_intent"] != in.ID {
			t.Errorf("charge %d: got %q, want %q", i, line, want)
		}
	}
}

func TestControlFaults(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	status, got := b.control("POST", "faults", `{"match":"POST /v1/customers","kind":"delay","delay":"1ms","times":2}`, "")
	if status != 200 || len(b.sandbox.Faults()) != 1 {
		t.Fatalf("got %d %v, want the fault armed", status, got)
	}
	_, listed := b.control("GET", "faults", "", "")
	want := "map[faults:[map[delay:1ms kind:delay match:POST /v1/customers probability:0 times:2]]]"
	if fmt.Sprint(listed) != want {
		t.Errorf("got %v, want %s", listed, want)
	}
	if status, _ := b.control("DELETE", "faults", "", ""); status != 200 || len(b.sandbox.Faults()) != 0 {
		t.Errorf("got %d and %v, want none left", status, b.sandbox.Faults())
	}
}

func TestControlRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	event := func() string { b.newIntent(); return b.sandbox.Events()[0].ID }()
	for _, tt := range []struct {
		name, method, path, body, origin string
		status                           int
	}{
		{"a web page", "GET", "journal", "", "http://evil.example", 403},
		{"a web page that writes", "POST", "faults", `{"match":"GET /","kind":"html_502"}`, "null", 403},
		{"unknown path", "GET", "nothing", "", "", 404},
		{"unknown kind", "POST", "faults", `{"match":"GET /","kind":"x"}`, "", 400},
		{"unknown property", "POST", "faults", `{"mtach":"GET /"}`, "", 400},
		{"malformed delay", "POST", "faults", `{"match":"GET /","kind":"delay","delay":"soon"}`, "", 400},
		{"unknown intent", "POST", "payment_intents/pi_x/challenge", `{"outcome":"pass"}`, "", 404},
		{"unknown outcome", "POST", "payment_intents/pi_x/challenge", `{"outcome":"maybe"}`, "", 400},
		{"no webhook to send to", "POST", "events/" + event + "/send", "", "", 409},
	} {
		if status, got := b.control(tt.method, tt.path, tt.body, tt.origin); status != tt.status || got["error"] == nil {
			t.Errorf("%s: got %d %v, want %d with an error", tt.name, status, got, tt.status)
		}
	}
	if armed := b.sandbox.Faults(); len(armed) != 0 {
		t.Errorf("got faults %v, want none", armed)
	}
}
