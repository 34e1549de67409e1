package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

// An intent of another customer that names a user in its metadata is not theirs, by
// webhook and by reconciler: it is in no list, and their create with its cuid makes
// a payment of their own.
func TestMetadataGivesNobodyAPayment(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	own := a.pay(me, "own")
	strangers := a.stripe("POST", "/v1/customers", "metadata[userId]="+me.id).text(t, "id")
	forged := a.stripe("POST", "/v1/payment_intents", "amount=99&currency=usd&customer="+strangers+
		"&metadata[paymentId]=aaaaaaaaaaaaaaaaaaaaaaaa&metadata[cuid]=forged&metadata[userId]="+me.id).text(t, "id")
	a.event("payment_intent.created", forged).want(t, 204)
	a.reconcile()
	if list := fmt.Sprint(a.get("/payment", me.token).list(t)); strings.Contains(list, forged) || !strings.Contains(list, own) {
		t.Errorf("the list is %s, want %s alone", list, own)
	}
	a.get("/payment/"+forged, me.token).problem(t, 404, "payment_not_found")
	if got := a.post("/payment", me.token, object{"cuid": "forged"}).want(t, 201).object(t); got["id"] == forged || got["amount"] != 2000.0 {
		t.Errorf("create returns %v, want a payment over 2000", got)
	}
}

// A payment that Stripe does not have was made with another key: of the other mode,
// or of another account.
func TestAPaymentOfAnotherAccount(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	a.pay(me, "here")
	now := a.clock()
	p := &store.Payment{
		ID: store.NewID(now), UserID: me.id, CUID: "there", Amount: 2000, Currency: "usd", CustomerID: "cus_there",
		IntentID: "pi_there", Status: "requires_payment_method", CreatedAt: now, UpdatedAt: now, CheckAt: now,
	}
	if err := a.store.InsertPayment(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a.post("/payment", me.token, object{"cuid": "there"}).problem(t, 409, "payment_of_other_account")
		a.confirm(me, "there", "pi_there", "pm_card_visa").problem(t, 409, "payment_of_other_account")
		a.event("payment_intent.succeeded", "pi_there").want(t, 204)
		a.reconcile()
	}
	a.get("/payment/pi_there", me.token).want(t, 200)
}
