package stripeclient

import "testing"

func TestCheckKey(t *testing.T) {
	t.Parallel()
	const request = `{"error":{"type":"invalid_request_error"`
	for _, tt := range []struct {
		name   string
		answer step
		ok     bool
		want   Kind
	}{
		{name: "a good key of an account with payments", answer: reply(200, listJSON(true, intentJSON)), ok: true},
		{name: "a good key of a new account", answer: reply(200, listJSON(false)), ok: true},
		{name: "a wrong key", answer: reply(401, request+`}}`), want: KindRefused},
		{name: "an expired key", answer: reply(401, request+`,"code":"api_key_expired"}}`), want: KindRefused},
		{name: "a key without the right", answer: reply(403, request+`}}`), want: KindRefused},
		{name: "an account that may not", answer: reply(403, request+`,"code":"account_invalid"}}`), want: KindAccount},
		{name: "an outage", answer: reply(503, `<html>`), want: KindUnknown},
		{name: "a proxy's login page", answer: reply(200, `<html>`), want: KindUnknown},
		{name: "too many requests", answer: reply(429, request+`}}`), want: KindOverloaded},
	} {
		inBubble(t, tt.name, func(t *testing.T) {
			f := newFake(tt.answer)
			err := f.client(t).CheckKey(t.Context())
			if tt.ok && err != nil {
				t.Fatalf("got %v, want no error", err)
			}
			if !tt.ok {
				wantKind(t, err, tt.want)
			}
			r := f.sent()[0]
			if r.method != "GET" || r.path != "/v1/payment_intents" || r.params.Get("limit") != "1" || len(r.params) != 1 {
				t.Errorf("sent %s %s %v, want to list one payment intent", r.method, r.path, r.params)
			}
		})
	}
}
