package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"github.com/nestpayments/nestpayments/store"
)

// pagesPerStep is how many pages, of 4 KiB, are copied between two looks at the
// context.
const pagesPerStep = 256

// Backup writes the database file at source, as it is at one moment after the
// call, into a new file at target, readable by its owner alone, and returns how
// many documents that has. The source may be in use, by other processes too: it
// is read in one transaction, which waits for nobody and lets nobody wait, but
// until it ends the log beside the source only grows. The source is not brought
// to today's schema.
//
// Target never has anything but a whole backup that was read back, counted and
// found sound, and is on the disk; or, should the program be killed, nothing.
// It is an error, errors.Is fs.ErrExist, if there is a file at target.
//
// progress, which may be nil, is told how many pages of how many are done.
//
// This is SQLite's backup API and not VACUUM INTO, as that tells nothing of its
// progress. The transaction keeps the API from starting anew at each write.
// Source: https://www.sqlite.org/backup.html
func Backup(ctx context.Context, source, target string, progress func(done, total int)) (size store.Size, err error) {
	if progress == nil {
		progress = func(int, int) {}
	}
	size, err = backup(ctx, source, target, progress)
	if err != nil {
		return size, fmt.Errorf("sqlite: back up %s: %w", source, explain(err))
	}
	return size, nil
}

func backup(ctx context.Context, source, target string, progress func(done, total int)) (size store.Size, err error) {
	if source, err = filepath.Abs(source); err != nil {
		return size, err
	}
	if target, err = filepath.Abs(target); err != nil {
		return size, err
	}
	if _, err := os.Stat(source); err != nil {
		return size, err
	}
	// Takes the name, with an empty file that is replaced in the end.
	if err := newFile(target); err != nil {
		return size, err
	}
	partial := target + ".partial"
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(target))
		}
	}()
	if err := newFile(partial); err != nil {
		return size, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(partial))
		}
	}()
	if size, err = copyFile(ctx, source, partial, progress); err != nil {
		return size, err
	}
	if err := verify(ctx, partial, size); err != nil {
		return size, fmt.Errorf("the backup was removed, as it is not sound: %w", err)
	}
	return size, errors.Join(syncPath(partial), os.Rename(partial, target), syncPath(filepath.Dir(target)))
}

// newFile makes an empty file that only its owner may read.
func newFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // #nosec G304 -- the operator's own choice
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: give the backup another name, or move that file away", err)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// copyFile copies one state of the database at source into the empty file at
// target and returns how many documents that state has.
func copyFile(ctx context.Context, source, target string, progress func(done, total int)) (size store.Size, err error) {
	db, err := pool(source, 1, url.Values{"_query_only": {"true"}})
	if err != nil {
		return size, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return size, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return size, err
	}
	// The first read fixes the state that all others see.
	if _, err := checkIdentity(ctx, conn); err != nil {
		return size, err
	}
	if size, err = sizeOf(ctx, conn); err != nil {
		return size, err
	}
	to := dsn(target, url.Values{"mode": {"rw"}, "_pragma": {"journal_mode(memory)", "synchronous(off)"}})
	err = conn.Raw(func(raw any) error { return copyPages(ctx, raw, to, progress) })
	return size, err
}

// copyPages copies the pages of a driver's connection to the database at to.
func copyPages(ctx context.Context, raw any, to string, progress func(done, total int)) error {
	from, ok := raw.(interface {
		NewBackup(uri string) (*sqlite.Backup, error)
	})
	if !ok {
		return errors.New("the driver has no backups")
	}
	b, err := from.NewBackup(to)
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		if more, err = b.Step(pagesPerStep); err == nil {
			progress(b.PageCount()-b.Remaining(), b.PageCount())
			err = ctx.Err()
		}
	}
	return errors.Join(err, b.Finish())
}

// verify reads the whole file at path, which nobody else knows yet.
func verify(ctx context.Context, path string, want store.Size) (err error) {
	db, err := sql.Open("sqlite", dsn(path, url.Values{"mode": {"ro"}, "immutable": {"1"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := checkIdentity(ctx, db); err != nil {
		return err
	}
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("SQLite's integrity check: %s", found)
	}
	got, err := sizeOf(ctx, db)
	if err == nil && got != want {
		err = fmt.Errorf("it has %+v and the database had %+v", got, want)
	}
	return err
}

func sizeOf(ctx context.Context, db rower) (size store.Size, err error) {
	err = errors.Join(
		db.QueryRowContext(ctx, statements[countUsers].text).Scan(&size.Users),
		db.QueryRowContext(ctx, statements[countPayments].text).Scan(&size.Payments))
	return size, err
}

// syncPath waits until the file or folder is on the disk.
func syncPath(path string) error {
	f, err := os.Open(path) // #nosec G304 -- the operator's own choice
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
