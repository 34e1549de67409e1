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
	writer  *sql.DB
	stmts   [queryCount]*sql.Stmt // those that write
	readers *readers

	closing  sync.Once
	closed   atomic.Bool
	closeErr error
}

// Ping reads from the file.
func (s *Store) Ping(ctx context.Context) error {
	_, err := one(ctx, s, "ping", ping, scanInt)
	return err
}

// Close moves the log into the database file and closes it, after the calls
// that are under way. Later calls return store.ErrUnavailable.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.closed.Store(true)
		// The last connection to be closed moves the log, and a reader cannot.
		if s.readers != nil {
			s.closeErr = s.readers.close()
		}
		if s.writer != nil {
			s.closeErr = errors.Join(s.closeErr, s.writer.Close())
		}
	})
	return s.closeErr
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
