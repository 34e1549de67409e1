package stripeclient

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestMessagesLoseSecretsAndAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, param, message, want string }{
		{"what says why stays", "amount", "Amount must be at least $0.50 usd", "Amount must be at least $0.50 usd"},
		{"ids and amounts stay", "payment_method", "No such PaymentMethod: 'pm_1NxYz'; a similar object exists; 99999999 cents at 1700000 of 'cus_A1b2'",
			"No such PaymentMethod: 'pm_1NxYz'; a similar object exists; 99999999 cents at 1700000 of 'cus_A1b2'"},
		{"a secret key", "", "Invalid API Key provided: sk_test_51Abc*****xyz9", "Invalid API Key provided: [key]"},
		{"a restricted key", "", "The key rk_live_51Abc does not have access", "The key [key] does not have access"},
		{"a signing secret", "", "whsec_abc+", "[key]+"},
		{"secrets within ids", "", "No such customer: 'cus_whsec_abc' or 'pm_sk_live_abc'", "No such customer: 'cus_[key]' or 'pm_[key]'"},
		{"a client secret", "client_secret", "The client_secret provided (pi_1Ab_secret_C2d) does not match", "The client_secret provided ([secret]) does not match"},
		{"an email address", "", "No account for ada.l+x@example.com.", "No account for [email]"},
		{"an international email address", "", "No account for <ådä@exämple.com>", "No account for <[email]>"},
		{"a quoted email address", "", `No account for "ada lovelace"@example.com`, "No account for [email]"},
		{"a URL with a password", "", "fetch https://user:hunter2@example.com/x", "fetch [url]"},
		{"a personal value without an @", "email", "Invalid email address: ada at example", "Invalid email address"},
		{"a name", "name", "Invalid name: Ada Lovelace", "Invalid name"},
		{"a card number", "", "Your number 4242424242424242 is live", "Your number [digits] is live"},
		{"a card number in groups", "", "4242 4242-4242.4242", "[digits]"},
		{"a card number within a word", "", "x4242424242424242x", "x[digits]x"},
		{"a phone number", "", "call +1 (555) 010-9999", "call +[digits]"},
		{"an IP address", "", "requests from 203.0.113.7 are not allowed", "requests from [address] are not allowed"},
		{"an IPv6 address", "", "requests from 2001:db8::7 are not allowed", "requests from [address] are not allowed"},
		{"a bearer token", "", "Authorization: Bearer abc.def", "Authorization: [token]"},
		{"a JSON web token", "", "got eyJhbGciOiJ9.eyJzdWIifQ.c2ln", "got [token]"},
		{"a private key", "", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- end", "[pem] end"},
		{"half a private key", "", "see -----BEGIN RSA PRIVATE KEY-----\nMIIE", "see [pem]"},
		{"control characters and line ends", "", "a\nb\r\n\x1b[31mc\u202e", "a b [31mc"},
	} {
		if got := redact(tt.param, tt.message); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
	if got := redact("", strings.Repeat("é", 10_000)); len(got) > maxMessage+4 || !strings.HasSuffix(got, "é ...") {
		t.Errorf("a long message is %d bytes and ends in %q", len(got), got[len(got)-10:])
	}
}

func TestErrorsNameWhyStripeDidNotAnswer(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	reset := func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	to := func(url string) func(*testing.T) *Client {
		return func(t *testing.T) *Client {
			c, err := New(Config{SecretKey: testKey, BaseURL: url, MaxAttempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	from := func(h http.HandlerFunc, change ...func(*Config)) func(*testing.T) *Client {
		return func(t *testing.T) *Client { return serve(t, h, change...) }
	}
	unresolved := func(c *Config) {
		c.Transport = newFake(func(*http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "api.stripe.com", IsNotFound: true}
		})
	}
	for _, tt := range []struct {
		name   string
		client func(*testing.T) *Client
		want   string
	}{
		{"nobody listens", to(closed.URL), "connection refused"},
		{"the connection is reset", from(reset), "connection reset"},
		{"the connection is closed", from(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "the connection was closed without an answer"},
		{"the body is cut short", from(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}), "the answer was cut short"},
		{"it takes too long", from(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			func(c *Config) { c.Timeout = 20 * time.Millisecond }), "time-out"},
		{"the name cannot be resolved", func(t *testing.T) *Client { return newFake(nil).client(t, oneAttempt, unresolved) }, "the host name cannot be resolved"},
		{"a proxy answers", from(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), "unknown (status 503): answer is not what the API promises"},
		{"Stripe says so", from(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(503)
			_, _ = w.Write([]byte(`{"error":{"type":"api_error","message":"We are down"}}`))
		}), `unknown (status 503) type=api_error message="We are down"`},
		{"the circuit breaker is open", func(t *testing.T) *Client {
			c := newFake(drop).client(t, oneAttempt, func(c *Config) { c.BreakerFailures = 1 })
			_, _ = c.Intent(t.Context(), "pi_1")
			return c
		}, "overloaded: the circuit breaker is open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := tt.client(t).Events(t.Context(), "", 1)
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("got %v, want an end of %q", err, tt.want)
			}
		})
	}
}

func TestTransportErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	e := &Error{Op: "get intent", cause: fmt.Errorf("malformed HTTP response %q", canaryEmail+" "+testKey+" "+canarySecret)}
	wantNoLeak(t, e.Error(), "leakcanary")
	if !errors.Is(e, e.cause) || !strings.Contains(e.Error(), "malformed HTTP response") {
		t.Errorf("got %q", e)
	}
}
