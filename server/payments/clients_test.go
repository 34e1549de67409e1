package payments_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// paymentKey is what is one payment.
type paymentKey struct{ userID, cuid string }

// told is what the server has told clients of one payment.
type told struct {
	// created is the answer to create.
	created []payments.Created
	// paid are the answers to confirm.
	paid []store.Payment
}

// register adds a user, as the server does.
func (w *world) register() *user {
	now := time.Now().UTC()
	u := &store.User{ID: store.NewID(now), CreatedAt: now, UpdatedAt: now}
	u.Name, u.Email, u.EmailKey = "Somebody", u.ID+"@example.com", u.ID+"@example.com"
	if err := w.db.InsertUser(context.Background(), u); err != nil {
		w.fatalf("register: %v", err)
	}
	w.users = append(w.users, &user{id: u.ID})
	return w.users[len(w.users)-1]
}

func (w *world) stored(u *user) *store.User {
	stored, err := w.db.User(context.Background(), u.id)
	if err != nil {
		w.fatalf("read user: %v", err)
	}
	return stored
}

// rename changes the user's name and email, as the server does.
func (w *world) rename(u *user) {
	stored := w.stored(u)
	stored.Name += "!"
	stored.Email = fmt.Sprintf("%d-%s@example.com", len(stored.Name), u.id)
	stored.EmailKey = stored.Email
	if stored.CustomerID != "" {
		stored.SyncAt = time.Now()
	}
	if err := w.db.UpdateUser(context.Background(), stored); err != nil {
		w.fatalf("rename: %v", err)
	}
}

// remove deletes the user, as the server does.
func (w *world) remove(u *user) {
	if err := w.db.DeleteUser(context.Background(), w.stored(u)); err != nil {
		w.fatalf("delete user: %v", err)
	}
	u.deleted = true
}

// deleteCustomer deletes the user's customer in Stripe's dashboard. false: there
// is none.
func (w *world) deleteCustomer(u *user) bool {
	for _, c := range w.box.Customers() {
		if c.Metadata["userId"] == u.id {
			w.stripe("DELETE", "/v1/customers/"+c.ID, nil)
			u.lost++
			return true
		}
	}
	return false
}

// dashboardIntent makes an intent for the customer in Stripe's dashboard.
func (w *world) dashboardIntent(customerID string) string {
	return w.stripe("POST", "/v1/payment_intents", url.Values{
		"amount": {"777"}, "currency": {"eur"}, "customer": {customerID}, "payment_method_types[0]": {"card"},
	})
}

func (w *world) cancel(intentID string) {
	w.stripe("POST", "/v1/payment_intents/"+intentID+"/cancel", nil)
}

// create asks for the payment of the cuid until the answer is definite.
func (w *world) create(ctx context.Context, u *user, cuid string) (*payments.Created, error) {
	var created *payments.Created
	err := w.persist(ctx, "create", func(ctx context.Context, p *process) error {
		who, err := p.store.User(ctx, u.id)
		if errors.Is(err, store.ErrNotFound) {
			return errNoUser
		}
		if err != nil {
			return err
		}
		created, err = p.service.Create(ctx, who, cuid)
		return err
	})
	if err == nil {
		w.remember(paymentKey{u.id, cuid}, func(t *told) { t.created = append(t.created, *created) })
	}
	return created, err
}

// mustCreate is create where it has to succeed.
func (w *world) mustCreate(u *user, cuid string) string {
	created, err := w.create(context.Background(), u, cuid)
	if err != nil {
		w.fatalf("create: %v", err)
	}
	return created.Payment.IntentID
}

// confirm pays until the answer is definite. alone: nobody else pays this
// payment meanwhile.
func (w *world) confirm(ctx context.Context, u *user, cuid, intentID, card string, alone bool) (*store.Payment, error) {
	var paid *store.Payment
	err := w.persist(ctx, "confirm", func(ctx context.Context, p *process) error {
		before := w.chargesOf(intentID)
		paid = nil
		done, err := p.service.Confirm(ctx, payments.Confirmation{UserID: u.id, CUID: cuid, IntentID: intentID, PaymentMethod: card})
		if err == nil {
			paid = done.Payment
		}
		w.heard(intentID, paid, err, alone, before)
		return err
	})
	if err == nil {
		w.remember(paymentKey{u.id, cuid}, func(t *told) { t.paid = append(t.paid, *paid) })
	}
	return paid, err
}

// heard holds one answer to confirm to what is true at Stripe at this moment.
func (w *world) heard(intentID string, paid *store.Payment, err error, alone bool, before int) {
	now := w.intentAt(intentID)
	moved := now.Status == "succeeded" || now.Status == "processing" || now.Status == "requires_capture"
	var declined *payments.DeclinedError
	var stripe *stripeclient.Error
	switch {
	case err == nil:
		if paid.Status != now.Status && (alone || paid.Status == "succeeded") {
			w.breach("a client is told %s of %s, which is %s", paid.Status, intentID, now.Status)
		}
		if paid.PaymentMethod != now.PaymentMethod && alone {
			w.breach("a client is told that %s has the payment method %s, not %s", intentID, paid.PaymentMethod, now.PaymentMethod)
		}
	case errors.As(err, &declined) && moved && alone:
		w.breach("a client is told of a decline of %s, which is %s", intentID, now.Status)
	case errors.Is(err, payments.ErrNotConfirmable) && moved:
		w.breach("a client is told that %s cannot be paid, which is %s", intentID, now.Status)
	case errors.As(err, &stripe) && alone && w.chargesOf(intentID) > before &&
		(stripe.Kind == stripeclient.KindOverloaded || stripe.Kind == stripeclient.KindBusy):
		w.breach("a client is told that nothing was done, and %s was charged: %v", intentID, err)
	}
}

// chargesOf is how many charges of the intent moved money, or are about to.
func (w *world) chargesOf(intentID string) int {
	n := 0
	for _, c := range w.box.Charges() {
		if c.Intent == intentID && c.Status != "failed" {
			n++
		}
	}
	return n
}

// intentAt is the intent as it is at Stripe, empty if there is none.
func (w *world) intentAt(id string) sandbox.Intent {
	for _, in := range w.box.Intents() {
		if in.ID == id {
			return in
		}
	}
	return sandbox.Intent{}
}

// webhook delivers an event, which Stripe repeats until it is taken.
func (w *world) webhook(ctx context.Context, e sandbox.Event, intentID string) {
	event := &stripeclient.Event{ID: e.ID, Type: e.Type, ObjectID: intentID}
	if err := w.persist(ctx, "webhook", func(ctx context.Context, p *process) error { return p.service.Handle(ctx, event) }); err != nil {
		w.breach("webhook: %v", err)
	}
}

// reconcile makes one round, whatever becomes of it.
func (w *world) reconcile(ctx context.Context) (payments.Round, error) {
	p := w.running()
	var round payments.Round
	gone, err := w.during(ctx, func(ctx context.Context) (err error) {
		round, err = p.reconciler.RunOnce(ctx)
		return err
	})
	if gone {
		w.revive(p)
	}
	return round, err
}
