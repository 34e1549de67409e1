package payments_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// inWorld runs a test in a world of its own, over a SQLite file.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	db, done := sqliteStore(t)
	defer done()
	inWorldOf(t, db, f)
}

// inMemory is inWorld for tests of hundreds of payments.
func inMemory(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	inWorldOf(t, newMemory(), f)
}

func inWorldOf(t *testing.T, db store.Store, f func(w *world)) {
	t.Helper()
	if why := verdict(t, db, f); why != "" {
		t.Fatal(why)
	}
}

// on lets the first call of that name fail.
func (w *world) on(name string, f failure) {
	done := false
	w.strike = func(c call) *failure {
		if done || !strings.HasPrefix(c.name, name) {
			return nil
		}
		done = true
		return &f
	}
}

// createOnce asks for a payment once, as one request does.
func (w *world) createOnce(u *user, cuid string) (*payments.Created, error) {
	return w.running().service.Create(context.Background(), w.stored(u), cuid)
}

func kindOf(err error) stripeclient.Kind {
	var e *stripeclient.Error
	if !errors.As(err, &e) {
		return -1
	}
	return e.Kind
}

// requests is how often a route of Stripe was called.
func (w *world) requests(route string) int { return w.box.Requests()[route] }

func TestTheFirstPaymentMakesTheCustomer(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.register()
		created, err := w.createOnce(u, "one")
		w.must(err)
		p := created.Payment
		if p.Amount != 2000 || p.Currency != "usd" || p.Status != stripeclient.StatusRequiresPaymentMethod || p.PaymentMethod != "" {
			t.Errorf("the new payment is %+v", p)
		}
		in := w.intentAt(p.IntentID)
		if created.ClientSecret != in.ClientSecret || in.Customer != w.stored(u).CustomerID {
			t.Errorf("the intent is %+v; the user's customer %s", in, w.stored(u).CustomerID)
		}
		if in.Metadata["paymentId"] != p.ID || in.Metadata["userId"] != u.id || in.Metadata["cuid"] != "one" {
			t.Errorf("the intent's metadata is %v", in.Metadata)
		}
		w.mustCreate(u, "two")
		if n := w.requests("POST /v1/customers"); n != 1 {
			t.Errorf("%d customers were asked for, want 1", n)
		}
	})
}

func TestACreateThatIsRepeated(t *testing.T) {
	t.Parallel()
	saved := func(kind sandbox.FaultKind) failure { return failure{mode: fault, fault: kind} }
	tests := []struct {
		name string
		fail string
		with failure
		// first is what the first try comes to, -1 for success.
		first stripeclient.Kind
		// intents is how often Stripe was asked for an intent, in all.
		intents int
	}{
		{"after success", "", failure{}, -1, 1},
		{"after a lost reply that stripeclient makes up for", "POST /v1/payment_intents", failure{mode: lost}, -1, 2},
		{"after a saved 500 that had made the intent", "POST /v1/payment_intents", saved(sandbox.FaultErrorAfter), -1, 2},
		{"after a saved 500 that had not", "POST /v1/payment_intents", saved(sandbox.FaultErrorBefore), -1, 3},
		{"after a rate limit", "POST /v1/payment_intents", saved(sandbox.FaultRateLimit), stripeclient.KindOverloaded, 2},
		{"after a saved 500 that had made the customer", "POST /v1/customers", saved(sandbox.FaultErrorAfter), -1, 1},
		{"after a saved 500 that had not made it", "POST /v1/customers", saved(sandbox.FaultErrorBefore), -1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				u := w.register()
				if tt.fail != "" {
					w.on(tt.fail, tt.with)
				}
				if _, err := w.createOnce(u, "cuid"); kindOf(err) != tt.first {
					t.Errorf("the first try: %v, want kind %v", err, tt.first)
				}
				first, second := w.mustCreate(u, "cuid"), w.mustCreate(u, "cuid")
				if first != second {
					t.Errorf("one cuid has two payments, %s and %s", first, second)
				}
				if got := w.requests("POST /v1/payment_intents"); got != tt.intents {
					t.Errorf("Stripe was asked for an intent %d times, want %d", got, tt.intents)
				}
				if i, c := len(w.box.Intents()), len(w.box.Customers()); i != 1 || c != 1 {
					t.Errorf("Stripe has %d intents and %d customers, want one of each", i, c)
				}
			})
		})
	}
}

func TestTheCustomerIsOneThoughTheNameChangesBetweenTries(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.register()
		w.on("POST /v1/customers", failure{mode: goneAfter})
		_, _ = w.during(context.Background(), func(context.Context) error { _, err := w.createOnce(u, "cuid"); return err })
		w.rename(u)
		w.mustCreate(u, "cuid")
		if got := w.requests("GET /v1/customers"); got != 1 {
			t.Errorf("Stripe was looked through for the customer %d times, want once", got)
		}
		if w.stored(u).SyncAt.IsZero() {
			t.Error("the customer, who has the former name, is not marked for the new one")
		}
		w.converge()
		w.verify()
	})
}

func TestACustomerDeletedAtStripeIsReplaced(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.register()
		w.mustCreate(u, "one")
		lost := w.stored(u).CustomerID
		w.deleteCustomer(u)
		w.rename(u) // which marks the user for a customer who is gone
		p, err := w.createOnce(u, "two")
		w.must(err)
		if now := w.stored(u).CustomerID; now == lost || p.Payment.CustomerID != now {
			t.Errorf("the customer was %s and is %s; the payment's is %s", lost, now, p.Payment.CustomerID)
		}
		w.converge()
		w.verify()
	})
}

func TestAKeyThatStripeMayHaveForgottenIsNotSent(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.register()
		w.loseIntent(u, "made")
		w.on("POST /v1/payment_intents", failure{mode: fault, fault: sandbox.FaultRateLimit})
		if _, err := w.createOnce(u, "not made"); kindOf(err) != stripeclient.KindOverloaded {
			t.Fatalf("the first try: %v", err)
		}
		time.Sleep(25 * time.Hour)
		before := w.requests("POST /v1/payment_intents")
		w.mustCreate(u, "made")
		if n := w.requests("POST /v1/payment_intents") - before; n != 0 {
			t.Errorf("an intent that there was, was asked for %d times", n)
		}
		w.mustCreate(u, "not made")
		if n := len(w.box.Intents()); n != 2 {
			t.Errorf("Stripe has %d intents, want 2", n)
		}
	})
}

func TestThePriceIsOfTheFirstTry(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.register()
		w.on("POST /v1/customers", failure{mode: goneBefore})
		_, _ = w.during(context.Background(), func(context.Context) error { _, err := w.createOnce(u, "old"); return err })
		w.replace(w.start(func(c *payments.Config) { c.Amount, c.Currency = 3500, "eur" }))
		for cuid, want := range map[string]int64{"old": 2000, "new": 3500} {
			if p, err := w.createOnce(u, cuid); err != nil || p.Payment.Amount != want {
				t.Errorf("%s payment: %+v, %v, want %d", cuid, p, err, want)
			}
		}
	})
}

func TestCheckCustomer(t *testing.T) {
	inWorld(t, func(w *world) {
		u, other := w.register(), w.register()
		w.mustCreate(u, "cuid")
		theirs := w.stored(u).CustomerID
		nobodys := w.stripe("POST", "/v1/customers", nil)
		deleted := w.stripe("POST", "/v1/customers", nil)
		w.stripe("DELETE", "/v1/customers/"+deleted, nil)
		for _, tt := range []struct {
			name, user, customer string
			want                 error
		}{
			{"the user's own", u.id, theirs, nil},
			{"nobody's", other.id, nobodys, nil},
			{"another user's", other.id, theirs, store.ErrCustomerTaken},
			{"nobody's, with metadata of another program", other.id, w.customerOf("42"), nil},
			{"another deployment's", other.id, w.customerOf("aaaaaaaaaaaaaaaaaaaaaaaa"), store.ErrCustomerTaken},
			{"unknown", other.id, "cus_unknown", payments.ErrCustomerUnknown},
			{"deleted", other.id, deleted, payments.ErrCustomerUnknown},
		} {
			if err := w.running().service.CheckCustomer(context.Background(), tt.user, tt.customer); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			}
		}
	})
}

func TestAConfigurationReportsAllItsFaults(t *testing.T) {
	t.Parallel()
	_, err := payments.New(payments.Config{Amount: -1, Currency: "USD"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"store", "Stripe client", "amount", "currency"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of the %s in: %v", want, err)
		}
	}
}

// The reply to a create is lost, the repeated call returns the saved answer, and
// Stripe refuses the read that follows: the intent may exist.
func TestARefusedReadAfterTheIntentWasMadeIsUnknown(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.register()
		created := 0
		w.strike = func(c call) *failure {
			if c.name == "POST /v1/payment_intents" {
				if created++; created == 1 {
					return &failure{mode: lost}
				}
			}
			if strings.HasPrefix(c.name, "GET /v1/payment_intents/") {
				return &failure{mode: fault, fault: sandbox.FaultUnauthorized}
			}
			return nil
		}
		if _, err := w.createOnce(u, "cuid"); kindOf(err) != stripeclient.KindUnknown {
			t.Errorf("got %v, want an unknown outcome", err)
		}
		w.strike = nil
		w.mustCreate(u, "cuid")
		if n := len(w.box.Intents()); n != 1 {
			t.Errorf("Stripe has %d intents, want one", n)
		}
	})
}
