package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// pay creates a payment under the cuid and returns its id.
func (a *api) pay(who person, cuid string) string {
	a.t.Helper()
	return a.post("/payment", who.token, object{"cuid": cuid}).want(a.t, 201).text(a.t, "id")
}

func (a *api) confirm(who person, cuid, id, method string) answer {
	a.t.Helper()
	return a.post("/payment/confirm", who.token, object{"cuid": cuid, "paymentId": id, "paymentMethodId": method})
}

func (a *api) status(who person, id string) string {
	a.t.Helper()
	return a.get("/payment/"+id, who.token).want(a.t, 200).text(a.t, "status")
}

// charged is how many charges of the intent succeeded in Stripe's journal.
func (a *api) charged(id string) int {
	n := 0
	for _, c := range a.box.Charges() {
		if c.Intent == id && c.Status == "succeeded" {
			n++
		}
	}
	return n
}

func TestPay(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()

	created := a.post("/payment", me.token, object{"cuid": "cjld2cjxh0000qzrmn831i7rn"}).want(t, 201)
	p := created.object(t)
	id := p["id"].(string)
	if p["amount"] != 2000.0 || p["currency"] != "usd" || p["status"] != "requires_payment_method" || p["paymentMethod"] != "" {
		t.Errorf("the new payment is %v", p)
	}
	if secret := p["clientSecret"].(string); !strings.HasPrefix(secret, id+"_secret_") {
		t.Errorf("clientSecret is %q, want Stripe's", secret)
	}
	if got := created.header.Get("Location"); got != "payment/"+id {
		t.Errorf("Location is %q", got)
	}
	done := a.confirm(me, "cjld2cjxh0000qzrmn831i7rn", id, "pm_card_visa").want(t, 201).object(t)
	if done["status"] != "succeeded" || !strings.HasPrefix(done["paymentMethod"].(string), "pm_") {
		t.Errorf("the confirmed payment is %v", done)
	}
	if _, has := done["clientSecret"]; has {
		t.Error("a confirmed payment carries its client secret")
	}
	list := a.get("/payment", me.token).list(t)
	if len(list) != 1 || fmt.Sprint(list[0]) != fmt.Sprint(done) || fmt.Sprint(a.get("/payment/"+id, me.token).object(t)) != fmt.Sprint(done) {
		t.Errorf("list and read differ from the confirmation:\n%v\n%v", list, done)
	}
	if got := a.get("/user/"+me.id, me.token).text(t, "customerId"); !strings.HasPrefix(got, "cus_") {
		t.Errorf("customerId is %q after the first payment", got)
	}
}

// Reads never call Stripe, nor do signing up and logging in; a payment costs one
// call to create and one to confirm once its customer exists.
func TestCallsToStripe(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	calls := func(do func()) int {
		count := func() (n int) {
			for _, c := range a.box.Requests() {
				n += c
			}
			return n
		}
		before := count()
		do()
		return count() - before
	}
	var me person
	var id string
	for _, step := range []struct {
		name string
		want int
		do   func()
	}{
		{"register", 0, func() { me = a.register() }},
		{"log in", 0, func() { a.post("/user/login", "", object{"email": me.email, "password": password}).want(t, 201) }},
		{"the first payment, with its customer", 2, func() { a.pay(me, "one") }},
		{"a further payment", 1, func() { id = a.pay(me, "two") }},
		{"the same again", 1, func() { a.pay(me, "two") }},
		{"confirm", 1, func() { a.confirm(me, "two", id, "pm_card_visa").want(t, 201) }},
		{"confirm again", 0, func() { a.confirm(me, "two", id, "pm_card_visa").want(t, 201) }},
		{"read", 0, func() { a.status(me, id) }},
		{"list", 0, func() { a.get("/payment", me.token).want(t, 200) }},
		{"change the user", 0, func() {
			a.send(request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: object{"userName": "New"}}).want(t, 200)
		}},
	} {
		if got := calls(step.do); got != step.want {
			t.Errorf("%s: %d calls to Stripe, want %d", step.name, got, step.want)
		}
	}
}

func TestSameCUIDIsTheSamePayment(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me, other := a.register(), a.register()
	first := a.post("/payment", me.token, object{"cuid": "same"}).want(t, 201)
	again := a.post("/payment", me.token, object{"cuid": "same"}).want(t, 201)
	if string(first.body) != string(again.body) {
		t.Errorf("the same cuid gave\n%s\nand then\n%s", first.body, again.body)
	}
	if id := a.pay(other, "same"); id == first.text(t, "id") {
		t.Error("two users share a payment")
	}
}

func TestSixteenClientsWithOneCUID(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			// As a client does: a 503 is sent again.
			for range 50 {
				got := a.post("/payment", me.token, object{"cuid": "race"})
				if got.status == 201 {
					ids[i] = got.text(t, "id")
					return
				}
				if got.status != 503 {
					t.Errorf("status %d: %s", got.status, got.body)
					return
				}
			}
			t.Error("no answer but 503")
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("one cuid gave the payments %s and %s", ids[0], id)
		}
	}
	if n := len(a.box.Intents()); n != 1 {
		t.Errorf("Stripe has %d intents, want 1", n)
	}
	if n := len(a.box.Customers()); n != 1 {
		t.Errorf("Stripe has %d customers, want 1", n)
	}
	for range ids {
		wg.Go(func() {
			for range 50 {
				if got := a.confirm(me, "race", ids[0], "pm_card_visa"); got.status != 503 {
					got.want(t, 201)
					return
				}
			}
			t.Error("no answer but 503")
		})
	}
	wg.Wait()
	if n := a.charged(ids[0]); n != 1 {
		t.Errorf("charged %d times, want once", n)
	}
}

func TestDeclines(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for card, want := range map[string]string{
		"pm_card_chargeDeclined":                           "generic_decline",
		"pm_card_visa_chargeDeclined":                      "generic_decline",
		"pm_card_visa_chargeDeclinedInsufficientFunds":     "insufficient_funds",
		"pm_card_visa_chargeDeclinedLostCard":              "lost_card",
		"pm_card_visa_chargeDeclinedStolenCard":            "stolen_card",
		"pm_card_visa_chargeDeclinedVelocityLimitExceeded": "card_velocity_exceeded",
		"pm_card_chargeDeclinedExpiredCard":                "expired_card",
		"pm_card_chargeDeclinedIncorrectCvc":               "incorrect_cvc",
		"pm_card_chargeDeclinedProcessingError":            "processing_error",
		"pm_card_radarBlock":                               "fraudulent",
		"pm_card_chargeCustomerFail":                       "generic_decline",
	} {
		id := a.pay(me, card)
		for range 2 { // the same card may be tried again
			if got := a.confirm(me, card, id, card).problem(t, 402, "payment_declined")["declineCode"]; got != want {
				t.Errorf("%s: declineCode is %v, want %s", card, got, want)
			}
		}
		if got := a.status(me, id); got != "requires_payment_method" {
			t.Errorf("%s: status after the decline is %s", card, got)
		}
		if got := a.confirm(me, card, id, "pm_card_visa").want(t, 201).text(t, "status"); got != "succeeded" {
			t.Errorf("%s, then another card: status is %s", card, got)
		}
		if n := a.charged(id); n != 1 {
			t.Errorf("%s, then another card: charged %d times", card, n)
		}
	}
}

func TestThreeDSecure(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, tc := range []struct {
		name   string
		cuid   string
		card   string
		pass   bool
		status string
	}{
		{"passed", "a", "pm_card_threeDSecure2Required", true, "succeeded"},
		{"failed", "b", "pm_card_threeDSecure2Required", false, "requires_payment_method"},
		{"passed, and then declined", "c", "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", true, "requires_payment_method"},
	} {
		cuid := tc.cuid
		id := a.pay(me, cuid)
		if got := a.confirm(me, cuid, id, tc.card).want(t, 201).text(t, "status"); got != "requires_action" {
			t.Fatalf("%s: status is %s, want requires_action", tc.name, got)
		}
		// Asking again changes nothing: the customer is still to act.
		if got := a.confirm(me, cuid, id, tc.card).want(t, 201).text(t, "status"); got != "requires_action" {
			t.Fatalf("%s: status is %s after asking again", tc.name, got)
		}
		if err := a.box.Challenge(id, tc.pass); err != nil {
			t.Fatal(err)
		}
		eventually(t, tc.name+": the webhook brings "+tc.status, func() bool { return a.status(me, id) == tc.status })
		if tc.status == "succeeded" {
			continue
		}
		// The saved answer to the first confirmation is of the past: the same
		// card is tried anew, and another one pays.
		if got := a.confirm(me, cuid, id, tc.card).want(t, 201).text(t, "status"); got != "requires_action" {
			t.Errorf("%s: the same card again gives %s", tc.name, got)
		}
		if got := a.confirm(me, cuid, id, "pm_card_visa").want(t, 201).text(t, "status"); got != "succeeded" {
			t.Errorf("%s: another card gives %s", tc.name, got)
		}
	}
}

func TestDebitIsOnItsWay(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	id := a.pay(me, "debit")
	for range 2 {
		if got := a.confirm(me, "debit", id, sandbox.DebitToken).want(t, 201).text(t, "status"); got != "processing" {
			t.Fatalf("status is %s, want processing", got)
		}
	}
	if err := a.box.Settle(id, true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the debit succeeds", func() bool { return a.status(me, id) == "succeeded" })
}

func TestConfirmationsThatCannotBe(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me, stranger := a.register(), a.register()
	id := a.pay(me, "mine")
	a.confirm(me, "mine", "pi_unknown", "pm_card_visa").problem(t, 404, "payment_not_found")
	a.confirm(stranger, "mine", id, "pm_card_visa").problem(t, 404, "payment_not_found")
	a.get("/payment/"+id, stranger.token).problem(t, 404, "payment_not_found")
	if list := a.get("/payment", stranger.token).list(t); len(list) != 0 {
		t.Errorf("a stranger lists %v", list)
	}
	a.confirm(me, "other", id, "pm_card_visa").problem(t, 422, "cuid_mismatch")
	a.confirm(me, "mine", id, "pm_unknown").problem(t, 422, "payment_method_unusable")

	theirs := a.stripe("GET", "/v1/payment_methods/pm_card_visa", "").text(t, "id")
	a.pay(stranger, "theirs")
	customer := a.get("/user/"+stranger.id, stranger.token).text(t, "customerId")
	a.stripe("POST", "/v1/payment_methods/"+theirs+"/attach", "customer="+customer)
	a.confirm(me, "mine", id, theirs).problem(t, 422, "payment_method_unusable")

	if got := a.confirm(me, "mine", id, "pm_card_visa").want(t, 201).text(t, "status"); got != "succeeded" {
		t.Errorf("after all that, the payment is %s", got)
	}
	if got := a.confirm(me, "mine", id, "pm_card_chargeDeclined").want(t, 201).text(t, "status"); got != "succeeded" {
		t.Errorf("a payment that succeeded is %s to a later card", got)
	}
}

func TestCanceledPayment(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	id := a.pay(me, "canceled")
	a.stripe("POST", "/v1/payment_intents/"+id+"/cancel", "")
	a.confirm(me, "canceled", id, "pm_card_visa").problem(t, 409, "payment_not_confirmable")
	eventually(t, "the webhook cancels the payment", func() bool { return a.status(me, id) == "canceled" })
	a.confirm(me, "canceled", id, "pm_card_visa").problem(t, 409, "payment_not_confirmable")
}

func TestPaymentsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	var want, got []string
	for i := range 7 {
		want = append([]string{a.pay(me, fmt.Sprint("p", i))}, want...)
	}
	pages := 0
	for path := "/payment?limit=3"; path != ""; pages++ {
		page := a.get(path, me.token)
		for _, p := range page.list(t) {
			got = append(got, p["id"].(string))
		}
		path = nextPage(t, page)
	}
	if pages != 3 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("on %d pages:\n%v\nwant on 3:\n%v", pages, got, want)
	}
}

// The price is the server's and is fixed when the payment is first created.
func TestPriceChangeChangesNoRetry(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	// The first try fails before Stripe has anything.
	a.fault(sandbox.Fault{Match: "POST /v1/customers", Kind: sandbox.FaultRateLimit})
	a.post("/payment", me.token, object{"cuid": "priced"}).problem(t, 503, "stripe_unavailable")

	a.serve(setup{change: func(c *server.Config) { c.Amount, c.Currency = 3500, "eur" }})
	p := a.post("/payment", me.token, object{"cuid": "priced"}).want(t, 201).object(t)
	if p["amount"] != 2000.0 || p["currency"] != "usd" {
		t.Errorf("the retry costs %v %v, want the price of the first try", p["amount"], p["currency"])
	}
	p = a.post("/payment", me.token, object{"cuid": "new"}).want(t, 201).object(t)
	if p["amount"] != 3500.0 || p["currency"] != "eur" {
		t.Errorf("a new payment costs %v %v, want the new price", p["amount"], p["currency"])
	}
}

func TestCustomerFollowsTheUser(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	a.pay(me, "first")
	a.send(request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: object{"userName": "New Name", "email": "new-" + me.email}}).want(t, 200)
	a.reconcile()
	c := a.box.Customers()[0]
	if c.Name != "New Name" || c.Email != "new-"+me.email {
		t.Errorf("Stripe's customer is %s, %s", c.Name, c.Email)
	}
}

func TestCustomerDeletedAtStripeIsMadeAgain(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	a.pay(me, "first")
	lost := a.get("/user/"+me.id, me.token).text(t, "customerId")
	a.stripe("DELETE", "/v1/customers/"+lost, "")
	id := a.pay(me, "second")
	if got := a.confirm(me, "second", id, "pm_card_visa").want(t, 201).text(t, "status"); got != "succeeded" {
		t.Errorf("status is %s", got)
	}
	if now := a.get("/user/"+me.id, me.token).text(t, "customerId"); now == lost {
		t.Error("the user still has the customer that was deleted")
	}
}

// A payment that nobody tells us of converges all the same.
func TestReconcilerMakesUpForWebhooks(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "3ds")
	a.confirm(me, "3ds", id, "pm_card_threeDSecure2Required").want(t, 201)
	a.reconcile() // the events so far
	if err := a.box.Challenge(id, true); err != nil {
		t.Fatal(err)
	}
	a.reconcile()
	if got := a.status(me, id); got != "succeeded" {
		t.Errorf("status is %s after the events were read", got)
	}

	// An intent whose reply was lost, and whose client never came back.
	a.fault(sandbox.Fault{Match: "POST /v1/payment_intents", Kind: sandbox.FaultLostReply, Times: 3})
	a.post("/payment", me.token, object{"cuid": "lost"}).problem(t, 503, "outcome_unknown")
	if n := len(a.get("/payment", me.token).list(t)); n != 1 {
		t.Fatalf("%d payments are listed, want 1", n)
	}
	a.box.ClearFaults()
	a.ahead.Store(int64(5 * time.Minute))
	a.reconcile()
	if n := len(a.get("/payment", me.token).list(t)); n != 2 {
		t.Errorf("%d payments are listed after a round, want 2", n)
	}
	if n := len(a.box.Intents()); n != 2 {
		t.Errorf("Stripe has %d intents, want 2", n)
	}
}
