package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nestpayments/nestpayments/store/sqlite"
)

// backupCommand backs a SQLite database up.
type backupCommand struct {
	database
	File string `arg:"" help:"The file to make. It must not exist."`
}

// Help is printed by --help.
func (backupCommand) Help() string {
	return strings.TrimSpace(`
The server may run meanwhile. The backup holds the database as it is at one moment after the command
began, so everything that was acknowledged before; it is read back, checked and on the disk when the
command ends with status 0, and until then there is nothing in FILE. It holds password hashes: keep it
to yourself.

To restore, stop the server, move the database file and the two beside it (-wal and -shm) away, put a
copy of the backup in the place of the file, and start the server.

Users who registered after the backup have to register again. Payments that were made after it come back
from Stripe's events, of the last 30 days: keep clients out until nestpayments_reconciler_lag_seconds is below
30, a minute after the start or later.`)
}

// Run takes the backup and verifies it.
func (c backupCommand) Run(ctx context.Context, env *environment, out output) error {
	if err := env.all(c.check()); err != nil {
		return err
	}
	path, isFile := strings.CutPrefix(c.DatabaseURL, "sqlite:")
	if !isFile {
		return errors.New("only a SQLite database is backed up by this command: back MongoDB up with mongodump --oplog, or with snapshots of its disks")
	}
	bar := newProgress(out, "backing up pages", 0)
	size, err := sqlite.Backup(ctx, path, c.File, func(done, total int) {
		bar.total = int64(total)
		bar.set(int64(done))
	})
	if err != nil {
		return err
	}
	bar.end()
	_, err = fmt.Fprintf(out, "%s: %d users and %d payments, verified\n", c.File, size.Users, size.Payments)
	return err
}
