package sqlite

import (
	"context"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// AcquireLease implements store.Store.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (cursor string, ok bool, err error) {
	const op = "acquire lease"
	rows, err := s.stmts[acquireLease].QueryContext(ctx, name, holder, millis(now), millis(now.Add(ttl)))
	if err != nil {
		return "", false, s.fail(op, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&cursor); err != nil {
			return "", false, s.fail(op, err)
		}
		ok = true
	}
	// Next has run to the end: only then has a statement with RETURNING been
	// committed, and Err tells whether it was.
	if err := rows.Err(); err != nil {
		return "", false, s.fail(op, err)
	}
	return cursor, ok, nil
}

// SaveCursor implements store.Store.
func (s *Store) SaveCursor(ctx context.Context, name, holder, cursor string) error {
	n, err := s.exec(ctx, saveCursor, name, holder, cursor)
	if err == nil && n == 0 {
		err = store.ErrStale
	}
	return s.fail("save cursor", err)
}

// ReleaseLease implements store.Store.
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	_, err := s.exec(ctx, releaseLease, name, holder)
	return s.fail("release lease", err)
}
