package payments_test

import (
	"context"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// race is what two do at once.
type race struct {
	name    string
	prepare func(w *world) (one, other func(context.Context))
}

func (w *world) creating(u *user) func(context.Context) {
	return func(ctx context.Context) { _, _ = w.create(ctx, u, "cuid") }
}

func (w *world) confirming(u *user, intentID, card string) func(context.Context) {
	return func(ctx context.Context) { _, _ = w.confirm(ctx, u, "cuid", intentID, card, false) }
}

func (w *world) reconciling() func(context.Context) {
	return func(ctx context.Context) { _, _ = w.reconcile(ctx) }
}

// at makes a change of somebody else's the actor's one call.
func (w *world) at(change func()) func(context.Context) {
	return func(ctx context.Context) {
		w.turns.wait(ctx.Value(actorKey{}).(int))
		change()
	}
}

// unreachable is a create while Stripe cannot be reached, from a client that does
// not come back for a day and an hour.
func (w *world) unreachable(u *user) {
	w.strike = func(c call) *failure {
		if c.stripe {
			return &failure{mode: goneBefore}
		}
		return nil
	}
	who, p := w.stored(u), w.running()
	_, _ = w.during(context.Background(), func(ctx context.Context) error {
		_, err := p.service.Create(ctx, who, "cuid")
		return err
	})
	w.strike = nil
	w.restart(0)
	time.Sleep(25 * time.Hour)
}

var races = []race{
	{"create and create, the first of the user", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		return w.creating(u), w.creating(u)
	}},
	{"create and a change of name", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		return w.creating(u), w.at(func() { w.rename(u) })
	}},
	{"create and create after the customer was deleted at Stripe", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		w.mustCreate(u, "first")
		w.deleteCustomer(u)
		return w.creating(u), w.creating(u)
	}},
	{"create and create, a day after the intent was lost", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		w.mustCreate(u, "first")
		w.loseIntent(u, "cuid")
		time.Sleep(25 * time.Hour)
		return w.creating(u), w.creating(u)
	}},
	{"create and create, a day after the customer could not be made", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		w.unreachable(u)
		return w.creating(u), w.creating(u)
	}},
	{"create and create, a day after the intent could not be made", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		w.mustCreate(u, "first")
		w.unreachable(u)
		return w.creating(u), w.creating(u)
	}},
	{"create and a round of the reconciler, after the intent was lost", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		w.loseIntent(u, "cuid")
		time.Sleep(5 * time.Minute)
		return w.creating(u), w.reconciling()
	}},
	{"create and the webhook of its intent, whose reply was lost", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		w.loseIntent(u, "cuid")
		id := w.box.Intents()[0].ID
		return w.creating(u), func(ctx context.Context) {
			w.webhook(ctx, sandbox.Event{Type: "payment_intent.created"}, id)
		}
	}},
	{"a round of the reconciler and the webhook of an intent whose reply was lost", func(w *world) (one, other func(context.Context)) {
		u := w.register()
		w.loseIntent(u, "cuid")
		id := w.box.Intents()[0].ID
		time.Sleep(5 * time.Minute)
		return w.reconciling(), func(ctx context.Context) {
			w.webhook(ctx, sandbox.Event{Type: "payment_intent.created"}, id)
		}
	}},
	{"confirm of a second card and the end of the first one's authentication", func(w *world) (one, other func(context.Context)) {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		w.oneCardAtATime = true
		return w.confirming(u, id, goodCard), w.at(func() { w.must(w.box.Challenge(id, false)) })
	}},
	{"the webhooks of two intents that a backup lacks", func(w *world) (one, other func(context.Context)) {
		u, _ := paying(w)
		hook := func(paymentID, cuid string) func(context.Context) {
			id := w.intentWith(w.stored(u).CustomerID, metadata{paymentID, u.id, cuid})
			return func(ctx context.Context) { w.webhook(ctx, sandbox.Event{Type: "payment_intent.created"}, id) }
		}
		return hook("aaaaaaaaaaaaaaaaaaaaaaaa", "one"), hook("bbbbbbbbbbbbbbbbbbbbbbbb", "two")
	}},
	{"confirm and confirm with the same card", func(w *world) (one, other func(context.Context)) {
		u, id := paying(w)
		return w.confirming(u, id, goodCard), w.confirming(u, id, goodCard)
	}},
	{"confirm and confirm with a card that declines", func(w *world) (one, other func(context.Context)) {
		u, id := paying(w)
		return w.confirming(u, id, goodCard), w.confirming(u, id, decliningCard)
	}},
	{"confirm and confirm with a card that asks for 3-D Secure", func(w *world) (one, other func(context.Context)) {
		u, id := paying(w)
		return w.confirming(u, id, goodCard), w.confirming(u, id, challengeCard)
	}},
	{"two declines with the same card", func(w *world) (one, other func(context.Context)) {
		u, id := paying(w)
		return w.confirming(u, id, decliningCard), w.confirming(u, id, decliningCard)
	}},
	{"confirm and the webhook of an earlier failure", func(w *world) (one, other func(context.Context)) {
		u, id := paying(w)
		w.pay(u, id, challengeCard, "requires_action")
		w.must(w.box.Challenge(id, false))
		return w.confirming(u, id, goodCard), func(ctx context.Context) {
			w.webhook(ctx, sandbox.Event{Type: "payment_intent.payment_failed"}, id)
		}
	}},
	{"confirm and a cancellation in the dashboard", func(w *world) (one, other func(context.Context)) {
		u, id := paying(w)
		return w.confirming(u, id, challengeCard), w.at(func() {
			if w.intentAt(id).Status != "succeeded" {
				w.cancel(id)
			}
		})
	}},
	{"confirm and a round of the reconciler", func(w *world) (one, other func(context.Context)) {
		u, id := paying(w)
		time.Sleep(5 * time.Minute)
		return w.confirming(u, id, goodCard), w.reconciling()
	}},
	{"the webhook of an intent made elsewhere, twice", func(w *world) (one, other func(context.Context)) {
		u, _ := paying(w)
		id := w.dashboardIntent(w.stored(u).CustomerID)
		hook := func(ctx context.Context) { w.webhook(ctx, sandbox.Event{Type: "payment_intent.created"}, id) }
		return hook, hook
	}},
	{"a round of the reconciler and one of a replica whose clock is ahead", func(w *world) (one, other func(context.Context)) {
		u, _ := paying(w)
		_, _ = w.reconcile(context.Background())
		w.rename(u)
		ahead := w.start(func(c *payments.Config) { c.Clock = func() time.Time { return time.Now().Add(2 * time.Minute) } })
		return w.reconciling(), func(ctx context.Context) {
			_, _ = w.during(ctx, func(ctx context.Context) error { _, err := ahead.reconciler.RunOnce(ctx); return err })
		}
	}},
}

// maxSwitches is how often one of the two is interrupted in a run; with -long,
// as often as can be.
const maxSwitches = 3

// TestEveryInterleaving runs each race in every order in which the calls of the
// two can follow each other, and then holds the promises.
func TestEveryInterleaving(t *testing.T) {
	t.Parallel()
	for _, r := range races {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			for order := []int{}; order != nil; runs++ {
				picked, sizes, why := r.run(t, order)
				if why != "" {
					t.Fatalf("in the order %v: %s", picked, why)
				}
				order = following(picked, sizes)
			}
			t.Logf("%d interleavings", runs)
		})
	}
}

// run makes one run that begins with the picks of order: 0 lets the one go on
// who did the last call, 1 the other. It returns all picks, and from how many
// each was.
func (r race) run(t *testing.T, order []int) (picked, sizes []int, why string) {
	db, done := proofStore(t)
	defer done()
	why = verdict(t, db, func(w *world) {
		one, other := r.prepare(w)
		actor, switches := 0, 0
		w.together(func(n int) int {
			if switches == maxSwitches && !*long {
				return actor
			}
			if i := len(picked); i < len(order) && order[i] == 1 {
				actor = 1 - actor
				switches++
				picked = append(picked, 1)
			} else {
				picked = append(picked, 0)
			}
			sizes = append(sizes, n)
			return actor
		}, one, other)
		w.converge()
		w.verify()
	})
	return picked, sizes, why
}

// following is the next order after picked, nil after the last.
func following(picked, sizes []int) []int {
	for i := len(picked) - 1; i >= 0; i-- {
		if picked[i]+1 < sizes[i] {
			return append(append([]int{}, picked[:i]...), picked[i]+1)
		}
	}
	return nil
}
