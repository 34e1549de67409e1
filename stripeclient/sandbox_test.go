package stripeclient_test

import (
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// setup returns a client of a sandbox of its own.
func setup(t *testing.T) (*sandbox.Sandbox, *stripeclient.Client) {
	t.Helper()
	s, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Errorf("close sandbox: %v", err)
		}
	})
	c, err := stripeclient.New(stripeclient.Config{SecretKey: s.SecretKey(), BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// newIntent makes a customer and an intent for the payment.
func newIntent(t *testing.T, c *stripeclient.Client, payment string) *stripeclient.Intent {
	t.Helper()
	cus, err := c.CreateCustomer(t.Context(), "customer:"+payment, stripeclient.CustomerParams{
		Email: "ada@example.com", Name: "Ada", UserID: "user1",
	})
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.CreateIntent(t.Context(), "create:"+payment, stripeclient.IntentParams{
		Amount: 2000, Currency: "usd", CustomerID: cus.ID, PaymentID: payment, UserID: "user1", CUID: "c1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func failure(t *testing.T, err error, kind stripeclient.Kind) *stripeclient.Error {
	t.Helper()
	var e *stripeclient.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got %v, want an error of kind %v", err, kind)
	}
	return e
}

func TestAPaymentFromCustomerToEvents(t *testing.T) {
	t.Parallel()
	s, c := setup(t)
	ctx := t.Context()
	in := newIntent(t, c, "pay1")
	if in.Status != stripeclient.StatusRequiresPaymentMethod || in.ClientSecret == "" || in.PaymentID != "pay1" || in.Replayed {
		t.Errorf("got %v, replayed %v, of payment %q; want a new one that requires a payment method", in, in.Replayed, in.PaymentID)
	}

	_, err := c.ConfirmIntent(ctx, in.ID, "confirm:1", "pm_card_visa_chargeDeclinedInsufficientFunds")
	e := failure(t, err, stripeclient.KindDeclined)
	if e.Code != "card_declined" || e.DeclineCode != "insufficient_funds" || e.RequestID == "" || e.Replayed {
		t.Errorf("got %v, replayed %v; want insufficient funds, with a request id, not replayed", e, e.Replayed)
	}
	if e.Intent == nil || e.Intent.Status != stripeclient.StatusRequiresPaymentMethod || e.Intent.LastError == nil {
		t.Errorf("got intent %v in the error, want one that requires a payment method and tells why", e.Intent)
	}
	_, err = c.ConfirmIntent(ctx, in.ID, "confirm:1", "pm_card_visa_chargeDeclinedInsufficientFunds")
	if e := failure(t, err, stripeclient.KindDeclined); !e.Replayed {
		t.Errorf("got %v, not replayed; want the saved decline", e)
	}
	_, err = c.ConfirmIntent(ctx, in.ID, "confirm:1", "pm_card_visa")
	failure(t, err, stripeclient.KindKeyReused)

	paid, err := c.ConfirmIntent(ctx, in.ID, "confirm:2", "pm_card_visa")
	if err != nil {
		t.Fatal(err)
	}
	if paid.Status != stripeclient.StatusSucceeded || paid.PaymentMethod == "" {
		t.Errorf("got %v with payment method %q, want it succeeded with one", paid, paid.PaymentMethod)
	}
	_, err = c.ConfirmIntent(ctx, in.ID, "confirm:3", "pm_card_visa")
	if e := failure(t, err, stripeclient.KindUnexpectedState); e.Intent == nil || e.Intent.Status != stripeclient.StatusSucceeded {
		t.Errorf("got intent %v in the error, want the one that has succeeded", e.Intent)
	}
	_, err = c.ConfirmIntent(ctx, "pi_unknown", "confirm:4", "pm_card_visa")
	if e := failure(t, err, stripeclient.KindNotFound); e.Param != "intent" {
		t.Errorf("got param %q, want intent", e.Param)
	}

	listed, err := c.Intents(ctx, in.CustomerID, in.Created)
	if err != nil || len(listed) != 1 || listed[0].ID != in.ID || listed[0].Status != stripeclient.StatusSucceeded {
		t.Errorf("listed %v, %v; want %s, succeeded", listed, err, in.ID)
	}
	listed, err = c.Intents(ctx, in.CustomerID, in.Created.Add(time.Second))
	if err != nil || len(listed) != 0 {
		t.Errorf("listed %v, %v; want none that was made later", listed, err)
	}

	var paidCharges int
	for _, charge := range s.Charges() {
		if charge.Intent == in.ID && charge.Status == "succeeded" {
			paidCharges++
		}
	}
	if paidCharges != 1 {
		t.Errorf("got %d succeeded charges, want exactly one", paidCharges)
	}
}

func TestEventsAreReadOnceEachOldestFirst(t *testing.T) {
	t.Parallel()
	_, c := setup(t)
	first := newIntent(t, c, "pay1")
	newest, more, err := c.Events(t.Context(), "", 1)
	if err != nil || len(newest) != 1 || more || newest[0].ObjectID != first.ID {
		t.Fatalf("got %v, more %v, %v; want the creation of %s alone", newest, more, err, first.ID)
	}
	_, err = c.ConfirmIntent(t.Context(), first.ID, "confirm:1", "pm_card_visa_chargeDeclined")
	failure(t, err, stripeclient.KindDeclined)
	if _, err = c.ConfirmIntent(t.Context(), first.ID, "confirm:2", "pm_card_visa"); err != nil {
		t.Fatal(err)
	}
	second := newIntent(t, c, "pay2")

	var got []string
	for cursor, more := newest[0].ID, true; more; {
		var page []stripeclient.Event
		page, more, err = c.Events(t.Context(), cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			cursor = e.ID
			got = append(got, e.Type+" "+e.ObjectID)
		}
	}
	want := []string{
		"payment_intent.payment_failed " + first.ID,
		"payment_intent.succeeded " + first.ID,
		"payment_intent.created " + second.ID,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got events %q, want %q", got, want)
	}
	_, _, err = c.Events(t.Context(), "evt_forgotten", 2)
	failure(t, err, stripeclient.KindNotFound)
}

func TestAnUpdatedCustomerKeepsWhatIsNotTold(t *testing.T) {
	t.Parallel()
	_, c := setup(t)
	in := newIntent(t, c, "pay1")
	want := stripeclient.Customer{ID: in.CustomerID, Email: "lovelace@example.com", Name: "Ada L.", UserID: "user1"}
	_, err := c.UpdateCustomer(t.Context(), in.CustomerID, stripeclient.CustomerParams{Email: want.Email, Name: want.Name})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Customer(t.Context(), in.CustomerID)
	if err != nil || *got != want {
		t.Errorf("got %+v, %v; want the new email and name and the old user", got, err)
	}
	_, err = c.Customer(t.Context(), "cus_unknown")
	failure(t, err, stripeclient.KindNotFound)
}

func TestAConfirmationThatFailsOnTheWayChargesOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault sandbox.FaultKind
		// done: the further attempt brings the intent; replayed: as saved.
		done, replayed bool
	}{
		{sandbox.FaultLostReply, true, true},
		{sandbox.FaultTruncated, true, true},
		{sandbox.FaultErrorAfter, false, true},
		{sandbox.FaultHTML502, true, false},
		{sandbox.FaultKeyInUse, true, false},
		{sandbox.FaultLockTimeout, true, false},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault), func(t *testing.T) {
			t.Parallel()
			s, c := setup(t)
			in := newIntent(t, c, "pay1")
			if err := s.AddFault(sandbox.Fault{Match: "POST /v1/payment_intents/*/confirm", Kind: tt.fault}); err != nil {
				t.Fatal(err)
			}
			paid, err := c.ConfirmIntent(t.Context(), in.ID, "confirm:1", "pm_card_visa")
			if !tt.done {
				if e := failure(t, err, stripeclient.KindUnknown); e.Replayed != tt.replayed {
					t.Errorf("got replayed %v, want %v", e.Replayed, tt.replayed)
				}
			} else if err != nil || paid.Replayed != tt.replayed {
				t.Errorf("got %v, %v; want it paid, replayed %v", paid, err, tt.replayed)
			}
			now, err := c.Intent(t.Context(), in.ID)
			if err != nil || now.Status != stripeclient.StatusSucceeded {
				t.Errorf("the intent is now %v, %v; want it succeeded", now, err)
			}
			if n := len(s.Charges()); n != 1 {
				t.Errorf("got %d charges, want one", n)
			}
		})
	}
}
