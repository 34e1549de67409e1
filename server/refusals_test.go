package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nestpayments/nestpayments/stripeclient"
)

// stripeAnswer is what a cannedStripe answers.
type stripeAnswer struct {
	status int
	body   string
	header http.Header
}

// cannedStripe gives its answer to every request with this method and end of the
// path, while it has one, and passes the others on to the sandbox.
type cannedStripe struct {
	method, suffix string
	answer         atomic.Pointer[stripeAnswer]
	// next sends what it passes on. Default http.DefaultTransport.
	next http.RoundTripper
}

func (c *cannedStripe) use(cfg *stripeclient.Config) { cfg.Transport = c }

// set sets the answer; header are names and values in turn.
func (c *cannedStripe) set(status int, body string, header ...string) {
	h := http.Header{"Request-Id": {"req_canned"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	c.answer.Store(&stripeAnswer{status, body, h})
}

func (c *cannedStripe) RoundTrip(r *http.Request) (*http.Response, error) {
	a := c.answer.Load()
	if a == nil || r.Method != c.method || !strings.HasSuffix(r.URL.Path, c.suffix) {
		if c.next != nil {
			return c.next.RoundTrip(r)
		}
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: a.status, Header: a.header.Clone(), Request: r,
		Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

func stripeError(members string) string { return `{"error":{` + members + `}}` }

// What a payer can help is theirs: 402 and 422. What only an operator can is a 502
// and an error in the log.
func TestRefusedConfirmationsGoToWhomeverCanFixThem(t *testing.T) {
	t.Parallel()
	const request = `"type":"invalid_request_error"`
	tests := []struct {
		name    string
		status  int
		members string
		want    int
		code    string
	}{
		{"a decline", 402, `"type":"card_error","code":"card_declined","decline_code":"lost_card"`, 402, "payment_declined"},
		{"a payment method that was used up", 400, request, 422, "payment_method_unusable"},
		{"another customer's payment method", 400, request + `,"param":"payment_method"`, 422, "payment_method_unusable"},
		{"a customer's payment method, for an intent without one", 400, request + `,"code":"parameter_missing","param":"source"`, 422, "payment_method_unusable"},
		{"a payment method of another currency", 400, request + `,"code":"payment_method_currency_mismatch"`, 422, "payment_method_unusable"},
		{"an unknown payment method", 400, request + `,"code":"resource_missing","param":"payment_method"`, 422, "payment_method_unusable"},
		{"an account for tests only", 400, request + `,"code":"testmode_charges_only"`, 502, "stripe_refused"},
		{"a closed account", 400, request + `,"code":"account_closed"`, 502, "stripe_refused"},
		{"a country that is not supported", 400, request + `,"code":"country_unsupported"`, 502, "stripe_refused"},
		{"a type of payment method that is switched off", 400, request + `,"code":"payment_method_unactivated","param":"payment_method_types"`, 502, "stripe_refused"},
		{"an expired key", 401, request + `,"code":"api_key_expired"`, 502, "stripe_refused"},
		{"a platform's expired key", 400, request + `,"code":"platform_api_key_expired"`, 502, "stripe_refused"},
		{"a key without the right", 403, request, 502, "stripe_refused"},
		{"an amount that is too small", 400, request + `,"code":"amount_too_small","param":"amount"`, 502, "stripe_refused"},
		{"a parameter of ours", 400, request + `,"code":"parameter_unknown","param":"metadata[a]"`, 502, "stripe_refused"},
		{"a limit of the intent", 429, request + `,"code":"payment_intent_rate_limit_exceeded"`, 503, "stripe_unavailable"},
		{"a limit of the intent, as a bad request", 400, request + `,"code":"payment_intent_rate_limit_exceeded"`, 503, "stripe_unavailable"},
	}
	stripe := &cannedStripe{method: "POST", suffix: "/confirm"}
	a := start(t, setup{noWebhooks: true, stripe: stripe.use})
	me := a.register()
	for i, tt := range tests {
		cuid := fmt.Sprintf("refused%d", i)
		id := a.pay(me, cuid)
		stripe.set(tt.status, stripeError(tt.members+`,"message":"Said to ada@example.com"`))
		a.confirm(me, cuid, id, "pm_1").problem(t, tt.want, tt.code)
		event := a.logged("PaymentController_confirmPayment", i+1)[i]
		if isError := event["level"] == "ERROR"; isError != (tt.want >= 500) {
			t.Errorf("%s: answered %d and logged at %v", tt.name, tt.want, event["level"])
		}
		// A decline is an ordinary event, and its reason is in the answer. What
		// Stripe says of another refusal may quote the caller.
		end := map[bool]string{true: `request=req_canned message="Said to [email]"`, false: "request=req_canned"}[tt.want >= 500]
		if text, _ := event["error"].(string); tt.want != 402 && !strings.HasSuffix(text, end) {
			t.Errorf("%s: logged the error %q, want what Stripe said", tt.name, text)
		}
	}
}

// A saved answer says that the call was executed once, so a read that cannot be made
// after it leaves the outcome open.
func TestABusyReadAfterASavedAnswerIsNotNothing(t *testing.T) {
	t.Parallel()
	write := &cannedStripe{method: "POST"}
	read := &cannedStripe{method: "GET", next: write}
	a := start(t, setup{noWebhooks: true, stripe: read.use})
	me := a.register()
	id := a.pay(me, "first")
	const intent = `{"id":"pi_saved","object":"payment_intent","amount":2000,"currency":"usd","status":"requires_payment_method","client_secret":"pi_saved_secret_x"}`
	for name, busy := range map[string]func(){
		"locked":      func() { read.set(429, stripeError(`"type":"invalid_request_error","code":"lock_timeout"`)) },
		"rate limit":  func() { read.set(429, stripeError(`"type":"invalid_request_error","code":"rate_limit"`)) },
		"in conflict": func() { read.set(409, stripeError(`"type":"invalid_request_error"`)) },
	} {
		busy()
		write.set(200, intent, "Idempotent-Replayed", "true")
		if p := a.post("/payment", me.token, object{"cuid": "saved-" + strings.ReplaceAll(name, " ", "-")}).want(t, 503).object(t); p["code"] != "outcome_unknown" {
			t.Errorf("%s, after a saved create: code is %v", name, p["code"])
		}
		write.set(500, stripeError(`"type":"api_error"`), "Idempotent-Replayed", "true")
		if p := a.post("/payment", me.token, object{"cuid": "failed-" + strings.ReplaceAll(name, " ", "-")}).want(t, 503).object(t); p["code"] != "outcome_unknown" {
			t.Errorf("%s, after a saved failure: code is %v", name, p["code"])
		}
		write.set(402, stripeError(`"type":"card_error","code":"card_declined"`), "Idempotent-Replayed", "true")
		a.confirm(me, "first", id, "pm_card_visa").problem(t, 503, "outcome_unknown")
		// Nothing was sent but the read.
		a.post("/payment", me.token, object{"cuid": "first"}).problem(t, 503, "stripe_unavailable")
	}
}
