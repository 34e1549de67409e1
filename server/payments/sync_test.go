package payments_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// handle delivers one event, as one request does.
func (w *world) handle(kind, objectID string) {
	w.must(w.running().service.Handle(context.Background(), &stripeclient.Event{ID: "evt_1", Type: kind, ObjectID: objectID}))
}

func TestAnIntentMadeElsewhereIsAdopted(t *testing.T) {
	inWorld(t, func(w *world) {
		u, _ := paying(w)
		id := w.dashboardIntent(w.stored(u).CustomerID)
		for range 3 { // webhooks come twice
			w.handle("payment_intent.created", id)
		}
		p, err := w.running().service.Payment(context.Background(), u.id, id)
		w.must(err)
		if p.CUID != "stripe:"+id || p.Amount != 777 || p.Currency != "eur" || p.Status != "requires_payment_method" || p.CheckAt.IsZero() {
			t.Errorf("the adopted payment is %+v", p)
		}
		w.cancel(id)
		w.converge()
		w.verify()
	})
}

func TestEventsThatAreNobodysBusiness(t *testing.T) {
	inWorld(t, func(w *world) {
		u, own := paying(w)
		strangers := w.stripe("POST", "/v1/customers", nil)
		for name, event := range map[string][2]string{
			"an intent of a customer that is none of ours": {"payment_intent.created", w.dashboardIntent(strangers)},
			"an intent that Stripe has not":                {"payment_intent.succeeded", "pi_unknown"},
			"another type":                                 {"charge.succeeded", "ch_1"},
			"our own intent, created":                      {"payment_intent.created", own},
		} {
			w.handle(event[0], event[1])
			list, err := w.db.ListPayments(context.Background(), store.PaymentQuery{UserID: u.id, Limit: 10})
			if err != nil || len(list) != 1 {
				t.Errorf("%s: the user has %d payments, %v, want their own", name, len(list), err)
			}
		}
	})
}

// An intent that was made for a payment, and whose reply was lost, is brought in by
// its first event under the payment's cuid.
func TestTheEventOfALostIntentBringsItToItsPayment(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.register()
		w.loseIntent(u, "cuid")
		id := w.box.Intents()[0].ID
		w.handle("payment_intent.created", id)
		p, err := w.running().service.Payment(context.Background(), u.id, id)
		if w.must(err); p.CUID != "cuid" {
			t.Errorf("the payment is %+v, want the one with the cuid", p)
		}
		if got := w.mustCreate(u, "cuid"); got != id {
			t.Errorf("the payment is %s, want %s", got, id)
		}
		w.converge()
		w.verify()
	})
}

// The database is a backup from before the payment was made. Stripe's events bring
// it back under its cuid, and its client neither pays twice nor is told otherwise.
func TestAPaymentThatABackupDoesNotHaveComesBack(t *testing.T) {
	inMemory(t, func(w *world) {
		u, id := paying(w)
		w.pay(u, id, goodCard, "succeeded")
		db := w.db.(*memory)
		db.mu.Lock()
		clear(db.payments)
		db.mu.Unlock()

		w.handle("payment_intent.succeeded", id)
		p, err := w.running().service.Payment(context.Background(), u.id, id)
		w.must(err)
		if p.CUID != "cuid" || p.Status != "succeeded" || p.Amount != 2000 {
			t.Errorf("the payment is %+v, want that of before", p)
		}
		if got := w.mustCreate(u, "cuid"); got != id {
			t.Errorf("the same create makes %s, want %s", got, id)
		}
		w.converge()
		w.verify()
	})
}

// Final statuses are never left, and an event of a payment that is final asks
// Stripe nothing.
func TestAFinalPaymentIsLeftAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.pay(u, id, goodCard, "succeeded")
		before := w.requests("GET /v1/payment_intents/*")
		w.handle("payment_intent.payment_failed", id)
		if n := w.requests("GET /v1/payment_intents/*") - before; n != 0 {
			t.Errorf("Stripe was asked %d times", n)
		}
		w.pay(u, id, decliningCard, "succeeded")
	})
}

// A webhook that has asked Stripe and is then overtaken by one that asks later asks
// again, and does not store what it was told first.
func TestAnOlderAnswerIsNotStored(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.stripe("POST", "/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {challengeCard}})
		hook := func(ctx context.Context) {
			w.webhook(ctx, sandbox.Event{Type: "payment_intent.requires_action"}, id)
		}
		calls := 0
		w.together(func(int) int {
			calls++
			if calls == 3 { // the first has its answer
				w.must(w.box.Challenge(id, false))
			}
			return min(calls/3, 1)
		}, hook, hook)
		p, err := w.running().service.Payment(context.Background(), u.id, id)
		if w.must(err); p.Status != stripeclient.StatusRequiresPaymentMethod {
			t.Errorf("the payment is %s, at Stripe it is %s", p.Status, w.intentAt(id).Status)
		}
	})
}
