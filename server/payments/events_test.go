package payments_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// eventOf is the id of the first event of that type about the intent.
func (w *world) eventOf(kind, intentID string) string {
	for _, e := range w.box.Events() {
		if e.Type == kind && strings.Contains(string(e.Object), `"`+intentID+`"`) {
			return e.ID
		}
	}
	w.fatalf("no %s of %s", kind, intentID)
	return ""
}

// An event that becomes visible behind the cursor is read all the same.
func TestAnEventThatIsListedLate(t *testing.T) {
	inWorld(t, func(w *world) {
		u, _ := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		late := w.dashboardIntent(w.stored(u).CustomerID)
		w.hidden.Store(w.eventOf("payment_intent.created", late))
		time.Sleep(time.Second)
		w.mustCreate(u, "another")
		w.must(w.round(payments.Round{Events: 1}))
		if _, err := w.db.PaymentByIntent(context.Background(), late); err == nil {
			t.Fatal("the hidden event was read")
		}
		w.hidden.Store("")
		time.Sleep(6 * time.Minute)
		w.must(w.round(payments.Round{Events: 1, Payments: 2}))
		if _, err := w.db.PaymentByIntent(context.Background(), late); err != nil {
			t.Errorf("the late event was not read: %v", err)
		}
		if at := w.cursor(); at != w.lastEvent() {
			t.Errorf("the cursor is %q, the last event %s", at, w.lastEvent())
		}
	})
}

// What the second reading costs: one list call for a hundred events, and no look at
// an intent that was looked at before.
func TestTheSecondReadingOfEvents(t *testing.T) {
	inMemory(t, func(w *world) {
		u, _ := paying(w)
		for i := range 40 {
			id := w.mustCreate(u, fmt.Sprint("p", i))
			_, err := w.confirm(context.Background(), u, fmt.Sprint("p", i), id, challengeCard, true)
			w.must(err)
		}
		w.must(w.round(payments.Round{Events: 81}))
		lists, looks := w.requests("GET /v1/events"), w.requests("GET /v1/payment_intents/*")
		time.Sleep(6 * time.Minute)
		w.must(w.round(payments.Round{Payments: 41}))
		time.Sleep(time.Minute)
		w.must(w.round(payments.Round{}))
		if n := w.requests("GET /v1/events") - lists; n != 3 {
			t.Errorf("%d list calls in two rounds, want 3: one each for what is new, and one for the second reading", n)
		}
		if n := w.requests("GET /v1/payment_intents/*") - looks; n != 41 {
			t.Errorf("%d looks at intents, want the 41 that were due", n)
		}
	})
}

// Whatever Stripe has against the cursor, reading goes on, once and for all.
func TestACursorThatStripeRefuses(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"unknown":                   {status: 400, kind: invalidRequest, code: "resource_missing", param: "ending_before"},
		"not found":                 {status: 404, kind: invalidRequest, code: "resource_missing", param: "ending_before"},
		"400 without a code":        {status: 400, kind: invalidRequest, param: "ending_before"},
		"400 without anything":      {status: 400, kind: invalidRequest},
		"400 with another code":     {status: 400, kind: invalidRequest, code: "parameter_invalid_string_blank"},
		"410":                       {status: 410, kind: invalidRequest},
		"of the other mode's event": {status: 404, kind: invalidRequest, code: "resource_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				u, _ := paying(w)
				w.must(w.round(payments.Round{Events: 1}))
				time.Sleep(4 * 24 * time.Hour)
				w.must(w.round(payments.Round{Payments: 1}))
				missed := w.dashboardIntent(w.stored(u).CustomerID)
				time.Sleep(time.Second)
				w.on("GET /v1/events", failure{mode: refusal, answer: a})
				w.must(w.round(payments.Round{Events: 1}))
				if _, err := w.db.PaymentByIntent(context.Background(), missed); err != nil {
					t.Errorf("the event behind the cursor was not read: %v", err)
				}
				before := w.requests("GET /v1/events")
				w.must(w.round(payments.Round{}))
				if n := w.requests("GET /v1/events") - before; n != 1 {
					t.Errorf("the next round lists events %d times, want once", n)
				}
			})
		})
	}
}

// Where reading begins again is bounded, and is not where it began at first.
func TestReadingBeginsAgainThreeDaysBack(t *testing.T) {
	inMemory(t, func(w *world) {
		u, _ := paying(w)
		for i := range 10 {
			time.Sleep(24 * time.Hour)
			w.mustCreate(u, fmt.Sprint("day", i))
		}
		w.storeCursor("evt_forgotten")
		round, err := w.reconcile(context.Background())
		if err != nil || round.Events != 3 {
			t.Errorf("the round is %+v, %v, want the 3 events of the last three days", round, err)
		}
	})
}

// An event that Stripe refuses to let us handle is passed over and counted; those
// behind it have their turn, and neither the round nor the lag suffers.
func TestAnEventThatIsRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		u, _ := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		first := w.dashboardIntent(w.stored(u).CustomerID)
		time.Sleep(time.Second)
		second := w.dashboardIntent(w.stored(u).CustomerID)
		w.refuse("GET /v1/payment_intents/"+first, answer{status: 400, kind: invalidRequest})
		w.must(w.round(payments.Round{Events: 2, Refused: payments.Refused{Events: 1}}))
		if _, err := w.db.PaymentByIntent(context.Background(), second); err != nil {
			t.Errorf("the event behind it was not handled: %v", err)
		}
		r := w.running().reconciler
		if got := r.Refused(); got != (payments.Refused{Events: 1}) || r.Lag() > time.Second {
			t.Errorf("refused %+v, lag %v, want one event and no lag", got, r.Lag())
		}
		time.Sleep(15 * time.Second)
		w.must(w.round(payments.Round{}))
	})
}

// An event that fails with a temporary error is retried in each round and holds up the
// events after it for five minutes. Then they are handled, and it is retried for an
// hour before it is given up.
func TestAnEventThatKeepsFailing(t *testing.T) {
	inMemory(t, func(w *world) {
		u, _ := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		first := w.dashboardIntent(w.stored(u).CustomerID)
		time.Sleep(time.Second)
		second := w.dashboardIntent(w.stored(u).CustomerID)
		broken := failure{mode: refusal, answer: answer{status: 500, kind: "api_error"}}
		w.strike = func(c call) *failure {
			if c.name == "GET /v1/payment_intents/"+first {
				return &broken
			}
			return nil
		}
		known := func(id string) bool {
			_, err := w.db.PaymentByIntent(context.Background(), id)
			return err == nil
		}
		if err := w.round(payments.Round{Failed: 1}); err == nil || known(second) {
			t.Errorf("the first round: %v, the second event handled: %v", err, known(second))
		}
		time.Sleep(6 * time.Minute)
		if round, err := w.reconcile(context.Background()); err == nil || !known(second) {
			t.Errorf("after six minutes: %+v, %v, the second event handled: %v", round, err, known(second))
		}
		time.Sleep(time.Hour)
		round, err := w.reconcile(context.Background())
		if err != nil || round.Refused.Events != 1 {
			t.Errorf("after an hour: %+v, %v, want that it is given up", round, err)
		}
		if at := w.cursor(); at != w.lastEvent() {
			t.Errorf("the cursor is %q, the last event %s", at, w.lastEvent())
		}
		w.strike = nil
		w.cancel(first) // its next event
		w.must(w.round(payments.Round{Events: 1}))
		if !known(first) {
			t.Error("the next event of its intent does not bring the payment")
		}
	})
}

// An event that is hours old, because nothing was read meanwhile, is not given up at its
// first failure.
func TestAnOldEventThatFailsOnceIsRetried(t *testing.T) {
	inMemory(t, func(w *world) {
		u, _ := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		missed := w.dashboardIntent(w.stored(u).CustomerID)
		time.Sleep(2 * time.Hour)
		broken := failure{mode: refusal, answer: answer{status: 500, kind: "api_error"}}
		w.strike = func(c call) *failure {
			if c.name == "GET /v1/payment_intents/"+missed {
				return &broken
			}
			return nil
		}
		if round, err := w.reconcile(context.Background()); err == nil || round.Refused.Events != 0 {
			t.Errorf("the first round after the outage: %+v, %v, want a failure and nothing given up", round, err)
		}
		w.strike = nil
		time.Sleep(15 * time.Second)
		_, err := w.reconcile(context.Background())
		w.must(err)
		if _, err := w.db.PaymentByIntent(context.Background(), missed); err != nil {
			t.Errorf("the event was not handled in the next round: %v", err)
		}
	})
}

// A replica that takes over reads again what the other has read once.
func TestAReplicaThatTakesOverReadsFromTheCursor(t *testing.T) {
	inWorld(t, func(w *world) {
		u, _ := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		w.mustCreate(u, "second")
		w.must(w.round(payments.Round{Events: 1}))
		w.running().reconciler.Stop()
		time.Sleep(2 * time.Minute)
		other := w.start(nil).reconciler
		if got, err := other.RunOnce(context.Background()); err != nil || got.Events != 1 {
			t.Errorf("the other's round is %+v, %v, want the event that was read once", got, err)
		}
	})
}

// Looks of the reconciler at payments that are abandoned.
func TestAnAbandonedPaymentIsCheckedWhenItsAgeHasDoubled(t *testing.T) {
	inMemory(t, func(w *world) {
		_, id := paying(w)
		began := time.Now()
		var ages []time.Duration
		w.untilDue(24*time.Hour, func() {
			before := w.requests("GET /v1/payment_intents/*")
			_, err := w.reconcile(context.Background())
			w.must(err)
			if w.requests("GET /v1/payment_intents/*") > before {
				ages = append(ages, time.Since(began).Round(time.Second))
			}
		}, id)
		var want []time.Duration
		for age := 30 * time.Second; age < 24*time.Hour; age *= 2 {
			want = append(want, age)
		}
		if !slices.Equal(ages, want) {
			t.Errorf("looked at the ages %v, want %v", ages, want)
		}
		t.Logf("%d calls on the first day", len(ages))
	})
}

// untilDue jumps from one check of the payments with these intents to the next.
func (w *world) untilDue(period time.Duration, do func(), ids ...string) {
	end := time.Now().Add(period)
	for {
		next := end
		for _, id := range ids {
			p, err := w.db.PaymentByIntent(context.Background(), id)
			w.must(err)
			if !p.CheckAt.IsZero() && p.CheckAt.Before(next) {
				next = p.CheckAt
			}
		}
		time.Sleep(time.Until(next))
		if !next.Before(end) {
			return
		}
		do()
	}
}

// A confirmation starts the doubling again: what changed lately is looked at soon.
func TestAChangeIsFollowedBySoonChecks(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		time.Sleep(10 * 24 * time.Hour)
		w.pay(u, id, sandbox.DebitToken, "processing")
		p, err := w.db.PaymentByIntent(context.Background(), id)
		w.must(err)
		if wait := time.Until(p.CheckAt).Round(time.Second); wait != 30*time.Second {
			t.Errorf("the next check is in %v, want 30s", wait)
		}
	})
}

// Payments without an intent are looked for together: one list of a customer's
// intents for all of them that are due.
func TestPaymentsWithoutAnIntentAreLookedForTogether(t *testing.T) {
	inMemory(t, func(w *world) {
		u, _ := paying(w)
		for i := range 150 { // intents that are none of theirs
			w.mustCreate(u, fmt.Sprint("paid", i))
		}
		time.Sleep(24 * time.Hour)
		_, err := w.reconcile(context.Background())
		w.must(err)
		w.refuse("POST /v1/payment_intents", answer{status: 429, kind: invalidRequest, code: "rate_limit"})
		for i := range 90 {
			_, _ = w.createOnce(u, fmt.Sprint("never", i))
		}
		w.strike = nil
		time.Sleep(31 * time.Second)
		before := w.requests("GET /v1/payment_intents")
		for more := true; more; {
			round, err := w.reconcile(context.Background())
			w.must(err)
			more = round.More
		}
		n := w.requests("GET /v1/payment_intents") - before
		if n < 1 || n > 3 {
			t.Errorf("%d list calls for 90 payments of one customer, want one a round", n)
		}
		t.Logf("%d list calls for 90 payments without an intent, of a customer with 151 intents", n)
	})
}

// A hundred abandoned payments on their first day: 90 with an intent, of nine
// users, and ten without, of one.
func TestAHundredAbandonedPayments(t *testing.T) {
	inMemory(t, func(w *world) {
		var ids []string
		for range 9 {
			u := w.register()
			for i := range 10 {
				ids = append(ids, w.mustCreate(u, fmt.Sprint("p", i)))
			}
		}
		u, id := paying(w)
		w.refuse("POST /v1/payment_intents", answer{status: 429, kind: invalidRequest, code: "rate_limit"})
		for i := range 10 {
			_, _ = w.createOnce(u, fmt.Sprint("never", i))
		}
		w.strike = nil
		gets, lists := w.requests("GET /v1/payment_intents/*"), w.requests("GET /v1/payment_intents")
		w.untilDue(24*time.Hour, func() {
			for more := true; more; {
				round, err := w.reconcile(context.Background())
				w.must(err)
				more = round.More
			}
			time.Sleep(time.Second)
		}, append(ids, id)...)
		gets, lists = w.requests("GET /v1/payment_intents/*")-gets, w.requests("GET /v1/payment_intents")-lists
		t.Logf("%d reads of intents for 91 payments, %d lists for 10 payments of a customer", gets, lists)
		if gets > 91*12 || lists > 3*12 {
			t.Errorf("%d reads and %d lists, want at most 12 reads a payment, and lists that serve several", gets, lists)
		}
	})
}
