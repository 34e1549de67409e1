package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// benchRows is how many users, and payments of the first user, the benchmarks
// find in the database.
const benchRows = 10_000

// openFull opens a database of benchRows users, all made by the first, and as
// many payments. It fills it in one transaction.
func openFull(b *testing.B) (first *store.User, db *Store) {
	b.Helper()
	db = openNew(b)
	tx, err := db.writer.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	first = newUser(0)
	for n := range benchRows {
		u := newUser(n)
		if n == 0 {
			u = first
		} else {
			u.CreatedBy = first.ID
		}
		if _, err := tx.Stmt(db.stmts[insertUser]).Exec(append(userArgs(u), 1)...); err != nil {
			b.Fatal(err)
		}
		if _, err := tx.Stmt(db.stmts[insertPayment]).Exec(append(paymentArgs(newPayment(first.ID, n)), 1)...); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	first.Version = 1
	return first, db
}

// run measures f on the n-th of its calls.
func run(b *testing.B, f func(n int) error) {
	b.Helper()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if err := f(n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReads(b *testing.B) {
	u, s := openFull(b)
	ctx := b.Context()
	for _, bb := range []struct {
		name string
		f    func(n int) error
	}{
		{"Ping", func(int) error { return s.Ping(ctx) }},
		{"User", func(int) error { _, err := s.User(ctx, u.ID); return err }},
		{"UserByEmail", func(n int) error {
			_, err := s.UserByEmail(ctx, fmt.Sprintf("user%d@example.com", n%benchRows))
			return err
		}},
		{"UserByCustomer", func(n int) error {
			_, err := s.UserByCustomer(ctx, fmt.Sprintf("cus_%d", n%benchRows))
			return err
		}},
		{"ListUsers100", func(int) error { _, err := s.ListUsers(ctx, store.UserQuery{Limit: 100}); return err }},
		{"ListVisibleUsers100", func(int) error {
			_, err := s.ListUsers(ctx, store.UserQuery{VisibleTo: u.ID, Limit: 100})
			return err
		}},
		{"ListAdminsNone", func(int) error { _, err := s.ListAdmins(ctx); return err }},
		{"UsersToSyncNone", func(int) error { _, err := s.UsersToSync(ctx, day, 100); return err }},
		{"PaymentByCUID", func(n int) error {
			_, err := s.PaymentByCUID(ctx, u.ID, fmt.Sprintf("cuid-%s-%d", u.ID, n%benchRows))
			return err
		}},
		{"PaymentByIntent", func(n int) error {
			_, err := s.PaymentByIntent(ctx, fmt.Sprintf("pi_%s_%d", u.ID, n%benchRows))
			return err
		}},
		{"ListPayments100", func(int) error {
			_, err := s.ListPayments(ctx, store.PaymentQuery{UserID: u.ID, Limit: 100})
			return err
		}},
		{"PaymentsToCheck100", func(int) error { _, err := s.PaymentsToCheck(ctx, day, 100); return err }},
	} {
		b.Run(bb.name, func(b *testing.B) { run(b, bb.f) })
	}
}

// BenchmarkUserParallel uses every reader.
func BenchmarkUserParallel(b *testing.B) {
	u, s := openFull(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.User(b.Context(), u.ID); err != nil {
				b.Error(err)
			}
		}
	})
}

// Writes are one sync of the disk each.
func BenchmarkInsertUser(b *testing.B) {
	s := openNew(b)
	run(b, func(n int) error { return s.InsertUser(b.Context(), newUser(n)) })
}

func BenchmarkUpdateUser(b *testing.B) {
	u, s := openFull(b)
	run(b, func(int) error { return s.UpdateUser(b.Context(), u) })
}

func BenchmarkDeleteUser(b *testing.B) {
	_, s := openFull(b)
	run(b, func(n int) error {
		u := newUser(benchRows + n)
		if err := s.InsertUser(b.Context(), u); err != nil {
			return err
		}
		return s.DeleteUser(b.Context(), u)
	})
}

func BenchmarkInsertPayment(b *testing.B) {
	s := openNew(b)
	run(b, func(n int) error { return s.InsertPayment(b.Context(), newPayment("u1", n)) })
}

func BenchmarkUpdatePayment(b *testing.B) {
	s := openNew(b)
	p := newPayment("u1", 1)
	if err := s.InsertPayment(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	run(b, func(int) error { return s.UpdatePayment(b.Context(), p) })
}

func BenchmarkLease(b *testing.B) {
	s := openNew(b)
	run(b, func(int) error {
		if _, _, err := s.AcquireLease(b.Context(), "l", "a", day, time.Minute); err != nil {
			return err
		}
		if err := s.SaveCursor(b.Context(), "l", "a", "evt_1"); err != nil {
			return err
		}
		return s.ReleaseLease(b.Context(), "l", "a")
	})
}

// BenchmarkAttempts is what throttling asks of the database for a login on an
// account that others have failed on: three reads, and a write if it fails.
func BenchmarkAttempts(b *testing.B) {
	s := openNew(b)
	ctx := b.Context()
	attempt := func(n int) store.Attempt {
		return store.Attempt{
			Key: fmt.Sprintf("%043d", n), Account: fmt.Sprintf("%043d", n%10), Site: fmt.Sprintf("%043d", n),
			Address: fmt.Sprintf("%043d", n/10), Expires: day,
		}
	}
	next := 0
	b.Run("Count", func(b *testing.B) {
		run(b, func(int) error {
			next++
			_, err := s.CountAttempt(ctx, attempt(next), 10)
			return err
		})
	})
	b.Run("Read", func(b *testing.B) {
		run(b, func(n int) error {
			a := attempt(n % max(next, 1))
			if _, err := s.Attempts(ctx, a.Key); err != nil {
				return err
			}
			if _, err := s.AttemptKeys(ctx, store.AttemptQuery{Address: a.Address, Limit: 30}); err != nil {
				return err
			}
			_, err := s.AttemptKeys(ctx, store.AttemptQuery{Account: a.Account, Limit: 20})
			return err
		})
	})
}
