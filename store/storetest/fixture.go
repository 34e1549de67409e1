package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// at returns the suite's n-th second. IDs made at different seconds sort by
// them, whatever else runs in the process.
func at(n int) time.Time {
	return time.Date(2024, time.February, 29, 12, 0, 0, 678*int(time.Millisecond), time.UTC).
		Add(time.Duration(n) * time.Second)
}

// newUser returns the n-th user, not yet inserted. Users differ in every
// unique field and sort by n.
func newUser(n int) *store.User {
	return &store.User{ // #nosec G101 -- nobody's hash
		ID:           store.NewID(at(n)),
		Name:         "Ada",
		Email:        fmt.Sprintf("User%d@Example.com", n),
		EmailKey:     fmt.Sprintf("user%d@example.com", n),
		PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
		CreatedAt:    at(n),
		UpdatedAt:    at(n),
	}
}

// newPayment returns the n-th payment of a user, not yet inserted. Payments
// differ in every unique field and sort by n.
func newPayment(userID string, n int) *store.Payment {
	return &store.Payment{
		ID:         store.NewID(at(n)),
		UserID:     userID,
		CUID:       fmt.Sprintf("cuid-%d", n),
		Amount:     2000,
		Currency:   "usd",
		IntentID:   fmt.Sprintf("pi_%s_%d", userID, n),
		CustomerID: "cus_" + userID,
		Status:     "requires_payment_method",
		CreatedAt:  at(n),
		UpdatedAt:  at(n),
	}
}

func insertUser(t *testing.T, s store.Store, u *store.User) *store.User {
	t.Helper()
	if err := s.InsertUser(t.Context(), u); err != nil {
		t.Fatalf("InsertUser: %v", err)
	}
	return u
}

func insertPayment(t *testing.T, s store.Store, p *store.Payment) *store.Payment {
	t.Helper()
	if err := s.InsertPayment(t.Context(), p); err != nil {
		t.Fatalf("InsertPayment: %v", err)
	}
	return p
}

// wantUser checks that the store has want under its id, field by field, with
// times in UTC.
func wantUser(t *testing.T, s store.Store, want store.User) {
	t.Helper()
	got, err := s.User(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("User: %v", err)
	}
	if *got != want {
		t.Errorf("stored user\n got %+v\nwant %+v", *got, want)
	}
}

// wantPayment checks that the store has want under its (UserID, CUID), field
// by field, with times in UTC.
func wantPayment(t *testing.T, s store.Store, want store.Payment) {
	t.Helper()
	got, err := s.PaymentByCUID(t.Context(), want.UserID, want.CUID)
	if err != nil {
		t.Fatalf("PaymentByCUID: %v", err)
	}
	if *got != want {
		t.Errorf("stored payment\n got %+v\nwant %+v", *got, want)
	}
}

func wantErr(t *testing.T, op string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", op, got, want)
	}
}

// race runs f(0) to f(n-1), each in a goroutine of its own, lets them go at
// once, and returns their errors.
func race(n int, f func(i int) error) []error {
	var (
		errs  = make([]error, n)
		start = make(chan struct{})
		wg    sync.WaitGroup
	)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// winner checks that exactly one of a race's errors is nil and every other one
// is loss, and returns the index of the nil.
func winner(t *testing.T, errs []error, loss error) int {
	t.Helper()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Fatalf("racers %d and %d both won", won, i)
		case err == nil:
			won = i
		case !errors.Is(err, loss):
			t.Errorf("racer %d: got error %v, want %v", i, err, loss)
		}
	}
	if won < 0 {
		t.Fatalf("nobody won: %v", errors.Join(errs...))
	}
	return won
}

func userIDs(users []*store.User) []string {
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	return ids
}

func paymentIDs(payments []*store.Payment) []string {
	ids := make([]string, len(payments))
	for i, p := range payments {
		ids[i] = p.ID
	}
	return ids
}
