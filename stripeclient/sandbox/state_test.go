package sandbox_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// TestStateSurvivesAKill opens the state again without closing it first, as
// after a SIGKILL: all that was answered must be there.
func TestStateSurvivesAKill(t *testing.T) {
	t.Parallel()
	cfg := sandbox.Config{StatePath: filepath.Join(t.TempDir(), "state")}
	b := setup(t, cfg)
	customer, err := b.api.Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []stripe.PaymentIntentStatus{"requires_action", "requires_capture", "processing", "succeeded", "canceled"} {
		b.intentIn(status)
	}
	declined := b.newIntent()
	_, first := b.api.PaymentIntents.Confirm(declined.ID, keyed(with("pm_card_chargeDeclined"), "k"))

	again := setup(t, cfg)
	for name, pair := range map[string][2]any{
		"customers": {b.sandbox.Customers(), again.sandbox.Customers()},
		"intents":   {b.sandbox.Intents(), again.sandbox.Intents()},
		"charges":   {b.sandbox.Charges(), again.sandbox.Charges()},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: got %+v, want %+v", name, pair[1], pair[0])
		}
	}
	if got, want := fmt.Sprint(again.eventTypes(0)), fmt.Sprint(b.eventTypes(0)); got != want {
		t.Errorf("got events %v, want %v", got, want)
	}
	if got, err := again.api.Customers.Get(customer.ID, nil); err != nil || got.Name != "Ada" {
		t.Errorf("got %v, %v; want the customer", got, err)
	}
	_, second := again.api.PaymentIntents.Confirm(declined.ID, keyed(with("pm_card_chargeDeclined"), "k"))
	if got, want := stripeError(t, second), stripeError(t, first); got.ChargeID != want.ChargeID {
		t.Errorf("got the decline of %s, want the replay of %s", got.ChargeID, want.ChargeID)
	}
}

func TestTornLastLineIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, torn := range map[string]string{"no end of line": `[{"table":"customers","id":"cu`, "zeros": "\x00\x00\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state")
			b := setup(t, sandbox.Config{StatePath: path})
			b.newIntent()
			appendTo(t, path, torn)
			again := setup(t, sandbox.Config{StatePath: path})
			if got := len(again.sandbox.Intents()); got != 1 {
				t.Errorf("got %d intents, want 1", got)
			}
			again.newIntent()
			if got := len(setup(t, sandbox.Config{StatePath: path}).sandbox.Intents()); got != 2 {
				t.Errorf("got %d intents after writing on, want 2", got)
			}
		})
	}
}

func TestDamageBeforeTheLastLineIsAnError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	b := setup(t, sandbox.Config{StatePath: path})
	b.newIntent()
	appendTo(t, path, "damage\n[]\n")
	if _, err := sandbox.New(sandbox.Config{StatePath: path}); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v, want an error that names line 2", err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString(text)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestStateFileIsPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	setup(t, sandbox.Config{StatePath: path})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v; want mode 600", info, err)
	}
}

func TestClosedStateAnswers500(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{StatePath: filepath.Join(t.TempDir(), "state")})
	for range 2 {
		if err := b.sandbox.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	_, err := b.api.PaymentIntents.New(intent())
	wantError(t, err, http.StatusInternalServerError, stripe.ErrorTypeAPI, "", "")
	if got := len(b.sandbox.Intents()); got != 0 {
		t.Errorf("got %d intents, want none that was not written", got)
	}
}

func TestNewReportsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := sandbox.New(sandbox.Config{SecretKeys: []string{"sk_live_verysecret"}, WebhookURL: "example.com", LockWait: -1})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, says := range []string{"secret key", "webhook URL", "webhook secret", "lock wait"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("got %q, want it to say %q", err, says)
		}
	}
	if strings.Contains(err.Error(), "verysecret") {
		t.Errorf("got %q, which tells the key", err)
	}
}

// logBook is a log that can be read while it is written.
type logBook struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.String()
}

func TestLogTellsWhatIsNotEmulatedAndNoSecrets(t *testing.T) {
	t.Parallel()
	var log logBook
	r := newReceiver(t)
	cfg := r.config()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b := setup(t, cfg)
	_, _, _ = b.raw("GET", "/v1/balance", nil, nil)
	_, _, _ = b.raw("POST", "/v1/payment_intents", map[string][]string{"amount": {"2000"}, "currency": {"usd"}, "transfer_group": {"g"}}, nil)
	if _, err := b.api.Customers.New(&stripe.CustomerParams{Email: stripe.String("ada@example.com")}); err != nil {
		t.Fatal(err)
	}
	b.intentIn(stripe.PaymentIntentStatusSucceeded)
	eventually(t, "all webhooks", b.delivered)
	text := log.String()
	for _, says := range []string{`level=WARN msg="not emulated" method=GET path=/v1/balance`, `level=WARN msg="not emulated" param=transfer_group`, "msg=webhook"} {
		if !strings.Contains(text, says) {
			t.Errorf("the log does not say %q:\n%s", says, text)
		}
	}
	for _, secret := range []string{"_secret_", "sk_", "whsec_", "ada@example.com"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q:\n%s", secret, text)
		}
	}
}

func TestInspectorsGiveCopies(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	params := intent()
	params.AddMetadata("a", "b")
	in, err := b.api.PaymentIntents.New(params)
	if err != nil {
		t.Fatal(err)
	}
	b.sandbox.Intents()[0].Metadata["a"] = "changed"
	b.sandbox.Events()[0].Object[0] = 'x'
	if got, err := b.api.PaymentIntents.Get(in.ID, nil); err != nil || got.Metadata["a"] != "b" {
		t.Errorf("got %v, %v; want the metadata unchanged", got, err)
	}
	if _, err := b.api.Events.Get(b.sandbox.Events()[0].ID, nil); err != nil {
		t.Errorf("got %v, want the event unchanged", err)
	}
}

func TestSchemaCheckFindsFaults(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.newIntent()
	request, err := http.NewRequestWithContext(context.Background(), "GET", b.url+"/v1/payment_intents/"+in.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+testKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	good := body.String()
	for name, bad := range map[string]string{
		"unknown property":  strings.Replace(good, `"amount"`, `"amuont": 1, "amount"`, 1),
		"wrong type":        strings.Replace(good, `"amount": 2000`, `"amount": "2000"`, 1),
		"missing property":  strings.Replace(good, `"review": null,`, "", 1),
		"unknown status":    strings.Replace(good, "requires_payment_method", "pending", 1),
		"unknown in nested": strings.Replace(good, `"enabled"`, `"on": 1, "enabled"`, 1),
	} {
		if bad == good {
			t.Errorf("%s: the body was not changed", name)
		}
		if err := checkBody(200, []byte(bad)); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if err := checkBody(200, []byte(good)); err != nil {
		t.Errorf("good body: %v", err)
	}
	if err := checkBody(400, []byte(`{"error":{"type":"rate_limit_error"}}`)); err == nil {
		t.Error("unknown error type: got no error")
	}
}
