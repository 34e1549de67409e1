package stripeclient

import (
	"context"
	"testing"
	"time"
)

// redactedMessage is what is left of the message in errorJSON.
const redactedMessage = "No: [email] [key]"

func TestErrorAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer step
		want   Error
		intent bool
	}{
		{
			name:   "a declined card, with the intent",
			answer: reply(402, errorJSON(`"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"`)),
			want:   Error{Kind: KindDeclined, Status: 402, Type: "card_error", Message: redactedMessage, Code: "card_declined", DeclineCode: "insufficient_funds"}, intent: true,
		},
		{
			name:   "a saved decline is marked",
			answer: reply(402, errorJSON(`"type":"card_error","code":"expired_card"`), "Idempotent-Replayed", "true"),
			want:   Error{Kind: KindDeclined, Status: 402, Type: "card_error", Message: redactedMessage, Code: "expired_card", Replayed: true}, intent: true,
		},
		{
			name:   "an intent that has succeeded before, with the intent",
			answer: reply(400, errorJSON(`"type":"invalid_request_error","code":"payment_intent_unexpected_state"`)),
			want:   Error{Kind: KindUnexpectedState, Status: 400, Type: "invalid_request_error", Message: redactedMessage, Code: "payment_intent_unexpected_state"}, intent: true,
		},
		{
			name:   "an unknown object in the path",
			answer: reply(404, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"intent"}}`),
			want:   Error{Kind: KindNotFound, Status: 404, Type: "invalid_request_error", Code: "resource_missing", Param: "intent"},
		},
		{
			name:   "an unknown object in the body",
			answer: reply(400, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"customer"}}`),
			want:   Error{Kind: KindNotFound, Status: 400, Type: "invalid_request_error", Code: "resource_missing", Param: "customer"},
		},
		{
			name:   "a wrong address is not a missing object",
			answer: reply(404, `{"error":{"type":"invalid_request_error"}}`),
			want:   Error{Kind: KindInvalid, Status: 404, Type: "invalid_request_error"},
		},
		{
			name:   "a wrong parameter",
			answer: reply(400, `{"error":{"type":"invalid_request_error","code":"parameter_unknown","param":"metadata[a]"}}`),
			want:   Error{Kind: KindInvalid, Status: 400, Type: "invalid_request_error", Code: "parameter_unknown", Param: "metadata[a]"},
		},
		{
			name:   "another customer's payment method has no code",
			answer: reply(400, `{"error":{"type":"invalid_request_error","param":"payment_method"}}`),
			want:   Error{Kind: KindPaymentMethod, Status: 400, Type: "invalid_request_error", Param: "payment_method"},
		},
		{
			name:   "a key used for other parameters has no code",
			answer: reply(400, `{"error":{"type":"idempotency_error"}}`),
			want:   Error{Kind: KindKeyReused, Status: 400, Type: "idempotency_error"},
		},
		{
			name:   "a key in use",
			answer: reply(409, `{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}`),
			want:   Error{Kind: KindBusy, Status: 409, Type: "idempotency_error", Code: "idempotency_key_in_use"},
		},
		{
			name:   "a locked object",
			answer: reply(429, `{"error":{"type":"invalid_request_error","code":"lock_timeout"}}`),
			want:   Error{Kind: KindBusy, Status: 429, Type: "invalid_request_error", Code: "lock_timeout"},
		},
		{
			name:   "Stripe's rate limit",
			answer: reply(429, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`),
			want:   Error{Kind: KindOverloaded, Status: 429, Type: "invalid_request_error", Code: "rate_limit", RetryAfter: time.Second},
		},
		{
			name:   "Stripe's rate limit with a time to wait",
			answer: reply(429, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`, "Retry-After", "7"),
			want:   Error{Kind: KindOverloaded, Status: 429, Type: "invalid_request_error", Code: "rate_limit", RetryAfter: 7 * time.Second},
		},
		{
			name:   "a wrong key",
			answer: reply(401, `{"error":{"type":"invalid_request_error"}}`),
			want:   Error{Kind: KindRefused, Status: 401, Type: "invalid_request_error"},
		},
		{
			name:   "a restricted key",
			answer: reply(403, `{"error":{"type":"invalid_request_error"}}`),
			want:   Error{Kind: KindRefused, Status: 403, Type: "invalid_request_error"},
		},
		{
			name:   "a fault at Stripe",
			answer: reply(500, errorJSON(`"type":"api_error"`)),
			want:   Error{Kind: KindUnknown, Status: 500, Type: "api_error", Message: redactedMessage}, intent: true,
		},
		{
			name:   "a fault beyond Stripe",
			answer: reply(424, `{"error":{"type":"api_error"}}`),
			want:   Error{Kind: KindUnknown, Status: 424, Type: "api_error"},
		},
		{
			name:   "a proxy's page",
			answer: reply(502, `<html>`+canaryEmail+`</html>`),
			want:   Error{Kind: KindUnknown, Status: 502},
		},
		{
			name:   "a proxy's refusal says nothing about the charge",
			answer: reply(403, `<html>`+canaryEmail+`</html>`),
			want:   Error{Kind: KindUnknown, Status: 403},
		},
		{
			name:   "an error answer without an error",
			answer: reply(400, `{"message":"`+canaryEmail+`"}`),
			want:   Error{Kind: KindUnknown, Status: 400},
		},
		{
			name:   "a truncated success",
			answer: reply(200, intentJSON[:40]),
			want:   Error{Kind: KindUnknown, Status: 200},
		},
		{
			name:   "an empty success",
			answer: reply(200, `{}`),
			want:   Error{Kind: KindUnknown, Status: 200},
		},
		{
			name:   "a success about another intent",
			answer: reply(200, `{"id":"pi_2","object":"payment_intent","status":"succeeded"}`),
			want:   Error{Kind: KindUnknown, Status: 200},
		},
		{
			name:   "text in place of a code is dropped",
			answer: reply(400, `{"error":{"type":"invalid_request_error","code":"`+canaryEmail+`","param":"a b\n"}}`),
			want:   Error{Kind: KindInvalid, Status: 400, Type: "invalid_request_error"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(tt.answer)
			in, err := f.client(t, oneAttempt).ConfirmIntent(t.Context(), "pi_1", "key1", "pm_1")
			got := *failureOf(t, err)
			if in != nil {
				t.Errorf("got intent %v beside an error", in)
			}
			if (got.Intent != nil) != tt.intent {
				t.Errorf("got Error.Intent %v, want one: %v", got.Intent, tt.intent)
			}
			if got.Intent != nil && (got.Intent.ID != "pi_1" || got.Intent.Replayed != tt.want.Replayed) {
				t.Errorf("got Error.Intent %v, replayed %v; want pi_1, %v", got.Intent, got.Intent.Replayed, tt.want.Replayed)
			}
			got.Intent, got.cause = nil, nil
			tt.want.Op, tt.want.RequestID = "confirm intent", "req_1"
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", fields(got), fields(tt.want))
			}
		})
	}
}

// fields shows all fields of an Error, which prints as its text otherwise.
func fields(e Error) any {
	type plain Error
	return plain(e)
}

func TestErrorTextSaysWhatStripeSaidAndWhyThereIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		e    Error
		want string
	}{
		{Error{
			Kind: KindInvalid, Op: "create intent", Status: 400, Type: "invalid_request_error", Code: "amount_too_small",
			Param: "amount", Message: `Amount must be at least "50"`, RequestID: "req_1",
		}, `stripe: create intent: invalid (status 400) type=invalid_request_error code=amount_too_small param=amount request=req_1 message="Amount must be at least \"50\""`},
		{Error{
			Kind: KindDeclined, Op: "confirm intent", Status: 402, Type: "card_error", Code: "card_declined", DeclineCode: "lost_card",
		}, "stripe: confirm intent: declined (status 402) type=card_error code=card_declined decline_code=lost_card"},
		{Error{Kind: KindUnknown, Op: "list events", Status: 503, RequestID: "req_1", cause: errUnreadable},
			"stripe: list events: unknown (status 503): answer is not what the API promises request=req_1"},
		{Error{Kind: KindUnknown, Op: "list events", cause: context.DeadlineExceeded}, "stripe: list events: unknown: time-out"},
	} {
		if got := tt.e.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestArgumentsAreCheckedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	good := IntentParams{Amount: 2000, Currency: "usd", CustomerID: "cus_1", PaymentID: "pay1", UserID: "u", CUID: "c"}
	tests := []struct {
		name  string
		call  func(*Client) error
		param string
	}{
		{"a card number is no payment method", func(c *Client) error {
			_, err := c.ConfirmIntent(ctx, "pi_1", "k", "4242424242424242")
			return err
		}, "payment_method"},
		{"an old token is no payment method", func(c *Client) error {
			_, err := c.ConfirmIntent(ctx, "pi_1", "k", "tok_visa")
			return err
		}, "payment_method"},
		{"a prefix alone is no id", func(c *Client) error {
			_, err := c.ConfirmIntent(ctx, "pi_1", "k", "pm_")
			return err
		}, "payment_method"},
		{"a path in place of an intent", func(c *Client) error {
			_, err := c.Intent(ctx, "pi_1/../../customers")
			return err
		}, "intent"},
		{"a query in place of an intent", func(c *Client) error {
			_, err := c.ConfirmIntent(ctx, "pi_1?expand[]=customer", "k", "pm_1")
			return err
		}, "intent"},
		{"a customer in place of an intent", func(c *Client) error {
			_, err := c.Intent(ctx, "cus_1")
			return err
		}, "intent"},
		{"confirm without a key", func(c *Client) error {
			_, err := c.ConfirmIntent(ctx, "pi_1", "", "pm_1")
			return err
		}, "idempotency_key"},
		{"create customer without a key", func(c *Client) error {
			_, err := c.CreateCustomer(ctx, "", CustomerParams{})
			return err
		}, "idempotency_key"},
		{"create intent without a key", func(c *Client) error {
			_, err := c.CreateIntent(ctx, "", good)
			return err
		}, "idempotency_key"},
		{"a key that a header cannot hold", func(c *Client) error {
			_, err := c.CreateIntent(ctx, "a\r\nb", good)
			return err
		}, "idempotency_key"},
		{"a key of 256 characters", func(c *Client) error {
			_, err := c.CreateIntent(ctx, string(make([]byte, 256)), good)
			return err
		}, "idempotency_key"},
		{"create intent without a customer", func(c *Client) error {
			_, err := c.CreateIntent(ctx, "k", IntentParams{Amount: 1, Currency: "usd"})
			return err
		}, "customer"},
		{"get customer of no id", func(c *Client) error { _, err := c.Customer(ctx, ""); return err }, "customer"},
		{"update customer of a strange id", func(c *Client) error {
			_, err := c.UpdateCustomer(ctx, "cus_é", CustomerParams{})
			return err
		}, "customer"},
		{"list intents of no customer", func(c *Client) error { _, err := c.Intents(ctx, "", time.Now()); return err }, "customer"},
		{"a cursor that is no event", func(c *Client) error { _, _, err := c.Events(ctx, "evt_1&limit=1", 10); return err }, "ending_before"},
		{"a page of none", func(c *Client) error { _, _, err := c.Events(ctx, "", 0); return err }, "limit"},
		{"a page too large", func(c *Client) error { _, _, err := c.Events(ctx, "", 101); return err }, "limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(reply(200, intentJSON))
			want := KindInvalid
			if tt.param == "payment_method" {
				want = KindPaymentMethod // which our caller's client has chosen
			}
			e := wantKind(t, tt.call(f.client(t)), want)
			if e.Param != tt.param {
				t.Errorf("got param %q, want %q", e.Param, tt.param)
			}
			if n := len(f.sent()); n != 0 {
				t.Errorf("got %d requests, want none", n)
			}
		})
	}
}
