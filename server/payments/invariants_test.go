package payments_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func (w *world) breach(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breaches = append(w.breaches, fmt.Sprintf(format, args...))
}

func (w *world) inserted(p *store.Payment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.payments = append(w.payments, *p)
}

func (w *world) remember(k paymentKey, what func(*told)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told[k] == nil {
		w.told[k] = &told{}
	}
	what(w.told[k])
}

// checkWrite holds a write of a payment to what no write may change.
func (w *world) checkWrite(before, after *store.Payment) {
	if before.ID != after.ID || before.UserID != after.UserID || before.CUID != after.CUID ||
		before.Amount != after.Amount || before.Currency != after.Currency || !before.CreatedAt.Equal(after.CreatedAt.Truncate(time.Millisecond)) {
		w.breach("a write changes what payment %s is: %+v to %+v", before.ID, before, after)
	}
	if before.IntentID != "" && after.IntentID != before.IntentID {
		w.breach("a write gives payment %s another intent: %s, then %s", before.ID, before.IntentID, after.IntentID)
	}
	if (before.Status == "succeeded" || before.Status == "canceled") && after.Status != before.Status {
		w.breach("a write takes payment %s from %s to %s", before.ID, before.Status, after.Status)
	}
	if after.Attempt < before.Attempt || after.ConfirmAttempt < before.ConfirmAttempt {
		w.breach("a write takes an attempt of payment %s back", before.ID)
	}
}

// converge lets time pass without any failure, and the reconciler work until it
// has nothing more to do.
func (w *world) converge() {
	w.strike = nil
	w.beforeRetry = nil
	w.restart(0)
	time.Sleep(12 * time.Hour)
	for range 20 {
		round, err := w.reconcile(context.Background())
		if err != nil || !round.Held || round.Failed > 0 {
			w.fatalf("the reconciler fails when nothing else does: %+v, %v", round, err)
		}
		if !round.More {
			return
		}
	}
	w.fatalf("the reconciler finds no end")
}

// verify holds the world to the promises, after converge.
func (w *world) verify() {
	ctx := context.Background()
	intents := map[string]sandbox.Intent{}
	for _, in := range w.box.Intents() {
		intents[in.ID] = in
	}
	known := map[string]paymentKey{}
	for _, inserted := range w.payments {
		k := paymentKey{inserted.UserID, inserted.CUID}
		p, err := w.db.PaymentByCUID(ctx, k.userID, k.cuid)
		if err != nil {
			w.breach("payment %v is missing: %v", k, err)
			continue
		}
		w.verifyPayment(p, intents)
		known[p.IntentID] = k
	}
	w.verifyTold(ctx)
	w.verifyIntents(intents, known)
	w.verifyCharges(known)
	for _, u := range w.users {
		w.verifyUser(ctx, u)
	}
	if len(w.breaches) > 0 {
		w.fatalf("%s", w.breaches[0])
	}
}

// verifyPayment compares the stored payment with Stripe's intent.
func (w *world) verifyPayment(p *store.Payment, intents map[string]sandbox.Intent) {
	if p.IntentID == "" {
		if p.Status != "" || p.CheckAt.IsZero() {
			w.breach("payment %s has no intent, status %q and check at %v", p.ID, p.Status, p.CheckAt)
		}
		return
	}
	in, ok := intents[p.IntentID]
	if !ok {
		w.breach("payment %s has an intent that Stripe has not", p.ID)
		return
	}
	if p.Status != in.Status || p.PaymentMethod != in.PaymentMethod {
		w.breach("payment %s is %s with %q, its intent is %s with %q", p.ID, p.Status, p.PaymentMethod, in.Status, in.PaymentMethod)
	}
	if p.Amount != in.Amount || p.Currency != in.Currency || p.CustomerID != in.Customer {
		w.breach("payment %s is of %d %s from %s, its intent of %d %s from %s", p.ID, p.Amount, p.Currency, p.CustomerID, in.Amount, in.Currency, in.Customer)
	}
	if isFinal := p.Status == "succeeded" || p.Status == "canceled"; isFinal != p.CheckAt.IsZero() {
		w.breach("payment %s is %s, and its next check is at %v", p.ID, p.Status, p.CheckAt)
	}
}

// verifyTold compares what clients were told with what is stored.
func (w *world) verifyTold(ctx context.Context) {
	for k, t := range w.told {
		p, err := w.db.PaymentByCUID(ctx, k.userID, k.cuid)
		if err != nil {
			w.breach("a client was told of payment %v, which is missing: %v", k, err)
			continue
		}
		for _, c := range t.created {
			if c.Payment.IntentID != p.IntentID || c.Payment.Amount != p.Amount || c.Payment.Currency != p.Currency {
				w.breach("a client was told that %v is %+v; it is %+v", k, c.Payment, p)
			}
			if in := w.intentAt(p.IntentID); c.ClientSecret != in.ClientSecret {
				w.breach("a client was given a secret that is not of %s", in.ID)
			}
		}
		for _, c := range t.paid {
			if c.IntentID != p.IntentID || c.Amount != p.Amount || c.Currency != p.Currency || c.Status == "succeeded" && p.Status != "succeeded" {
				w.breach("a client was told that %v is %+v; it is %+v", k, c, p)
			}
		}
	}
}

// verifyIntents: every intent of ours belongs to one payment and is known, every
// one of our customers' is adopted, and no other is.
func (w *world) verifyIntents(intents map[string]sandbox.Intent, known map[string]paymentKey) {
	seen := map[string]string{}
	for id, in := range intents {
		paymentID := in.Metadata["paymentId"]
		if w.forged[id] {
			paymentID = ""
			if _, ok := known[id]; ok && in.Metadata["userId"] != w.madeFor(in.Customer) {
				w.breach("intent %s of %s is in a payment, by its metadata alone", id, in.Customer)
			}
		}
		if other := seen[paymentID]; paymentID != "" && other != "" {
			w.breach("payment %s has two intents, %s (%s) and %s (%s)", paymentID, other, w.keyOf(other), id, w.keyOf(id))
		}
		seen[paymentID] = id
		if _, ok := known[id]; !ok && (paymentID != "" || w.isOurs(in.Customer)) {
			w.breach("intent %s of %s is in no payment", id, in.Customer)
		}
	}
}

// madeFor is the user whom the customer was made for, empty for other customers.
func (w *world) madeFor(customerID string) string {
	for _, e := range w.box.Events() {
		if e.Type == "customer.created" && strings.Contains(string(e.Object), `"`+customerID+`"`) {
			for _, u := range w.users {
				if strings.Contains(string(e.Object), u.id) {
					return u.id
				}
			}
		}
	}
	return ""
}

// keyOf is the idempotency key that the intent was made under, and when.
func (w *world) keyOf(intentID string) string {
	for _, e := range w.box.Events() {
		if e.Type == "payment_intent.created" && strings.Contains(string(e.Object), `"`+intentID+`"`) {
			return fmt.Sprintf("%s at %s", e.IdempotencyKey, time.Unix(e.Created, 0).UTC())
		}
	}
	return "no key"
}

func (w *world) isOurs(customerID string) bool {
	_, err := w.db.UserByCustomer(context.Background(), customerID)
	return customerID != "" && err == nil
}

// verifyCharges: at most one charge of a payment succeeded, of the right sum.
func (w *world) verifyCharges(known map[string]paymentKey) {
	charged := map[paymentKey]string{}
	for _, c := range w.box.Charges() {
		k, ok := known[c.Intent]
		if c.Status == "failed" || !ok {
			continue
		}
		if charged[k] != "" {
			w.breach("payment %v was charged twice, %s and %s", k, charged[k], c.ID)
		}
		charged[k] = c.ID
		p, err := w.db.PaymentByCUID(context.Background(), k.userID, k.cuid)
		if err != nil || c.Amount != p.Amount || c.Currency != p.Currency {
			w.breach("payment %v was charged %d %s, and is %+v, %v", k, c.Amount, c.Currency, p, err)
		}
	}
}

// verifyUser: one customer, the one that the user has, with the present name and
// email.
func (w *world) verifyUser(ctx context.Context, u *user) {
	var alive []sandbox.Customer
	for _, c := range w.box.Customers() {
		if c.Metadata["userId"] == u.id {
			alive = append(alive, c)
		}
	}
	if len(alive) > 1 {
		w.breach("user %s has %d customers", u.id, len(alive))
		return
	}
	stored, err := w.db.User(ctx, u.id)
	switch {
	case u.deleted && errors.Is(err, store.ErrNotFound):
		return
	case err != nil:
		w.breach("user %s is missing: %v", u.id, err)
		return
	case len(alive) == 0:
		if stored.CustomerID != "" && u.lost == 0 {
			w.breach("user %s has customer %s, whom Stripe has not", u.id, stored.CustomerID)
		}
		return
	}
	c := alive[0]
	if stored.CustomerID == "" {
		// Made, and the reply lost, and the client never came back: the next
		// payment finds it.
		return
	}
	if c.ID != stored.CustomerID {
		w.breach("user %s has customer %s, and Stripe has %s for them", u.id, stored.CustomerID, c.ID)
	}
	if stored.Email == refusedEmail {
		if c.Name != stored.Name || c.Email == refusedEmail || stored.SyncAt.IsZero() {
			w.breach("user %s, whose address is refused, is %s (sync at %v); Stripe knows %s, %s", u.id, stored.Name, stored.SyncAt, c.Name, c.Email)
		}
		return
	}
	if c.Name != stored.Name || c.Email != stored.Email || !stored.SyncAt.IsZero() {
		w.breach("user %s is %s, %s (sync at %v); Stripe knows %s, %s", u.id, stored.Name, stored.Email, stored.SyncAt, c.Name, c.Email)
	}
}
