package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/nestpayments/nestpayments/store"
)

// copyCommand moves everything from one database to another.
type copyCommand struct {
	From   string `env:"FROM_DATABASE_URL" secret:"" placeholder:"URL" help:"The database to copy, as in DATABASE_URL. Required."`
	To     string `env:"TO_DATABASE_URL" secret:"" placeholder:"URL" help:"The database to copy to. Required."`
	Ahead  bool   `help:"Copy what there is while the server still runs on the source, to have less to do once it is stopped."`
	Delete bool   `help:"Delete users from the target that the source no longer has: those who were deleted since an earlier copy."`
}

// Help is printed by --help.
func (copyCommand) Help() string {
	return strings.TrimSpace(`
Stop the server, copy, and start it on the target. Ids, times and versions are kept, so with
the same signing keys tokens stay valid, and clients notice nothing.

The copy may be interrupted at any time and run again: what is there and equal is passed over, and what
has changed in the source since is brought up to date. A document that is newer in the target is never
overwritten: it is named, and nothing is written, as the target is in use then.

To be without a server for a short time only, copy with --ahead first, while the server runs. Then stop
it and copy again, without --ahead.

At the end both databases are read again and compared. The exit status is 0 only if every document is
the same in both, and there is no other in the target. Only then is the target the new database.

Counts of failed logins and sign-ups stay behind. They are hashes that are of use for an hour at most:
whoever was held back by them may try once more, for as long as a window lasts.

The source is opened as the server opens it, which brings a file of an earlier version up to date: use
the program that the server is, and take a backup first.`)
}

// Run copies, and verifies what it has copied.
func (c copyCommand) Run(ctx context.Context, env *environment, out output) (err error) {
	if err := c.check(env); err != nil {
		return err
	}
	from, err := openMovable(ctx, "source", c.From)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := openMovable(ctx, "target", c.To)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	err = (&copier{from: from, to: to, out: out, ahead: c.Ahead, remove: c.Delete, page: copyPage}).run(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: run the same command again to go on: %w", ctx.Err())
	}
	return err
}

// check names all that is wrong with the flags, without repeating a URL.
func (c copyCommand) check(env *environment) error {
	faults := append([]error(nil), env.faults...)
	for prefix, url := range map[string]string{"FROM": c.From, "TO": c.To} {
		// Its messages begin with the name of the variable.
		if err := (database{DatabaseURL: url}).check(); err != nil {
			faults = append(faults, fmt.Errorf("%s_%w", prefix, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if c.From == c.To { // under two names they are found out by their lease
		return errSameDatabase
	}
	if source, isFile := strings.CutPrefix(c.From, "sqlite:"); isFile {
		// To open it would make it.
		if _, err := os.Stat(source); err != nil {
			return fmt.Errorf("source: %w", err)
		}
	}
	return nil
}

var errSameDatabase = errors.New("source and target are the same database: name another with --to or TO_DATABASE_URL")

func openMovable(ctx context.Context, role, url string) (store.Movable, error) {
	db, err := database{DatabaseURL: url}.open(ctx, slog.Default())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	movable, ok := db.(store.Movable)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s: this kind of database cannot be copied", role), db.Close())
	}
	return movable, nil
}
