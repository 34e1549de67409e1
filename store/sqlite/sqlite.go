package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

var _ store.Movable = (*Store)(nil)

// Store is a store.Store in one SQLite file. Make it with Open.
type Store struct {
	writer, readers *sql.DB
	stmts           [queryCount]*sql.Stmt

	closing  sync.Once
	closed   atomic.Bool
	closeErr error
}

// Ping reads from the file.
func (s *Store) Ping(ctx context.Context) error {
	var n int
	err := s.stmts[ping].QueryRowContext(ctx).Scan(&n)
	return s.fail("ping", err)
}

// Close moves the log into the database file and closes it, after the calls
// that are under way. Later calls return store.ErrUnavailable.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.closed.Store(true)
		// The last connection to be closed moves the log, and a reader cannot.
		for _, db := range []*sql.DB{s.readers, s.writer} {
			if db != nil {
				s.closeErr = errors.Join(s.closeErr, db.Close())
			}
		}
	})
	return s.closeErr
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface {
	Scan(dest ...any) error
}

// one returns the row of a query by a unique key. store.ErrNotFound.
func one[T any](ctx context.Context, s *Store, op string, q query, scan func(scanner) (T, error), args ...any) (T, error) {
	v, err := scan(s.stmts[q].QueryRowContext(ctx, args...))
	return v, s.fail(op, err)
}

// many returns all rows of a query.
func many[T any](ctx context.Context, s *Store, op string, q query, scan func(scanner) (T, error), args ...any) ([]T, error) {
	rows, err := s.stmts[q].QueryContext(ctx, args...)
	if err != nil {
		return nil, s.fail(op, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, s.fail(op, err)
		}
		all = append(all, v)
	}
	// Next has run to the end: only then has a statement with RETURNING been
	// committed, and Err tells whether it was.
	return all, s.fail(op, rows.Err())
}

// exec runs a statement that writes and returns how many rows it changed. Its
// errors are the driver's: pass them to fail.
func (s *Store) exec(ctx context.Context, q query, args ...any) (int64, error) {
	res, err := s.stmts[q].ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// millis is a time as it is stored.
func millis(t time.Time) int64 { return t.UnixMilli() }

// optionalMillis is NULL for the zero time.
func optionalMillis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: millis(t), Valid: !t.IsZero()}
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func fromOptionalMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return fromMillis(ms.Int64)
}
