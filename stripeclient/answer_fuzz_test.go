package stripeclient

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// errorShape is all that the text of an error may be: our words, codes, and a
// message on one line without an email address.
var errorShape = regexp.MustCompile(`^stripe: [a-z ]+: [a-z_]+( \(status \d+\))?(: [a-zA-Z -]+)?` +
	`( (type|code|decline_code|param|request)=[A-Za-z0-9_.\[\]-]{1,100})*( message="[^\n]+")?$`)

// FuzzAnswer lets Stripe, or whoever stands in its way, answer anything to every
// call: what comes out is an object with an id of its kind, or an error whose text
// has nothing of the answer but codes and a redacted message.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		intentJSON, customerJSON, "", "null", "[]", "<html>", `{"error":{}}`, `{"error":"text"}`, `{"id":"pi_1","object":"payment_intent"}`,
		errorJSON(`"type":"card_error","code":"card_declined","decline_code":"lost_card"`), errorJSON(`"type":"invalid_request_error","code":"resource_missing","param":"customer"`),
		errorJSON(`"type":"idempotency_error"`), `{"object":"list","has_more":true,"data":[` + intentJSON + `]}`, `{"object":"list","data":[null,{}]}`,
		`{"object":"list","has_more":false,"data":[` + eventJSON + `]}`, `{"id":"cus_1","deleted":true}`, strings.Repeat("[", 20_000),
	} {
		for _, status := range []int{200, 302, 400, 402, 404, 429, 500} {
			f.Add(status, body, "req_1", "1", "true")
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, requestID, retryAfter, flag string) {
		if status < 200 || status > 599 {
			return
		}
		answer := reply(status, body, "Request-Id", requestID, "Retry-After", retryAfter, "Stripe-Should-Retry", flag, "Idempotent-Replayed", flag)
		c := newFake(answer).client(t, oneAttempt, func(cfg *Config) { cfg.RatePerSecond, cfg.BreakerFailures = 1e6, 1e6 })
		// A list that never ends ends with the context.
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		for op, call := range map[string]func() (any, string, error){
			"create intent": func() (any, string, error) {
				in, err := c.CreateIntent(ctx, "k", fuzzIntent())
				return in, idOf(in), err
			},
			"get intent": func() (any, string, error) { in, err := c.Intent(ctx, "pi_1"); return in, idOf(in), err },
			"confirm intent": func() (any, string, error) {
				in, err := c.ConfirmIntent(ctx, "pi_1", "k", "pm_1")
				return in, idOf(in), err
			},
			"list intents": func() (any, string, error) { all, err := c.Intents(ctx, "cus_1", time.Unix(0, 0)); return all, "", err },
			"find event":   func() (any, string, error) { id, err := c.EventBefore(ctx, time.Unix(0, 0)); return id, "", err },
			"get customer": func() (any, string, error) {
				cus, err := c.Customer(ctx, "cus_1")
				if cus == nil {
					return nil, "", err
				}
				return cus, cus.ID, err
			},
			"list events": func() (any, string, error) { _, _, err := c.Events(ctx, "evt_0", 10); return nil, "", err },
		} {
			value, id, err := call()
			if err != nil {
				e := failureOf(t, err)
				if !errorShape.MatchString(e.Error()) || strings.Contains(e.Error(), canarySecret) || strings.Contains(e.Error(), canaryEmail) {
					t.Errorf("%s: the error is %q", op, e)
				}
				if e.Kind == KindNotFound && e.Code == "" {
					t.Errorf("%s: not found without Stripe saying so: %v", op, e)
				}
				continue
			}
			isList := strings.HasPrefix(op, "list ") || op == "find event"
			if !isList && !isID("pi_", id) && !isID("cus_", id) || strings.Contains(fmt.Sprintf("%v %+v", value, value), canarySecret) {
				t.Errorf("%s: got %v with id %q", op, value, id)
			}
		}
	})
}

func fuzzIntent() IntentParams {
	return IntentParams{Amount: 2000, Currency: "usd", CustomerID: "cus_1", PaymentID: "pay1", UserID: "user1", CUID: "c1"}
}

func idOf(in *Intent) string {
	if in == nil {
		return ""
	}
	return in.ID
}
