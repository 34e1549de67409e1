package payments_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// metadata is what an intent or a customer at Stripe says of our payments.
type metadata struct{ paymentID, userID, cuid string }

// intentWith makes an intent at Stripe, as somebody with access to the account does.
func (w *world) intentWith(customerID string, m metadata) string {
	form := url.Values{"amount": {"777"}, "currency": {"eur"}, "customer": {customerID}, "payment_method_types[0]": {"card"}}
	for key, value := range map[string]string{"paymentId": m.paymentID, "userId": m.userID, "cuid": m.cuid} {
		if value != "" {
			form.Set("metadata["+key+"]", value)
		}
	}
	return w.stripe("POST", "/v1/payment_intents", form)
}

// customerOf makes a customer at Stripe whose metadata names the user.
func (w *world) customerOf(userID string) string {
	return w.stripe("POST", "/v1/customers", url.Values{"metadata[userId]": {userID}})
}

// What becomes of an intent that was not made by this server, by its customer and
// by what its metadata says.
func TestWhoseAnIntentIs(t *testing.T) {
	t.Parallel()
	const free = "aaaaaaaaaaaaaaaaaaaaaaaa" // the id of no payment and no user
	adopted := func(id string) string { return "stripe:" + id }
	tests := []struct {
		name string
		// make returns the intent. u has a customer and the payment "cuid", late
		// has no customer.
		make func(w *world, u, late *user) string
		// owner is 0 for nobody, 1 for u, 2 for late; cuid is that of the payment.
		owner int
		cuid  func(intentID string) string
	}{
		{"another customer, metadata of the user", func(w *world, u, _ *user) string {
			return w.intentWith(w.customerOf(""), metadata{free, u.id, "forged"})
		}, 0, nil},
		{"another customer, metadata of the user's payment", func(w *world, u, _ *user) string {
			return w.intentWith(w.customerOf(""), metadata{w.paymentOf(u, "cuid").ID, u.id, "cuid"})
		}, 0, nil},
		{"another customer whose metadata names the user, who has a customer", func(w *world, u, _ *user) string {
			return w.intentWith(w.customerOf(u.id), metadata{free, u.id, "forged"})
		}, 0, nil},
		{"another customer, metadata of a user without one", func(w *world, _, late *user) string {
			return w.intentWith(w.customerOf(""), metadata{free, late.id, "forged"})
		}, 0, nil},
		{"a deployment with other users on the same account", func(w *world, _, _ *user) string {
			return w.intentWith(w.customerOf(free), metadata{free, free, "theirs"})
		}, 0, nil},
		{"no customer, metadata of the user", func(w *world, u, _ *user) string {
			return w.stripe("POST", "/v1/payment_intents", url.Values{
				"amount": {"777"}, "currency": {"eur"}, "metadata[paymentId]": {free},
				"metadata[userId]": {u.id}, "metadata[cuid]": {"forged"},
			})
		}, 0, nil},
		{"the user's customer, no metadata", func(w *world, u, _ *user) string {
			return w.intentWith(w.stored(u).CustomerID, metadata{})
		}, 1, adopted},
		{"the user's customer, metadata in another form", func(w *world, u, _ *user) string {
			return w.intentWith(w.stored(u).CustomerID, metadata{"order-17", "42", "a b"})
		}, 1, adopted},
		{"the user's customer, only a cuid", func(w *world, u, _ *user) string {
			return w.intentWith(w.stored(u).CustomerID, metadata{cuid: "cuid"})
		}, 1, adopted},
		{"the user's customer, metadata of another user", func(w *world, u, late *user) string {
			return w.intentWith(w.stored(u).CustomerID, metadata{free, late.id, "forged"})
		}, 1, adopted},
		{"the user's customer, the metadata of a payment copied", func(w *world, u, _ *user) string {
			return w.intentWith(w.stored(u).CustomerID, metadata{w.paymentOf(u, "cuid").ID, u.id, "cuid"})
		}, 1, adopted},
		{"the user's customer, the id of a payment under another cuid", func(w *world, u, _ *user) string {
			return w.intentWith(w.stored(u).CustomerID, metadata{w.paymentOf(u, "cuid").ID, u.id, "other"})
		}, 1, adopted},
		{"the user's customer, another id for the cuid of a payment", func(w *world, u, _ *user) string {
			return w.intentWith(w.stored(u).CustomerID, metadata{free, u.id, "cuid"})
		}, 1, adopted},
		{"a backup from before the payment", func(w *world, u, _ *user) string {
			return w.intentWith(w.stored(u).CustomerID, metadata{free, u.id, "restored"})
		}, 1, func(string) string { return "restored" }},
		{"a customer whose metadata names a user without one", func(w *world, _, late *user) string {
			return w.intentWith(w.customerOf(late.id), metadata{free, late.id, "forged"})
		}, 0, nil},
	}
	// By an event that only names the intent, and by one of Stripe's, which says
	// whose it is.
	for _, byRound := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s, by a round: %v", tt.name, byRound), func(t *testing.T) {
				inWorld(t, func(w *world) {
					u, own := paying(w)
					late := w.register()
					id := tt.make(w, u, late)
					for range 2 {
						if byRound {
							_, err := w.reconcile(context.Background())
							w.must(err)
						} else {
							w.handle("payment_intent.created", id)
						}
					}
					p, err := w.db.PaymentByIntent(context.Background(), id)
					switch {
					case tt.owner == 0 && !errors.Is(err, store.ErrNotFound):
						t.Errorf("got %+v, %v, want no payment", p, err)
					case tt.owner == 0:
					case err != nil:
						t.Errorf("no payment: %v", err)
					case p.UserID != []*user{u, late}[tt.owner-1].id || p.CUID != tt.cuid(id) || p.Amount != 777:
						t.Errorf("the payment is %+v, want that of user %d with cuid %s", p, tt.owner, tt.cuid(id))
					}
					// The user's own payments are none the worse.
					if again, err := w.createOnce(u, "cuid"); err != nil || again.Payment.IntentID != own || again.Payment.Amount != 2000 {
						t.Errorf("create again: %+v, %v, want %s over 2000", again, err, own)
					}
					if forged, err := w.createOnce(u, "forged"); err != nil || forged.Payment.Amount != 2000 {
						t.Errorf("create with the forged cuid: %+v, %v, want one over 2000", forged, err)
					}
					if forged, err := w.createOnce(late, "forged"); err != nil || forged.Payment.Amount != 2000 {
						t.Errorf("create with the forged cuid: %+v, %v, want one over 2000", forged, err)
					}
				})
			})
		}
	}
}

// paymentOf is the stored payment of the user.
func (w *world) paymentOf(u *user, cuid string) *store.Payment {
	p, err := w.db.PaymentByCUID(context.Background(), u.id, cuid)
	w.must(err)
	return p
}

// An intent of the same customer that claims to be a payment's, and is not what was
// asked for, is not taken for it when the reply to its own was lost.
func TestAForgedIntentIsNotFound(t *testing.T) {
	inWorld(t, func(w *world) {
		u, _ := paying(w)
		w.loseIntent(u, "lost")
		p := w.paymentOf(u, "lost")
		w.intentWith(p.CustomerID, metadata{p.ID, u.id, "lost"})
		w.intentWith(p.CustomerID, metadata{p.ID, u.id, "other"})
		w.on("POST /v1/payment_intents", failure{mode: fault, fault: sandbox.FaultErrorBefore})
		created, err := w.createOnce(u, "lost")
		if w.must(err); created.Payment.Amount != 2000 || w.intentAt(created.Payment.IntentID).Amount != 2000 {
			t.Errorf("the payment is %+v, its intent %+v", created.Payment, w.intentAt(created.Payment.IntentID))
		}
	})
}

// A customer that claims to be the user's, and is another user's, is not theirs.
func TestAForgedCustomerIsNotFound(t *testing.T) {
	inWorld(t, func(w *world) {
		other, _ := paying(w)
		u := w.register()
		w.stripe("POST", "/v1/customers/"+w.stored(other).CustomerID, url.Values{"metadata[userId]": {u.id}})
		w.on("POST /v1/customers", failure{mode: fault, fault: sandbox.FaultErrorBefore})
		_, err := w.createOnce(u, "cuid")
		w.must(err)
		if got := w.stored(u).CustomerID; got == "" || got == w.stored(other).CustomerID {
			t.Errorf("the user's customer is %q, the other's is %q", got, w.stored(other).CustomerID)
		}
	})
}

// An event that shows its intent to be nobody's of ours costs no call to Stripe,
// whatever its metadata claims.
func TestForeignEventsCostNoCall(t *testing.T) {
	inWorld(t, func(w *world) {
		u, _ := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		stranger := w.customerOf("")
		for range 20 {
			w.dashboardIntent(stranger)
			w.intentWith(stranger, metadata{"aaaaaaaaaaaaaaaaaaaaaaaa", u.id, "forged"})
			w.intentWith(stranger, metadata{"order-17", "42", ""})
			w.stripe("POST", "/v1/payment_intents", url.Values{"amount": {"500"}, "currency": {"usd"}})
		}
		var err error
		calls := stripeCalls(w.asked(func() { err = w.round(payments.Round{Events: 80}) }))
		w.must(err)
		if len(calls) != 1 || calls["GET events"] != 1 {
			t.Errorf("asked Stripe for %v, want the list of events alone", calls)
		}
	})
}
