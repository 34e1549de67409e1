package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

var contextTests = []test{
	{"an open store answers a ping", ping},
	{"a call with an ended context fails and does not hang", endedContext},
	{"an acknowledged write is there, whatever was canceled beside it", canceledWrites},
	{"closing twice is harmless", closeTwice},
}

func ping(t *testing.T, s store.Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// calls are all methods that take a context, on a user and a payment that are
// stored.
func calls(s store.Store, u *store.User, p *store.Payment) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"InsertUser":     func(ctx context.Context) error { return s.InsertUser(ctx, newUser(100)) },
		"User":           func(ctx context.Context) error { _, err := s.User(ctx, u.ID); return err },
		"UserByEmail":    func(ctx context.Context) error { _, err := s.UserByEmail(ctx, u.EmailKey); return err },
		"UserByCustomer": func(ctx context.Context) error { _, err := s.UserByCustomer(ctx, u.CustomerID); return err },
		"UpdateUser":     func(ctx context.Context) error { changed := *u; return s.UpdateUser(ctx, &changed) },
		"DeleteUser":     func(ctx context.Context) error { return s.DeleteUser(ctx, u) },
		"ListUsers":      func(ctx context.Context) error { _, err := s.ListUsers(ctx, store.UserQuery{Limit: 1}); return err },
		"ListUsers VisibleTo": func(ctx context.Context) error {
			_, err := s.ListUsers(ctx, store.UserQuery{VisibleTo: u.ID, Limit: 1})
			return err
		},
		"ListAdmins":      func(ctx context.Context) error { _, err := s.ListAdmins(ctx); return err },
		"UsersToSync":     func(ctx context.Context) error { _, err := s.UsersToSync(ctx, at(0), 1); return err },
		"InsertPayment":   func(ctx context.Context) error { return s.InsertPayment(ctx, newPayment("u1", 100)) },
		"PaymentByCUID":   func(ctx context.Context) error { _, err := s.PaymentByCUID(ctx, p.UserID, p.CUID); return err },
		"PaymentByIntent": func(ctx context.Context) error { _, err := s.PaymentByIntent(ctx, p.IntentID); return err },
		"UpdatePayment":   func(ctx context.Context) error { changed := *p; return s.UpdatePayment(ctx, &changed) },
		"ListPayments": func(ctx context.Context) error {
			_, err := s.ListPayments(ctx, store.PaymentQuery{UserID: p.UserID, Limit: 1})
			return err
		},
		"PaymentsToCheck": func(ctx context.Context) error { _, err := s.PaymentsToCheck(ctx, at(0), 1); return err },
		"AcquireLease":    func(ctx context.Context) error { _, _, err := s.AcquireLease(ctx, "l", "a", at(0), ttl); return err },
		"SaveCursor":      func(ctx context.Context) error { return s.SaveCursor(ctx, "l", "a", "evt_1") },
		"ReleaseLease":    func(ctx context.Context) error { return s.ReleaseLease(ctx, "l", "a") },
		"UncountAttempt":  func(ctx context.Context) error { return s.UncountAttempt(ctx, "key1") },
		"CountAttempt":    func(ctx context.Context) error { _, err := s.CountAttempt(ctx, newAttempt(1), 1); return err },
		"Attempts":        func(ctx context.Context) error { _, err := s.Attempts(ctx, "k"); return err },
		"AttemptKeys": func(ctx context.Context) error {
			_, err := s.AttemptKeys(ctx, store.AttemptQuery{Address: "a", Limit: 1})
			return err
		},
		"ForgetAttempts": func(ctx context.Context) error { return s.ForgetAttempts(ctx, "k") },
		"PruneAttempts":  func(ctx context.Context) error { _, err := s.PruneAttempts(ctx, at(0), 1); return err },
		"Ping":           s.Ping,
	}
}

func endedContext(t *testing.T, s store.Store) {
	u := insertUser(t, s, fullUser(1))
	p := insertPayment(t, s, newPayment("u1", 1))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), at(0))
	defer cancel()

	for name, call := range calls(s, u, p) {
		for _, ctx := range []context.Context{canceled, expired} {
			err := answer(t, name, func() error { return call(ctx) })
			if !errors.Is(err, ctx.Err()) && !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: got error %v, want %v or %v", name, err, ctx.Err(), store.ErrUnavailable)
			}
		}
	}
	wantErr(t, "Ping afterwards", s.Ping(t.Context()), nil)
	wantUser(t, s, *u)
	wantPayment(t, s, *p)
}

// answer returns f's error and fails the test if there is none for a minute.
func answer(t *testing.T, name string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatalf("%s: no answer", name)
		return nil
	}
}

func canceledWrites(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	payments := make([]store.Payment, 4*racers)
	for i := range payments {
		payments[i] = *newPayment("u1", i)
	}
	// The first to be acknowledged cancels the others, wherever they are.
	errs := race(len(payments), func(i int) error {
		err := s.InsertPayment(ctx, &payments[i])
		cancel()
		return err
	})
	for i, err := range errs {
		switch {
		case err == nil:
			wantPayment(t, s, payments[i])
		case !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrUnavailable):
			t.Errorf("InsertPayment: got error %v, want %v or %v", err, context.Canceled, store.ErrUnavailable)
		case payments[i].Version != 0:
			t.Errorf("caller's version after a failed insert: got %d, want 0", payments[i].Version)
		}
	}
	insertPayment(t, s, newPayment("u1", 1000))
}

func closeTwice(t *testing.T, s store.Store) {
	insertUser(t, s, newUser(1))
	for _, name := range []string{"first", "second"} {
		if err := s.Close(); err != nil {
			t.Errorf("%s Close: %v", name, err)
		}
	}
}
