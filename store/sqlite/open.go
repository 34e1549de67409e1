package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// busyTimeout is how long a connection waits, in milliseconds, for a lock that
// another process has.
const busyTimeout = 5000

// Open opens the database file at path, which must be on a local disk, and
// makes it if there is none, readable by its owner alone (mode 0600); its
// folder must exist. It fails, with an error that says what to do, for a file
// that is no SQLite database, belongs to another program, has a later schema
// or cannot be written. The error is store.ErrUnavailable, too, where waiting
// or repairing the disk may help.
func Open(ctx context.Context, path string) (*Store, error) {
	return OpenLog(ctx, path, slog.New(slog.DiscardHandler))
}

// OpenLog is Open that logs when a file is brought to a later schema, before and after:
// that may take minutes.
func OpenLog(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	s, err := open(ctx, path, log)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, explain(err))
	}
	return s, nil
}

func open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := ensureFile(ctx, path); err != nil {
		return nil, err
	}
	s := &Store{}
	if err := s.connect(ctx, path, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect opens the connections and prepares the statements. What it has opened by
// the time it fails is for Close.
func (s *Store) connect(ctx context.Context, path string, log *slog.Logger) (err error) {
	if s.writer, err = pool(path, 1, url.Values{"_synchronous": {"FULL"}, "_txlock": {"immediate"}}); err != nil {
		return err
	}
	// Before anything is written: another's file stays as it is.
	if _, err := checkIdentity(ctx, s.writer); err != nil {
		return err
	}
	if err := useWAL(ctx, s.writer); err != nil {
		return err
	}
	if err := migrate(ctx, s.writer, log); err != nil {
		return err
	}
	for q, st := range statements {
		if st.kind == writes {
			if s.stmts[q], err = s.writer.PrepareContext(ctx, st.text); err != nil {
				return err
			}
		}
	}
	s.readers, err = openReaders(ctx, path, max(2, runtime.GOMAXPROCS(0)))
	return err
}

// useWAL gives the file a write-ahead log, for every connection and for good.
// SQLite refuses at once, without regard to the busy time-out, while another
// process is about to do the same, so this tries again until then.
func useWAL(ctx context.Context, writer *sql.DB) error {
	const pause = 5 * time.Millisecond
	deadline := time.Now().Add(busyTimeout * time.Millisecond)
	for {
		var mode string
		err := writer.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode != "wal":
			return fmt.Errorf("the file system allows no write-ahead log (journal mode is %s): use a local disk", mode)
		case code(err)&0xff != sqlite3.SQLITE_BUSY || time.Now().After(deadline):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// pool returns a pool of at most n connections, which stay open. It opens none
// yet.
func pool(path string, n int, params url.Values) (*sql.DB, error) {
	params.Set("mode", "rw") // never make the file
	db, err := sql.Open("sqlite", dsn(path, params))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// dsn returns the URI of the file for the driver, with what every connection
// has: no text in double quotes, nothing that could break the file's format,
// and error texts that belong to their error.
func dsn(path string, params url.Values) string {
	params.Set("_busy_timeout", strconv.Itoa(busyTimeout))
	params.Set("_dqs", "false")
	params.Set("_defensive", "true")
	params.Set("_error_rc", "true")
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: params.Encode()}
	return uri.String()
}

// ensureFile makes an empty file at path with mode 0600 if there is none.
//
// SQLite makes it: to open and close the file here would drop the locks that
// another Store of this process has on it. SQLite copies the mode from a file
// that it is given (modeof), and later gives it to the log beside the database.
// Sources: https://www.sqlite.org/uri.html,
// https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
func ensureFile(ctx context.Context, path string) (err error) {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return errors.New("it is a folder: give the path of a file")
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("its folder must exist: %w", err)
	}
	model, err := os.CreateTemp(folder, ".new-database-") // with mode 0600
	if err != nil {
		return fmt.Errorf("its folder must be writable: %w", err)
	}
	defer func() {
		err = errors.Join(err, model.Close(), os.Remove(model.Name()))
	}()
	db, err := sql.Open("sqlite", dsn(path, url.Values{"mode": {"rwc"}, "modeof": {model.Name()}}))
	if err != nil {
		return err
	}
	return errors.Join(db.PingContext(ctx), db.Close())
}
