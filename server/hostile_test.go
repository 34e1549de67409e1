package server_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// send checks every answer against the spec, so these tests need to look at little
// else.

func TestDeclineCodesOfAnyShapeAreAnswered(t *testing.T) {
	t.Parallel()
	stripe := &cannedStripe{method: "POST", suffix: "/confirm"}
	a := start(t, setup{noWebhooks: true, stripe: stripe.use})
	me := a.register()
	id := a.pay(me, "declines")
	long := strings.Repeat("x", 300)
	for _, tt := range []struct{ code, declineCode, want string }{
		{`"card_declined"`, `"insufficient_funds"`, "insufficient_funds"},
		{`"card_declined"`, `""`, "card_declined"},
		{`"card_declined"`, `"N7"`, "card_declined"},
		{`"card_declined"`, `"not a code"`, "card_declined"},
		{`"card_declined"`, `"código"`, "card_declined"},
		{`"card_declined"`, `"` + long + `"`, "card_declined"},
		{`"card_declined"`, `null`, "card_declined"},
		{`"N7"`, `"05"`, "05"},
		{`""`, `""`, "generic_decline"},
		{`"N7"`, `"<b>"`, "generic_decline"},
		{`null`, `"\u0000"`, "generic_decline"},
	} {
		stripe.set(402, stripeError(`"type":"card_error","code":`+tt.code+`,"decline_code":`+tt.declineCode))
		if got := a.confirm(me, "declines", id, "pm_1").problem(t, 402, "payment_declined")["declineCode"]; got != tt.want {
			t.Errorf("code %s, decline_code %s: got %v, want %s", tt.code, tt.declineCode, got, tt.want)
		}
		a.get("/payment/"+id, me.token).want(t, 200)
	}
}

// hostile are values that Stripe does not send today, for each property of an intent
// that gets into an answer.
var hostile = map[string][]any{
	"status":             {"Requires Action", "requires_3ds_v2", "<b>", strings.Repeat("x", 65), "status\n"},
	"payment_method":     {"card_1abc", "src_1", "pm-1", "pm 1", "<script>", strings.Repeat("x", 300), object{"id": "pm 1"}, ""},
	"currency":           {"usdc", "USD", "", "€"},
	"amount":             {-1, 9007199254740993},
	"client_secret":      {"", nil, "a b", "pi_1_secret_<b>", strings.Repeat("x", 600)},
	"customer":           {"", "cus-1", "cus 1", object{"id": "cus 1"}, nil},
	"last_payment_error": {object{"code": "N7", "decline_code": ""}, object{}},
	"metadata":           {object{"paymentId": "<b>", "userId": "../", "cuid": ""}, nil},
}

func TestWhateverStripeAnswersOursFitsTheSpec(t *testing.T) {
	t.Parallel()
	create := &cannedStripe{method: "POST", suffix: "/payment_intents"}
	a := start(t, setup{noWebhooks: true, stripe: create.use})
	me := a.register()
	a.pay(me, "first")
	customer := a.get("/user/"+me.id, me.token).text(t, "customerId")
	n := 0
	intent := func(property string, value any) (id, body string) {
		n++
		id = "pi_hostile" + strings.Repeat("1", n)
		in := object{
			"id": id, "object": "payment_intent", "amount": 2000, "currency": "usd", "status": "requires_payment_method", "customer": customer,
			"payment_method": nil, "client_secret": id + "_secret_x", "created": 1700000000, "metadata": object{},
		}
		in[property] = value
		return id, string(mustJSON(t, in))
	}
	for property, values := range hostile {
		for _, value := range values {
			id, body := intent(property, value)
			create.set(200, body)
			got := a.post("/payment", me.token, object{"cuid": id})
			if want := map[bool]int{false: 201, true: 503}[property == "client_secret"]; got.status != want {
				t.Errorf("%s %q: created with status %d, want %d: %s", property, value, got.status, want, got.body)
			}
			a.get("/payment/"+id, me.token).want(t, 200)
		}
	}
	a.get("/payment", me.token).want(t, 200)
	a.get("/user", me.token).want(t, 200)
}

func TestHostileConfirmationsAndForeignIntentsFitTheSpec(t *testing.T) {
	t.Parallel()
	stripe := &cannedStripe{method: "POST", suffix: "/confirm"}
	foreign := &cannedStripe{method: "GET", suffix: "_foreign", next: stripe}
	a := start(t, setup{noWebhooks: true, stripe: foreign.use})
	me := a.register()
	for property, values := range hostile {
		for i, value := range values {
			cuid := property + strings.Repeat("x", i+1)
			id := a.pay(me, cuid)
			customer := a.get("/user/"+me.id, me.token).text(t, "customerId")
			in := object{
				"id": id, "object": "payment_intent", "amount": 2000, "currency": "usd", "status": "succeeded", "customer": customer,
				"payment_method": "pm_1", "client_secret": id + "_secret_x", "created": 1700000000, "metadata": object{},
			}
			in[property] = value
			stripe.set(200, string(mustJSON(t, in)))
			a.confirm(me, cuid, id, "pm_1").want(t, 201)

			in["id"] = id + "_foreign"
			foreign.set(200, string(mustJSON(t, in)))
			a.event("payment_intent.succeeded", id+"_foreign").want(t, 204)
		}
	}
	a.get("/payment", me.token).want(t, 200)
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
