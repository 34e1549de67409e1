package payments_test

import (
	"cmp"
	"context"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// attempts is a counted store.Attempt.
type attempts struct {
	store.Attempt
	count int
}

func (m *memory) CountAttempt(ctx context.Context, a store.Attempt, limit int) (bool, error) {
	if err := m.enter(ctx); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	counted, ok := m.attempts[a.Key]
	if !ok {
		counted = attempts{Attempt: a}
	}
	if counted.count >= limit {
		return false, nil
	}
	counted.count++
	m.attempts[a.Key] = counted
	return true, nil
}

func (m *memory) UncountAttempt(ctx context.Context, key string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if counted := m.attempts[key]; counted.count > 0 {
		counted.count--
		m.attempts[key] = counted
	}
	return nil
}

func (m *memory) Attempts(ctx context.Context, key string) (int, error) {
	if err := m.enter(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	return m.attempts[key].count, nil
}

func (m *memory) AttemptKeys(ctx context.Context, q store.AttemptQuery) (int, error) {
	if err := m.enter(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	return len(pageOf(m.attempts, func(a attempts) bool {
		if q.Address != "" {
			return a.Address == q.Address
		}
		return a.Account == q.Account && (q.Site == "" || a.Site == q.Site)
	}, byExpiry, q.Limit)), nil
}

func byExpiry(a, b attempts) int {
	return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.Key, b.Key))
}

func (m *memory) ForgetAttempts(ctx context.Context, key string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.attempts, key)
	return nil
}

func (m *memory) PruneAttempts(ctx context.Context, now time.Time, limit int) (int, error) {
	if err := m.enter(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	old := pageOf(m.attempts, func(a attempts) bool { return !a.Expires.After(now) }, byExpiry, limit)
	for _, a := range old {
		delete(m.attempts, a.Key)
	}
	return len(old), nil
}
