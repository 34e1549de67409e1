package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

var raceTests = []test{
	{"of users with one email one is inserted", raceEmail},
	{"of users with one customer one is updated", raceCustomer},
	{"of updates of one version one happens", raceVersion},
	{"of deletions of one user one happens", raceDelete},
	{"of payments with one cuid one is inserted", raceCUID},
	{"of payments with one intent one is updated", raceIntent},
	{"no update is lost", raceUpdates},
	{"a new lease has one winner", raceLeaseNew},
	{"an expired lease has one winner", raceLeaseExpired},
	{"of attempts at once as many are counted as there is room for", raceAttempts},
	{"attempts on different keys take no room from each other", raceAttemptKeys},
}

const racers = 8

func raceEmail(t *testing.T, s store.Store) {
	users := make([]store.User, racers)
	for i := range users {
		users[i] = *newUser(i)
		users[i].EmailKey = "same@example.com"
	}
	won := winner(t, race(racers, func(i int) error {
		return s.InsertUser(t.Context(), &users[i])
	}), store.ErrEmailTaken)
	got, err := s.UserByEmail(t.Context(), "same@example.com")
	if err != nil || *got != users[won] {
		t.Errorf("UserByEmail: got %+v, %v, want the winner's %+v", got, err, users[won])
	}
	if all := listUsers(t, s, store.UserQuery{Limit: racers}); len(all) != 1 {
		t.Errorf("got %d users, want 1", len(all))
	}
}

func raceCustomer(t *testing.T, s store.Store) {
	users := make([]*store.User, racers)
	for i := range users {
		users[i] = insertUser(t, s, newUser(i))
		users[i].CustomerID = "cus_same"
	}
	won := winner(t, race(racers, func(i int) error {
		return s.UpdateUser(t.Context(), users[i])
	}), store.ErrCustomerTaken)
	got, err := s.UserByCustomer(t.Context(), "cus_same")
	if err != nil || *got != *users[won] {
		t.Errorf("UserByCustomer: got %+v, %v, want the winner's %+v", got, err, *users[won])
	}
}

func raceVersion(t *testing.T, s store.Store) {
	u := insertUser(t, s, newUser(1))
	copies := make([]store.User, racers)
	for i := range copies {
		copies[i] = *u
		copies[i].Name = fmt.Sprint("racer ", i)
	}
	won := winner(t, race(racers, func(i int) error {
		return s.UpdateUser(t.Context(), &copies[i])
	}), store.ErrStale)
	wantUser(t, s, copies[won])
}

func raceDelete(t *testing.T, s store.Store) {
	u := insertUser(t, s, newUser(1))
	winner(t, race(racers, func(int) error {
		return s.DeleteUser(t.Context(), u)
	}), store.ErrStale)
}

func raceCUID(t *testing.T, s store.Store) {
	payments := make([]store.Payment, racers)
	for i := range payments {
		payments[i] = *newPayment("u1", i)
		payments[i].CUID = "same"
	}
	won := winner(t, race(racers, func(i int) error {
		return s.InsertPayment(t.Context(), &payments[i])
	}), store.ErrPaymentExists)
	wantPayment(t, s, payments[won])
	if all := listPayments(t, s, store.PaymentQuery{UserID: "u1", Limit: racers}); len(all) != 1 {
		t.Errorf("got %d payments, want 1", len(all))
	}
}

func raceIntent(t *testing.T, s store.Store) {
	payments := make([]*store.Payment, racers)
	for i := range payments {
		payments[i] = newPayment("u1", i)
		payments[i].IntentID = ""
		insertPayment(t, s, payments[i])
		payments[i].IntentID = "pi_same"
	}
	won := winner(t, race(racers, func(i int) error {
		return s.UpdatePayment(t.Context(), payments[i])
	}), store.ErrPaymentExists)
	got, err := s.PaymentByIntent(t.Context(), "pi_same")
	if err != nil || *got != *payments[won] {
		t.Errorf("PaymentByIntent: got %+v, %v, want the winner's %+v", got, err, *payments[won])
	}
}

func raceUpdates(t *testing.T, s store.Store) {
	const each = 4
	p := insertPayment(t, s, newPayment("u1", 1))
	errs := race(racers, func(int) error {
		for range each {
			if err := countAttempt(t.Context(), s, p.UserID, p.CUID); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("UpdatePayment: %v", err)
	}
	want := *p
	want.Attempt, want.Version = racers*each, 1+racers*each
	wantPayment(t, s, want)
}

// countAttempt adds one to a payment's Attempt, reading again as often as it
// loses a race: each loss is another one's success, so it ends.
func countAttempt(ctx context.Context, s store.Store, userID, cuid string) error {
	for {
		p, err := s.PaymentByCUID(ctx, userID, cuid)
		if err != nil {
			return err
		}
		p.Attempt++
		if err := s.UpdatePayment(ctx, p); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
}

// errLost is a racer's word for a lease that another has.
var errLost = errors.New("another has the lease")

// raceLease lets the racers acquire the lease "l" at the given second and
// checks that only the winner has it.
func raceLease(t *testing.T, s store.Store, second int, wantCursor string) {
	t.Helper()
	holder := func(i int) string { return fmt.Sprint("racer ", i) }
	won := winner(t, race(racers, func(i int) error {
		cursor, ok, err := s.AcquireLease(t.Context(), "l", holder(i), at(second), ttl)
		switch {
		case err != nil:
			return err
		case !ok:
			return errLost
		case cursor != wantCursor:
			return fmt.Errorf("got cursor %q, want %q", cursor, wantCursor)
		}
		return nil
	}), errLost)
	for i := range racers {
		err := s.SaveCursor(t.Context(), "l", holder(i), "evt_2")
		if i == won {
			wantErr(t, "SaveCursor by the winner", err, nil)
		} else {
			wantErr(t, "SaveCursor by a loser", err, store.ErrStale)
		}
	}
}

func raceLeaseNew(t *testing.T, s store.Store) {
	raceLease(t, s, 0, "")
}

func raceLeaseExpired(t *testing.T, s store.Store) {
	acquire(t, s, "a", at(0), "", true)
	save(t, s, "a", "evt_1")
	raceLease(t, s, 3600, "evt_1")
}
