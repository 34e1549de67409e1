package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// CountAttempt implements store.Store.
func (s *Store) CountAttempt(ctx context.Context, a store.Attempt, limit int) (ok bool, err error) {
	n, err := s.exec(ctx, countAttempt, a.Key, a.Account, a.Site, a.Address, millis(a.Expires), limit)
	return n == 1, s.fail("count attempt", err)
}

// UncountAttempt implements store.Store.
func (s *Store) UncountAttempt(ctx context.Context, key string) error {
	_, err := s.exec(ctx, uncountAttempt, key)
	return s.fail("uncount attempt", err)
}

// Attempts implements store.Store.
func (s *Store) Attempts(ctx context.Context, key string) (int, error) {
	n, err := one(ctx, s, "read attempts", attemptsByKey, scanInt, key)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return n, err
}

// AttemptKeys implements store.Store.
func (s *Store) AttemptKeys(ctx context.Context, q store.AttemptQuery) (int, error) {
	statement, args := attemptsByAddress, []driver.Value{q.Address, int64(q.Limit)}
	switch {
	case q.Site != "":
		statement, args = attemptsBySite, []driver.Value{q.Account, q.Site, int64(q.Limit)}
	case q.Account != "":
		statement, args = attemptsByAccount, []driver.Value{q.Account, int64(q.Limit)}
	}
	keys, err := many(ctx, s, "find attempts", statement, scanInt, args...)
	return len(keys), err
}

// ForgetAttempts implements store.Store.
func (s *Store) ForgetAttempts(ctx context.Context, key string) error {
	_, err := s.exec(ctx, forgetAttempts, key)
	return s.fail("forget attempts", err)
}

// PruneAttempts implements store.Store.
func (s *Store) PruneAttempts(ctx context.Context, now time.Time, limit int) (int, error) {
	n, err := s.exec(ctx, pruneAttempts, millis(now), limit)
	return int(n), s.fail("prune attempts", err)
}

func scanInt(r row) int { return int(r.integer(0)) }
