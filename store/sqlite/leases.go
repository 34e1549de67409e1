package sqlite

import (
	"context"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// AcquireLease implements store.Store.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (cursor string, ok bool, err error) {
	cursors, err := many(ctx, s, "acquire lease", acquireLease, scanCursor,
		name, holder, millis(now), millis(now.Add(ttl)))
	if err != nil || len(cursors) == 0 {
		return "", false, err
	}
	return cursors[0], true, nil
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

func scanCursor(row scanner) (cursor string, err error) {
	err = row.Scan(&cursor)
	return cursor, err
}
