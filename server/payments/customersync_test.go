package payments_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// setEmail changes the user's address, as the server does.
func (w *world) setEmail(u *user, email, key string) {
	stored := w.stored(u)
	stored.Email, stored.EmailKey = email, key
	if stored.CustomerID != "" {
		stored.SyncAt = time.Now()
	}
	w.must(w.db.UpdateUser(context.Background(), stored))
}

// customerAt is the user's customer as it is at Stripe.
func (w *world) customerAt(u *user) sandbox.Customer {
	id := w.stored(u).CustomerID
	for _, c := range w.box.Customers() {
		if c.ID == id {
			return c
		}
	}
	w.fatalf("Stripe has no customer %q", id)
	return sandbox.Customer{}
}

// refusedEmail is an address that the sandbox refuses, as Stripe refuses some.
const refusedEmail = "somebody at example.com"

func TestStripeGetsTheASCIIFormOfAnAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, email, key, want string }{
		{"as written", "Ada.L+1@Example.com", "ada.l+1@example.com", "Ada.L+1@Example.com"},
		{"a domain in another script", "Ada@Bücher.example", "ada@xn--bcher-kva.example", "Ada@xn--bcher-kva.example"},
		{"a local part in another script has no ASCII form", "ädä@example.com", "ädä@example.com", ""},
		{"both", "ädä@bücher.example", "ädä@xn--bcher-kva.example", ""},
		{"a key from before domains were folded", "Ada@bücher.example", "ada@bücher.example", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				u := w.register()
				w.setEmail(u, tt.email, tt.key)
				w.mustCreate(u, "cuid")
				if got := w.customerAt(u).Email; got != tt.want {
					t.Errorf("Stripe has %q, want %q", got, tt.want)
				}
				if at := w.stored(u).SyncAt; !at.IsZero() {
					t.Errorf("the customer is to be given the address again, at %v", at)
				}
				w.rename(u)
				w.setEmail(u, tt.email, tt.key)
				w.must(w.round(payments.Round{Events: 1, Customers: 1}))
				if got := w.customerAt(u); got.Email != tt.want && tt.want != "" || got.Name != w.stored(u).Name {
					t.Errorf("after a change Stripe has %q, %q, want %q", got.Email, got.Name, tt.want)
				}
			})
		})
	}
}

// A user whose address Stripe refuses pays all the same.
func TestAnAddressThatStripeRefusesStopsNoPayment(t *testing.T) {
	inWorld(t, func(w *world) {
		var log bytes.Buffer
		w.replace(w.start(func(c *payments.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }))
		u := w.register()
		w.setEmail(u, refusedEmail, refusedEmail)
		created, err := w.createOnce(u, "cuid")
		w.must(err)
		w.pay(u, created.Payment.IntentID, goodCard, "succeeded")
		w.mustCreate(u, "another")
		if c := w.customerAt(u); c.Email != "" || c.Name != "Somebody" {
			t.Errorf("the customer is %q, %q, want the name alone", c.Name, c.Email)
		}
		if n := len(w.box.Customers()); n != 1 {
			t.Errorf("Stripe has %d customers, want 1", n)
		}
		if text := log.String(); !strings.Contains(text, u.id) || !strings.Contains(text, "email_invalid") || strings.Contains(text, "somebody at") {
			t.Errorf("the log is %q, want the user and Stripe's code, and not the address", text)
		}
	})
}

// Stripe may save its refusal under the key, and then knows the key with other
// parameters. The next attempt begins without the address.
func TestARefusedAddressWhoseRefusalIsSaved(t *testing.T) {
	inWorld(t, func(w *world) {
		u := w.register()
		n := 0
		w.strike = func(c call) *failure {
			if c.name != "POST /v1/customers" {
				return nil
			}
			switch n++; n {
			case 1:
				return &failure{mode: refusal, answer: answer{status: 400, kind: invalidRequest, code: "email_invalid", param: "email"}}
			case 2:
				return &failure{mode: refusal, answer: answer{status: 400, kind: "idempotency_error"}}
			}
			return nil
		}
		_, err := w.createOnce(u, "cuid")
		w.must(err)
		if c := w.customerAt(u); n != 3 || c.Email != "" || c.Name != "Somebody" {
			t.Errorf("after %d requests the customer is %q, %q, want the name alone after 3", n, c.Name, c.Email)
		}
	})
}

// The reply to a creation without the address may be lost, too.
func TestACustomerWithoutTheRefusedAddressIsMadeOnce(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]failure{
		"lost reply":         {mode: lost, times: 3},
		"saved 500 after":    {mode: fault, fault: sandbox.FaultErrorAfter},
		"saved 500 before":   {mode: fault, fault: sandbox.FaultErrorBefore},
		"process gone after": {mode: goneAfter},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				u := w.register()
				w.setEmail(u, refusedEmail, refusedEmail)
				n := 0
				w.strike = func(c call) *failure {
					if c.name != "POST /v1/customers" {
						return nil
					}
					if n++; n >= 2 && n <= 1+max(1, f.times) { // the first is refused
						return &f
					}
					return nil
				}
				w.mustCreate(u, "cuid")
				if n := len(w.box.Customers()); n != 1 {
					t.Errorf("Stripe has %d customers, want 1", n)
				}
			})
		})
	}
}

// A changed address that Stripe refuses is tried ever more rarely. It fails no
// round, and the name is given to Stripe all the same.
func TestAChangedAddressThatStripeRefusesIsParked(t *testing.T) {
	inMemory(t, func(w *world) {
		u, _ := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		w.rename(u)
		w.setEmail(u, refusedEmail, refusedEmail)
		began := time.Now()
		var tries []time.Duration
		r := w.running().reconciler
		for time.Since(began) < 3*24*time.Hour {
			round, err := r.RunOnce(context.Background())
			if err != nil || round.Failed > 0 || r.Lag() > time.Second {
				t.Fatalf("the round is %+v, %v, the lag %v", round, err, r.Lag())
			}
			if round.Refused.Customers > 0 {
				tries = append(tries, time.Since(began))
			}
			time.Sleep(time.Until(w.stored(u).SyncAt))
		}
		// 30 s and its doublings up to a day: 30 s · (2^12 - 1) are 34 h.
		if len(tries) != 14 || tries[1] != 30*time.Second || tries[13]-tries[12] != 24*time.Hour {
			t.Errorf("tried after %v, want 14 times, each pause twice the one before, up to a day", tries)
		}
		if got := w.customerAt(u); got.Name != w.stored(u).Name || r.Refused().Customers != len(tries) {
			t.Errorf("the customer is %q, refused %+v", got.Name, r.Refused())
		}
		w.rename(u)
		w.must(w.round(payments.Round{Customers: 1, Payments: 1}))
		if stored := w.stored(u); stored.SyncFailures != 0 || !stored.SyncAt.IsZero() || w.customerAt(u).Email != stored.Email {
			t.Errorf("with a good address the user is %+v, the customer %+v", stored, w.customerAt(u))
		}
	})
}

// A payment whose intent Stripe refuses is asked about as rarely as any other, and
// fails no round.
func TestAPaymentThatStripeRefusesFailsNoRound(t *testing.T) {
	inWorld(t, func(w *world) {
		_, id := paying(w)
		w.must(w.round(payments.Round{Events: 1}))
		w.refuse("GET /v1/payment_intents/"+id, answer{status: 400, kind: invalidRequest})
		time.Sleep(time.Hour)
		w.must(w.round(payments.Round{Refused: payments.Refused{Payments: 1}}))
		w.must(w.round(payments.Round{}))
		time.Sleep(time.Hour + time.Minute)
		w.must(w.round(payments.Round{Refused: payments.Refused{Payments: 1}}))
	})
}

// What is no fault of the item fails the round, so that somebody is told.
func TestWhatConcernsEverythingFailsTheRound(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"the key":     {status: 401, kind: invalidRequest},
		"the account": {status: 400, kind: invalidRequest, code: "account_invalid"},
		"an outage":   {status: 503, kind: "api_error"},
		"the limit":   {status: 429, kind: invalidRequest, code: "rate_limit"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				u, _ := paying(w)
				w.must(w.round(payments.Round{Events: 1}))
				w.rename(u)
				time.Sleep(time.Hour)
				w.refuse("", a)
				if round, err := w.reconcile(context.Background()); err == nil || round.Failed != 2 || round.Refused != (payments.Refused{}) {
					t.Errorf("the round is %+v, %v, want that two items fail", round, err)
				}
			})
		})
	}
}
