package payments_test

import (
	"context"
	"errors"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

const (
	goodCard      = "pm_card_visa"
	decliningCard = "pm_card_chargeDeclined"
	challengeCard = "pm_card_threeDSecure2Required"
)

// flow is something that users, Stripe and the server do together. prepare goes
// well; any call of what it returns may fail.
type flow struct {
	name    string
	prepare func(w *world) (run func())
}

// paying is a user with a payment that waits for a card.
func paying(w *world) (u *user, intentID string) {
	u = w.register()
	return u, w.mustCreate(u, "cuid")
}

// pay confirms until the answer is definite, and wants a status.
func (w *world) pay(u *user, intentID, card, want string) {
	p, err := w.confirm(context.Background(), u, "cuid", intentID, card, true)
	if err != nil {
		w.fatalf("confirm with %s: %v", card, err)
	}
	if p.Status != want {
		w.fatalf("confirmed with %s, the payment is %s, want %s", card, p.Status, want)
	}
}

func (w *world) decline(u *user, intentID, card string) {
	_, err := w.confirm(context.Background(), u, "cuid", intentID, card, true)
	var declined *payments.DeclinedError
	if !errors.As(err, &declined) || declined.Reason() != "generic_decline" {
		w.fatalf("confirm with %s: %v, want a decline", card, err)
	}
}

// deliver sends the webhooks of the intent, each of which may come at any time.
func (w *world) deliver(intentID string) {
	for _, e := range w.box.Events() {
		if e.Type == "payment_intent.succeeded" || e.Type == "payment_intent.created" {
			w.webhook(context.Background(), e, intentID)
		}
	}
}

func (w *world) must(err error) {
	if err != nil {
		w.fatalf("%v", err)
	}
}

var flows = []flow{
	{"first create, with its customer", func(w *world) func() {
		u := w.register()
		return func() { w.mustCreate(u, "cuid") }
	}},
	{"first create, renamed between the tries", func(w *world) func() {
		u := w.register()
		w.beforeRetry = func() { w.rename(u) }
		return func() { w.mustCreate(u, "cuid") }
	}},
	{"further create", func(w *world) func() {
		u := w.register()
		w.mustCreate(u, "first")
		return func() { w.mustCreate(u, "cuid") }
	}},
	{"replayed create", func(w *world) func() {
		u, id := paying(w)
		return func() {
			if again := w.mustCreate(u, "cuid"); again != id {
				w.fatalf("created again, the payment is %s, was %s", again, id)
			}
		}
	}},
	{"create, and again after a day and an hour", func(w *world) func() {
		u := w.register()
		return func() {
			who := w.stored(u)
			p := w.running()
			_, _ = w.during(context.Background(), func(ctx context.Context) error {
				_, err := p.service.Create(ctx, who, "cuid")
				return err
			})
			time.Sleep(25 * time.Hour)
			w.restart(0)
			w.mustCreate(u, "cuid")
		}
	}},
	{"create after a change of the price", func(w *world) func() {
		u := w.register()
		w.beforeRetry = func() {
			w.replace(w.start(func(c *payments.Config) { c.Amount, c.Currency = 3500, "eur" }))
		}
		return func() { w.mustCreate(u, "cuid") }
	}},
	{"confirm", func(w *world) func() {
		u, id := paying(w)
		return func() { w.pay(u, id, goodCard, "succeeded") }
	}},
	{"confirm again", func(w *world) func() {
		u, id := paying(w)
		return func() {
			w.pay(u, id, goodCard, "succeeded")
			w.pay(u, id, goodCard, "succeeded")
		}
	}},
	{"decline, then another card", func(w *world) func() {
		u, id := paying(w)
		return func() {
			w.decline(u, id, decliningCard)
			w.pay(u, id, goodCard, "succeeded")
		}
	}},
	{"decline, then the same card", func(w *world) func() {
		u, id := paying(w)
		return func() {
			w.decline(u, id, decliningCard)
			w.decline(u, id, decliningCard)
		}
	}},
	{"3-D Secure, passed, webhook", func(w *world) func() {
		u, id := paying(w)
		return func() {
			w.pay(u, id, challengeCard, "requires_action")
			w.must(w.box.Challenge(id, true))
			w.deliver(id)
			w.pay(u, id, challengeCard, "succeeded")
		}
	}},
	{"3-D Secure, failed, the same card", func(w *world) func() {
		u, id := paying(w)
		return func() {
			w.pay(u, id, challengeCard, "requires_action")
			w.must(w.box.Challenge(id, false))
			w.pay(u, id, challengeCard, "requires_action")
		}
	}},
	{"3-D Secure, another card refused meanwhile, then charged", func(w *world) func() {
		u, id := paying(w)
		w.oneCardAtATime = true
		card := w.stripe("GET", "/v1/payment_methods/"+challengeCard, nil)
		return func() {
			w.pay(u, id, card, "requires_action")
			if _, err := w.confirm(context.Background(), u, "cuid", id, goodCard, true); !errors.Is(err, payments.ErrAuthenticationPending) {
				w.fatalf("confirm with another card: %v", err)
			}
			w.must(w.box.Challenge(id, false))
			w.pay(u, id, goodCard, "succeeded")
		}
	}},
	{"first create, with an address that Stripe refuses", func(w *world) func() {
		u := w.register()
		w.setEmail(u, refusedEmail, refusedEmail)
		return func() { w.mustCreate(u, "cuid") }
	}},
	{"a changed address that Stripe refuses, reconciled", func(w *world) func() {
		u := w.register()
		w.setEmail(u, refusedEmail, refusedEmail)
		w.mustCreate(u, "cuid")
		w.rename(u)
		w.setEmail(u, refusedEmail, refusedEmail)
		return func() { _, _ = w.reconcile(context.Background()) }
	}},
	{"debit, on its way, webhook", func(w *world) func() {
		u, id := paying(w)
		return func() {
			w.pay(u, id, sandbox.DebitToken, "processing")
			w.must(w.box.Settle(id, true))
			w.deliver(id)
		}
	}},
	{"canceled elsewhere", func(w *world) func() {
		u, id := paying(w)
		w.cancel(id)
		return func() {
			if _, err := w.confirm(context.Background(), u, "cuid", id, goodCard, true); !errors.Is(err, payments.ErrNotConfirmable) {
				w.fatalf("confirm after it was canceled: %v", err)
			}
		}
	}},
	{"customer deleted at Stripe, then create", func(w *world) func() {
		u := w.register()
		w.mustCreate(u, "first")
		w.deleteCustomer(u)
		return func() { w.mustCreate(u, "cuid") }
	}},
	{"customer deleted at Stripe, then confirm", func(w *world) func() {
		u, id := paying(w)
		w.deleteCustomer(u)
		return func() {
			if _, err := w.confirm(context.Background(), u, "cuid", id, goodCard, true); !errors.Is(err, payments.ErrNotConfirmable) {
				w.fatalf("confirm after the customer was deleted: %v", err)
			}
		}
	}},
	{"renamed, then reconciled", func(w *world) func() {
		u, _ := paying(w)
		w.rename(u)
		return func() { _, _ = w.reconcile(context.Background()) }
	}},
	{"a round of the reconciler with every kind of work", func(w *world) func() {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		w.must(w.box.Challenge(id, true))
		w.dashboardIntent(w.stored(u).CustomerID)
		w.loseIntent(u, "lost")
		w.rename(u)
		gone := w.register()
		w.mustCreate(gone, "of a deleted user")
		w.remove(gone)
		time.Sleep(5 * time.Minute)
		return func() { _, _ = w.reconcile(context.Background()) }
	}},
	{"webhooks of a known intent and of one made elsewhere", func(w *world) func() {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		w.must(w.box.Challenge(id, true))
		other := w.dashboardIntent(w.stored(u).CustomerID)
		return func() {
			w.deliver(id)
			w.deliver(other)
		}
	}},
	{"the webhook of an intent that a backup lacks", func(w *world) func() {
		u, _ := paying(w)
		id := w.intentWith(w.stored(u).CustomerID, metadata{"aaaaaaaaaaaaaaaaaaaaaaaa", u.id, "restored"})
		return func() { w.deliver(id) }
	}},
	{"the webhook of an intent that was lost", func(w *world) func() {
		u := w.register()
		w.loseIntent(u, "lost")
		id := w.box.Intents()[0].ID
		return func() { w.deliver(id) }
	}},
	{"a round that reads events again, one of them for the first time", func(w *world) func() {
		u, _ := paying(w)
		_, _ = w.reconcile(context.Background())
		w.hidden.Store(w.eventOf("payment_intent.created", w.dashboardIntent(w.stored(u).CustomerID)))
		time.Sleep(time.Second)
		w.mustCreate(u, "second")
		_, _ = w.reconcile(context.Background())
		time.Sleep(6 * time.Minute)
		w.hidden.Store("")
		return func() { _, _ = w.reconcile(context.Background()) }
	}},
	{"a round whose cursor Stripe has forgotten", func(w *world) func() {
		u, _ := paying(w)
		time.Sleep(4 * 24 * time.Hour)
		w.dashboardIntent(w.stored(u).CustomerID)
		w.storeCursor("evt_forgotten")
		return func() { _, _ = w.reconcile(context.Background()) }
	}},
	{"two processes create at once", func(w *world) func() {
		u := w.register()
		return func() {
			w.together(alternate(), func(ctx context.Context) { _, _ = w.create(ctx, u, "cuid") },
				func(ctx context.Context) { _, _ = w.create(ctx, u, "cuid") })
		}
	}},
	{"two processes confirm at once", func(w *world) func() {
		u, id := paying(w)
		return func() {
			w.together(alternate(), func(ctx context.Context) { _, _ = w.confirm(ctx, u, "cuid", id, goodCard, false) },
				func(ctx context.Context) { _, _ = w.confirm(ctx, u, "cuid", id, goodCard, false) })
		}
	}},
	{"a confirmation and its webhook at once", func(w *world) func() {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		w.must(w.box.Challenge(id, false))
		return func() {
			w.together(alternate(), func(ctx context.Context) { _, _ = w.confirm(ctx, u, "cuid", id, goodCard, false) },
				func(ctx context.Context) { w.webhook(ctx, sandbox.Event{Type: "payment_intent.payment_failed"}, id) })
		}
	}},
}

// alternate gives everybody one call after the other.
func alternate() func(n int) int {
	i := 0
	return func(n int) int {
		i++
		return i % n
	}
}

// loseIntent is a create whose intent is made and whose answer is lost, from a
// client that does not come back.
func (w *world) loseIntent(u *user, cuid string) {
	w.strike = func(c call) *failure {
		if c.stripe && c.name == "POST /v1/payment_intents" {
			return &failure{mode: goneAfter}
		}
		return nil
	}
	who, p := w.stored(u), w.running()
	_, _ = w.during(context.Background(), func(ctx context.Context) error {
		_, err := p.service.Create(ctx, who, cuid)
		return err
	})
	w.strike = nil
	w.restart(0)
}
