package payments_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

const leaseName = "reconciler"

// round makes a round of the present process's reconciler and checks what it did.
func (w *world) round(want payments.Round) error {
	got, err := w.running().reconciler.RunOnce(context.Background())
	want.Held = true
	if got != want {
		w.fatalf("the round is %+v (%v), want %+v", got, err, want)
	}
	return err
}

// cursor is what is stored. It takes the lease from whoever has it.
func (w *world) cursor() string {
	cursor, ok, err := w.db.AcquireLease(context.Background(), leaseName, "the test", time.Now().Add(time.Hour), time.Nanosecond)
	if err != nil || !ok {
		w.fatalf("read the cursor: %v, %v", ok, err)
	}
	w.must(w.db.ReleaseLease(context.Background(), leaseName, "the test"))
	return cursor
}

// storeCursor stores what an earlier process left.
func (w *world) storeCursor(cursor string) {
	ctx := context.Background()
	_, _, err := w.db.AcquireLease(ctx, leaseName, "earlier", time.Now().Add(time.Hour), time.Nanosecond)
	w.must(err)
	w.must(w.db.SaveCursor(ctx, leaseName, "earlier", cursor))
	w.must(w.db.ReleaseLease(ctx, leaseName, "earlier"))
}

// lastEvent is the id of the newest event that the reconciler reads.
func (w *world) lastEvent() (id string) {
	for _, e := range w.box.Events() {
		if strings.HasPrefix(e.Type, "payment_intent.") {
			id = e.ID
		}
	}
	return id
}

func TestARoundDoesAllThatIsDue(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		w.must(w.round(payments.Round{}))

		w.pay(u, id, challengeCard, "requires_action")
		w.must(w.box.Challenge(id, true))
		w.dashboardIntent(w.stored(u).CustomerID)
		w.rename(u)
		w.must(w.round(payments.Round{Events: 3, Customers: 1}))
		if cursor := w.cursor(); cursor == "" {
			t.Error("no cursor is stored")
		}

		w.loseIntent(u, "lost")
		time.Sleep(10 * time.Minute)
		// The event of its creation brings the lost intent to its payment, so the
		// dashboard's is the only one to check. The process is a new one, which
		// reads the events of before again.
		w.must(w.round(payments.Round{Events: 4, Payments: 1}))
		w.converge()
		w.verify()
	})
}

func TestTheCursorMovesPastWhatWasHandledOnly(t *testing.T) {
	inWorld(t, func(w *world) {
		u, _ := paying(w)
		w.mustCreate(u, "second")
		third := w.mustCreate(u, "third")
		_, err := w.confirm(context.Background(), u, "third", third, challengeCard, true)
		w.must(err)
		w.strike = func(c call) *failure {
			if c.name == "GET /v1/payment_intents/"+third {
				return &failure{mode: refused, times: 3}
			}
			return nil
		}
		if err := w.round(payments.Round{Events: 3, Failed: 1}); kindOf(err).String() != "unknown" {
			t.Errorf("the round fails with %v", err)
		}
		w.strike = nil
		time.Sleep(time.Second)
		if at := w.cursor(); at == w.lastEvent() || at == "" {
			t.Errorf("the cursor is %q, the last event %s", at, w.lastEvent())
		}
		time.Sleep(2 * time.Hour)
		// The last event of the third counts as a check of its payment.
		if err := w.round(payments.Round{Events: 1, Payments: 2}); err != nil {
			t.Errorf("the next round: %v", err)
		}
		if at := w.cursor(); at != w.lastEvent() {
			t.Errorf("the cursor is %q, the last event %s", at, w.lastEvent())
		}
	})
}

// The event of an intent's making asks Stripe nothing, and must not stand for those
// behind it.
func TestARoundFollowsAPaymentPastItsMaking(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.stripe("POST", "/v1/payment_intents/"+id+"/confirm", url.Values{"payment_method": {goodCard}})
		w.must(w.round(payments.Round{Events: 2}))
		p, err := w.running().service.Payment(context.Background(), u.id, id)
		if w.must(err); p.Status != stripeclient.StatusSucceeded {
			t.Errorf("after the round the payment is %s, want succeeded", p.Status)
		}
		if n := w.requests("GET /v1/payment_intents/*"); n != 1 {
			t.Errorf("Stripe was asked about the payment %d times, want once", n)
		}
	})
}

func TestACursorThatStripeHasForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		w.storeCursor("evt_forgotten")
		paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		if at := w.cursor(); at != w.lastEvent() {
			t.Errorf("the cursor is %q, the last event %s", at, w.lastEvent())
		}
	})
}

func TestMoreThanOneRoundTakes(t *testing.T) {
	inMemory(t, func(w *world) {
		u, _ := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		for i := range 150 {
			w.mustCreate(u, fmt.Sprint("p", i))
		}
		w.must(w.round(payments.Round{Events: 100, More: true}))
		w.must(w.round(payments.Round{Events: 50}))
		time.Sleep(time.Hour)
		w.must(w.round(payments.Round{Payments: 100, More: true}))
		w.must(w.round(payments.Round{Payments: 51}))
	})
}

func TestTheLeaseOfAnother(t *testing.T) {
	inWorld(t, func(w *world) {
		paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		other := w.start(nil)
		if got, err := other.reconciler.RunOnce(context.Background()); err != nil || got != (payments.Round{}) {
			t.Errorf("the other replica's round is %+v, %v, want nothing", got, err)
		}
		// A replica that died keeps the others waiting no longer than this.
		time.Sleep(91 * time.Second)
		if got, err := other.reconciler.RunOnce(context.Background()); err != nil || !got.Held {
			t.Errorf("after the lease expired: %+v, %v", got, err)
		}
	})
}

// Items that fail for ever are asked about later and later, and those behind them
// have their turn.
func TestFailingItemsDoNotStarveOthers(t *testing.T) {
	inMemory(t, func(w *world) {
		ill := map[string]bool{}
		for range 100 {
			u, id := paying(w)
			w.rename(u)
			ill["GET /v1/payment_intents/"+id] = true
			ill["POST /v1/customers/"+w.stored(u).CustomerID] = true
		}
		time.Sleep(time.Second)
		well, id := paying(w)
		w.rename(well)
		w.cancel(id)
		time.Sleep(10 * time.Minute)
		w.strike = func(c call) *failure {
			switch {
			case ill[c.name], c.name == "GET /v1/events":
				return &failure{mode: fault, fault: sandbox.FaultUnauthorized}
			}
			return nil
		}
		if err := w.round(payments.Round{Failed: 200}); err == nil {
			t.Error("nothing has failed")
		}
		if err := w.round(payments.Round{Payments: 1, Customers: 1}); kindOf(err) != stripeclient.KindRefused {
			t.Errorf("the second round fails with %v, want the refused list of events", err)
		}
		w.strike = nil
		w.converge()
		w.verify()
	})
}

func TestStartAndStop(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		r := w.running().reconciler
		r.Stop() // not started: nothing to stop
		r.Start(context.Background())
		r.Start(context.Background())
		synctest.Wait()
		w.must(w.box.Challenge(id, true))
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if p, err := w.db.PaymentByIntent(context.Background(), id); err != nil || p.Status != "succeeded" {
			t.Errorf("after an interval the payment is %+v, %v", p, err)
		}
		// A second holder is turned away until Stop gives the lease up.
		other := w.start(nil).reconciler
		if got, err := other.RunOnce(context.Background()); err != nil || got.Held {
			t.Errorf("while the first works: %+v, %v", got, err)
		}
		r.Stop()
		r.Stop()
		if got, err := other.RunOnce(context.Background()); err != nil || !got.Held {
			t.Errorf("after the first stopped: %+v, %v", got, err)
		}
	})
}

// Stop does not wait for Stripe.
func TestStopEndsTheRoundUnderWay(t *testing.T) {
	inWorld(t, func(w *world) {
		paying(w)
		w.strike = func(c call) *failure {
			if c.stripe {
				return &failure{mode: hung}
			}
			return nil
		}
		w.running().reconciler.Start(context.Background())
		synctest.Wait()
		began := time.Now()
		w.running().reconciler.Stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("Stop took %v", took)
		}
	})
}

func TestPaymentsOfDeletedUsersAreFollowed(t *testing.T) {
	inWorld(t, func(w *world) {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		w.loseIntent(u, "lost")
		w.rename(u)
		w.remove(u)
		w.must(w.box.Challenge(id, true))
		w.converge()
		w.verify()
		if p, err := w.db.PaymentByIntent(context.Background(), id); err != nil || p.Status != "succeeded" {
			t.Errorf("the payment is %+v, %v", p, err)
		}
	})
}

// A database that fails is an error of the round, which does the rest all the
// same.
func TestEveryPartOfARoundIsTried(t *testing.T) {
	inWorld(t, func(w *world) {
		u, _ := paying(w)
		w.rename(u)
		time.Sleep(time.Minute)
		w.on("GET /v1/events", failure{mode: fault, fault: sandbox.FaultRateLimit})
		if err := w.round(payments.Round{Payments: 1, Customers: 1}); kindOf(err).String() != "overloaded" {
			t.Errorf("the round fails with %v", err)
		}
		w.on("AcquireLease", failure{mode: refused})
		if got, err := w.running().reconciler.RunOnce(context.Background()); !errors.Is(err, store.ErrUnavailable) || got.Held {
			t.Errorf("without a lease: %+v, %v", got, err)
		}
	})
}
