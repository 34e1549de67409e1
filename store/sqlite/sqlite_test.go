package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

var day = time.Date(2024, time.February, 29, 12, 0, 0, 0, time.UTC)

// newUser returns the n-th user, not yet inserted.
func newUser(n int) *store.User {
	return &store.User{
		ID:           store.NewID(day.Add(time.Duration(n) * time.Second)),
		Name:         "Ada",
		Email:        fmt.Sprintf("user%d@example.com", n),
		EmailKey:     fmt.Sprintf("user%d@example.com", n),
		PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaA",
		CustomerID:   fmt.Sprintf("cus_%d", n),
		CreatedAt:    day,
		UpdatedAt:    day,
	}
}

// newPayment returns the n-th payment of a user, not yet inserted.
func newPayment(userID string, n int) *store.Payment {
	return &store.Payment{
		ID:         store.NewID(day.Add(time.Duration(n) * time.Second)),
		UserID:     userID,
		CUID:       fmt.Sprintf("cuid-%s-%d", userID, n),
		Amount:     2000,
		Currency:   "usd",
		IntentID:   fmt.Sprintf("pi_%s_%d", userID, n),
		CustomerID: "cus_1",
		Status:     "requires_payment_method",
		CheckAt:    day,
		CreatedAt:  day,
		UpdatedAt:  day,
	}
}

func TestEverythingIsThereAfterReopening(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := openAt(t, path)
	u, p := newUser(1), newPayment("u1", 1)
	err := errors.Join(s.InsertUser(t.Context(), u), s.InsertPayment(t.Context(), p))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.AcquireLease(t.Context(), "l", "a", day, time.Minute); !ok || err != nil {
		t.Fatalf("AcquireLease: got %v, %v", ok, err)
	}
	if err := errors.Join(s.SaveCursor(t.Context(), "l", "a", "evt_1"), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("log after Close: got %v, want it to be gone", err)
	}

	s = openAt(t, path)
	if got, err := s.User(t.Context(), u.ID); err != nil || *got != *u {
		t.Errorf("User: got %+v, %v, want %+v", got, err, *u)
	}
	if got, err := s.PaymentByCUID(t.Context(), p.UserID, p.CUID); err != nil || *got != *p {
		t.Errorf("PaymentByCUID: got %+v, %v, want %+v", got, err, *p)
	}
	if _, ok, err := s.AcquireLease(t.Context(), "l", "b", day, time.Minute); ok || err != nil {
		t.Errorf("AcquireLease by another: got %v, %v, want the lease to be held", ok, err)
	}
	if cursor, ok, err := s.AcquireLease(t.Context(), "l", "a", day, time.Minute); cursor != "evt_1" || !ok || err != nil {
		t.Errorf("AcquireLease: got %q, %v, %v, want evt_1", cursor, ok, err)
	}
}

func TestTwoStoresShareAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	a, b := openAt(t, path), openAt(t, path)
	u := newUser(1)
	if err := a.InsertUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	got, err := b.User(t.Context(), u.ID)
	if err != nil || *got != *u {
		t.Fatalf("User in the other: got %+v, %v, want %+v", got, err, *u)
	}
	got.Name = "changed"
	if err := b.UpdateUser(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if err := a.UpdateUser(t.Context(), u); !errors.Is(err, store.ErrStale) {
		t.Errorf("UpdateUser: got error %v, want %v", err, store.ErrStale)
	}
}

// counterPath, in the environment, makes this test binary another process that
// counts on that file.
const counterPath = "NESTPAYMENTS_TEST_COUNT_ON"

const countsPerProcess = 50

func TestMain(m *testing.M) {
	if path := os.Getenv(counterPath); path != "" {
		if err := count(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// count opens the file, adds countsPerProcess to the attempts of the payment
// (u1, count), which it makes if there is none, and closes the file.
func count(path string) (err error) {
	ctx := context.Background()
	s, err := Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	p := newPayment("u1", 1)
	p.CUID = "count"
	if err := s.InsertPayment(ctx, p); err != nil && !errors.Is(err, store.ErrPaymentExists) {
		return err
	}
	for done := 0; done < countsPerProcess; {
		p, err := s.PaymentByCUID(ctx, "u1", "count")
		if err != nil {
			return err
		}
		p.Attempt++
		switch err := s.UpdatePayment(ctx, p); {
		case err == nil:
			done++
		case !errors.Is(err, store.ErrStale):
			return err
		}
	}
	return nil
}

func TestProcessesLoseNoUpdateOfEachOther(t *testing.T) {
	t.Parallel()
	// All of them make the file, too.
	path := filepath.Join(t.TempDir(), "test.db")
	const processes = 3
	errs := make([]error, processes+1)
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), counterPath+"="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("%w: %s", err, out)
			}
		})
	}
	wg.Go(func() { errs[processes] = count(path) })
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	p, err := openAt(t, path).PaymentByCUID(t.Context(), "u1", "count")
	if want := (processes + 1) * countsPerProcess; err != nil || p.Attempt != want {
		t.Errorf("got %+v, %v, want %d attempts", p, err, want)
	}
}

func TestOpensOfANewFileAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.InsertUser(t.Context(), newUser(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	users, err := openAt(t, path).ListUsers(t.Context(), store.UserQuery{Limit: 10})
	if err != nil || len(users) != 8 {
		t.Errorf("got %d users, %v, want 8", len(users), err)
	}
}

func TestEveryCallAfterCloseIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, user := s.User(ctx, "x")
	_, byEmail := s.UserByEmail(ctx, "x")
	_, byCustomer := s.UserByCustomer(ctx, "x")
	_, users := s.ListUsers(ctx, store.UserQuery{Limit: 1})
	_, visible := s.ListUsers(ctx, store.UserQuery{VisibleTo: "x", Limit: 1})
	_, admins := s.ListAdmins(ctx)
	_, toSync := s.UsersToSync(ctx, day, 1)
	_, byCUID := s.PaymentByCUID(ctx, "x", "x")
	_, byIntent := s.PaymentByIntent(ctx, "x")
	_, payments := s.ListPayments(ctx, store.PaymentQuery{UserID: "x", Limit: 1})
	_, toCheck := s.PaymentsToCheck(ctx, day, 1)
	_, _, acquire := s.AcquireLease(ctx, "x", "x", day, time.Minute)
	_, count := s.CountAttempt(ctx, store.Attempt{Key: "x"}, 1)
	_, attempts := s.Attempts(ctx, "x")
	_, ofAddress := s.AttemptKeys(ctx, store.AttemptQuery{Address: "x", Limit: 1})
	_, prune := s.PruneAttempts(ctx, day, 1)
	for name, err := range map[string]error{
		"InsertUser": s.InsertUser(ctx, newUser(1)), "User": user, "UserByEmail": byEmail,
		"UserByCustomer": byCustomer, "UpdateUser": s.UpdateUser(ctx, newUser(1)),
		"DeleteUser": s.DeleteUser(ctx, newUser(1)), "ListUsers": users, "ListUsers VisibleTo": visible,
		"ListAdmins": admins, "UsersToSync": toSync, "InsertPayment": s.InsertPayment(ctx, newPayment("x", 1)),
		"PaymentByCUID": byCUID, "PaymentByIntent": byIntent, "UpdatePayment": s.UpdatePayment(ctx, newPayment("x", 1)),
		"ListPayments": payments, "PaymentsToCheck": toCheck, "AcquireLease": acquire,
		"SaveCursor": s.SaveCursor(ctx, "x", "x", ""), "ReleaseLease": s.ReleaseLease(ctx, "x", "x"), "Ping": s.Ping(ctx),
		"CountAttempt": count, "UncountAttempt": s.UncountAttempt(ctx, "x"), "Attempts": attempts, "AttemptKeys": ofAddress,
		"ForgetAttempts": s.ForgetAttempts(ctx, "x"), "PruneAttempts": prune,
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got error %v, want %v", name, err, store.ErrUnavailable)
		}
	}
}

func TestAWriteBehindALockEndsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s, other := openAt(t, path), openAt(t, path)
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.InsertUser(ctx, newUser(1)) }()
	// Reads wait for no writer.
	if _, err := s.ListUsers(t.Context(), store.UserQuery{Limit: 1}); err != nil {
		t.Errorf("ListUsers beside a writer: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("InsertUser: got error %v, want %v", err, context.Canceled)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.InsertUser(t.Context(), newUser(1)); err != nil {
		t.Errorf("InsertUser after the lock has gone: %v", err)
	}
}

func TestAFullDiskIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	if _, err := s.writer.Exec("PRAGMA max_page_count = 1"); err != nil { // of what it has now
		t.Fatal(err)
	}
	var err error
	for n := 0; n < 1000 && err == nil; n++ {
		err = s.InsertPayment(t.Context(), newPayment("u1", n))
	}
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("InsertPayment: got error %v, want %v", err, store.ErrUnavailable)
	}
	if _, err := s.PaymentByCUID(t.Context(), "u1", newPayment("u1", 0).CUID); err != nil {
		t.Errorf("a read on a full disk: %v", err)
	}
}
