package sqlite

import (
	"cmp"
	"context"
	"iter"

	"github.com/nestpayments/nestpayments/store"
)

// Size implements store.Movable, exactly.
func (s *Store) Size(ctx context.Context) (size store.Size, err error) {
	const op = "count"
	users, err := one(ctx, s, op, countUsers, scanInt)
	if err != nil {
		return size, err
	}
	payments, err := one(ctx, s, op, countPayments, scanInt)
	return store.Size{Users: int64(users), Payments: int64(payments)}, err
}

// AllUsers implements store.Movable.
func (s *Store) AllUsers(ctx context.Context, limit int) iter.Seq2[[]*store.User, error] {
	return pages(limit, func(u *store.User) string { return u.ID }, func(after string) ([]*store.User, error) {
		return s.ListUsers(ctx, store.UserQuery{After: after, Limit: limit})
	})
}

// AllPayments implements store.Movable.
func (s *Store) AllPayments(ctx context.Context, limit int) iter.Seq2[[]*store.Payment, error] {
	return pages(limit, func(p *store.Payment) string { return p.ID }, func(after string) ([]*store.Payment, error) {
		return many(ctx, s, "list all payments", listAllPayments, scanPayment, after, int64(limit))
	})
}

// pages yields pages until one is not full. Each is read by an index, from where the
// last one ended.
func pages[T any](limit int, id func(*T) string, read func(after string) ([]*T, error)) iter.Seq2[[]*T, error] {
	return func(yield func([]*T, error) bool) {
		for after := ""; ; {
			page, err := read(after)
			if len(page) == 0 && err == nil || !yield(page, err) || err != nil || len(page) < limit {
				return
			}
			after = id(page[len(page)-1])
		}
	}
}

// MoveUsers implements store.Movable: all of them or, after an error, none.
func (s *Store) MoveUsers(ctx context.Context, users []*store.User) error {
	const op = "move users"
	i, err := s.insertAll(ctx, insertUser, len(users), func(i int) []any { return append(userArgs(users[i]), users[i].Version) })
	if !violates(err) {
		return s.fail(op, err)
	}
	taken, err := s.takenKey(ctx, op, users[i], false)
	if err != nil {
		return err
	}
	// Nobody is in the way of one that two of users are in each other's.
	return s.fail(op, cmp.Or(taken, store.ErrEmailTaken))
}

// MovePayments implements store.Movable: all of them or, after an error, none.
func (s *Store) MovePayments(ctx context.Context, payments []*store.Payment) error {
	_, err := s.insertAll(ctx, insertPayment, len(payments), func(i int) []any { return append(paymentArgs(payments[i]), payments[i].Version) })
	if violates(err) {
		err = store.ErrPaymentExists
	}
	return s.fail("move payments", err)
}

// insertAll runs the statement n times in one transaction, which is one sync of
// the disk. With an error it returns which of them failed.
func (s *Store) insertAll(ctx context.Context, q query, n int, args func(i int) []any) (failed int, err error) {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	statement := tx.StmtContext(ctx, s.stmts[q])
	for i := range n {
		if _, err := statement.ExecContext(ctx, args(i)...); err != nil {
			return i, err
		}
	}
	return 0, tx.Commit()
}

// ReplaceUser implements store.Movable.
func (s *Store) ReplaceUser(ctx context.Context, u *store.User, version int64) error {
	return s.replaceUser(ctx, "replace user", u, version, u.Version)
}

// ReplacePayment implements store.Movable.
func (s *Store) ReplacePayment(ctx context.Context, p *store.Payment, version int64) error {
	return s.replacePayment(ctx, "replace payment", p, version, p.Version)
}
