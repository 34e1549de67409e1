package stripeclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func wantNoLeak(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%q leaks in %q", s, text)
		}
	}
}

// printed is v as careless code may print it.
func printed(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Error("failed", "value", v, slog.Group("nested", "value", v))
	}
	return b.String()
}

func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	answers := map[string]step{
		"decline":          reply(402, errorJSON(`"type":"card_error","code":"card_declined"`)),
		"unexpected state": reply(400, errorJSON(`"type":"invalid_request_error","code":"payment_intent_unexpected_state"`)),
		"invalid":          reply(400, errorJSON(`"type":"invalid_request_error","param":"`+canaryEmail+`"`)),
		"not found":        reply(404, errorJSON(`"type":"invalid_request_error","code":"resource_missing"`)),
		"idempotency":      reply(400, errorJSON(`"type":"idempotency_error"`)),
		"busy":             reply(409, errorJSON(`"type":"invalid_request_error"`)),
		"rate limit":       reply(429, errorJSON(`"type":"invalid_request_error"`)),
		"refused":          reply(401, errorJSON(`"type":"invalid_request_error"`)),
		"server error":     reply(500, errorJSON(`"type":"api_error"`)),
		"unknown type":     reply(400, errorJSON(`"type":"`+canaryEmail+`"`)),
		"proxy page":       reply(502, `<html>`+canaryEmail+testKey+canarySecret),
		"no error member":  reply(400, `{"client_secret":"`+canarySecret+`","email":"`+canaryEmail+`"}`),
		"truncated":        reply(200, intentJSON[:len(intentJSON)-1]),
		"wrong shape":      reply(200, `["`+canarySecret+`"]`),
		"too large":        reply(200, intentJSON+strings.Repeat(" ", maxAnswer)),
		"redirect":         reply(302, intentJSON, "Location", "https://"+canaryEmail),
		"request id":       reply(500, `{}`, "Request-Id", canaryEmail),
		"dropped":          drop,
		"time-out":         hang,
	}
	calls := map[string]func(*testing.T, *Client) error{
		"confirm": func(t *testing.T, c *Client) error {
			_, err := c.ConfirmIntent(t.Context(), "pi_1", "k", "pm_1")
			return err
		},
		"create customer": func(t *testing.T, c *Client) error {
			_, err := c.CreateCustomer(t.Context(), "k", CustomerParams{Email: canaryEmail})
			return err
		},
		"find": func(t *testing.T, c *Client) error {
			_, err := c.Intents(t.Context(), "cus_1", time.Unix(0, 0))
			return err
		},
		"events": func(t *testing.T, c *Client) error {
			_, _, err := c.Events(t.Context(), "", 10)
			return err
		},
	}
	for answer, s := range answers {
		for name, call := range calls {
			inBubble(t, name+": "+answer, func(t *testing.T) {
				err := call(t, newFake(s).client(t))
				if err == nil {
					t.Fatal("got no error")
				}
				text := printed(err) + printed(*failureOf(t, err)) + printed(fmt.Errorf("wrapped: %w", err))
				wantNoLeak(t, text, "leakcanary")
				wantNoLeak(t, strings.ToLower(text), fmt.Sprintf("%x", "leakcanary"))
			})
		}
	}
}

func TestValuesPrintWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(reply(200, intentJSON), reply(200, customerJSON))
		c := f.client(t)
		in, err := c.Intent(t.Context(), "pi_1")
		if err != nil {
			t.Fatal(err)
		}
		if in.ClientSecret != canarySecret {
			t.Fatalf("got client secret %q, want the canary", in.ClientSecret)
		}
		cus, err := c.Customer(t.Context(), "cus_1")
		if err != nil {
			t.Fatal(err)
		}
		if cus.Email != canaryEmail {
			t.Fatalf("got email %q, want the canary", cus.Email)
		}
		for _, v := range []any{in, *in, cus, *cus, CustomerParams{Email: canaryEmail, UserID: "user1"}, struct{ Any any }{in}, []*Intent{in}, []*Customer{cus}, struct{ P CustomerParams }{CustomerParams{Email: canaryEmail}}} {
			wantNoLeak(t, printed(v), "leakcanary")
			wantNoLeak(t, strings.ToLower(printed(v)), fmt.Sprintf("%x", "leakcanary"))
		}
		encoded, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		wantNoLeak(t, string(encoded), canarySecret)
		if got := fmt.Sprintf("%+v", in); got != "intent pi_1 (succeeded)" {
			t.Errorf("got %q, want the id and the status", got)
		}
	})
}

// captureStreams returns what f writes to the standard streams.
func captureStreams(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = file, file
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	f()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNothingIsLoggedByStripesLibrary(t *testing.T) {
	// Not parallel: it looks at the standard streams.
	out := captureStreams(t, func() {
		f := newFake(reply(402, errorJSON(`"type":"card_error","code":"card_declined"`)))
		_, err := f.client(t).ConfirmIntent(t.Context(), "pi_1", "k", "pm_1")
		wantKind(t, err, KindDeclined)
		f = newFake(reply(500, `<html>`+canaryEmail))
		_, err = f.client(t, oneAttempt).ConfirmIntent(t.Context(), "pi_1", "k", "pm_1")
		wantKind(t, err, KindUnknown)
	})
	if out != "" {
		t.Errorf("got %q on the standard streams, want nothing", out)
	}
}

func TestRequestsCarryKeyAndVersionAndNoTelemetry(t *testing.T) {
	t.Parallel()
	f := newFake(reply(200, intentJSON))
	if _, err := f.client(t).Intent(t.Context(), "pi_1"); err != nil {
		t.Fatal(err)
	}
	h := f.sent()[0].header
	if h.Get("X-Stripe-Client-Telemetry") != "" {
		t.Errorf("got telemetry %q, want none", h.Get("X-Stripe-Client-Telemetry"))
	}
	want := http.Header{
		"Authorization":  {"Bearer " + testKey},
		"Stripe-Version": {"2023-10-16"},
	}
	for name, v := range want {
		if got := h.Get(name); got != v[0] {
			t.Errorf("got %s %q, want %q", name, got, v[0])
		}
	}
}
