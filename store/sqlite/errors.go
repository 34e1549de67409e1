package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/nestpayments/nestpayments/store"
)

var errNotOurs = errors.New("it is the database of another program, which was left as it is: give the path of another file")

// code returns SQLite's extended result code, 0 if err is not SQLite's.
// Source: https://www.sqlite.org/rescode.html
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// violates tells whether a unique index refused the write. It cannot tell
// which: SQLite says so only in the text of the error.
func violates(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// fail wraps an error with the operation and gives it the meaning that package
// store defines. A context's error keeps its own, and nil stays nil.
func (s *Store) fail(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		err = store.ErrNotFound
	case s.closed.Load() || unavailable(err):
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return fmt.Errorf("sqlite: %s: %w", op, err)
}

// unavailable tells whether the error is of the file's surroundings (locks,
// disk, memory, permissions) and not of the statement or the file's content.
func unavailable(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL,
		sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM,
		sqlite3.SQLITE_INTERRUPT:
		return true
	}
	return errors.Is(err, sql.ErrConnDone)
}

// explain says what to do about an error of Open.
func explain(err error) error {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("it is not a SQLite database, and was left as it is: give the path of another file: %w", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("the file and its folder must be writable: %w: %w", store.ErrUnavailable, err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("another process has locked it: %w: %w", store.ErrUnavailable, err)
	}
	if unavailable(err) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}
