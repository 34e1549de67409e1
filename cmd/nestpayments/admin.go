package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// adminCommand is what works on the database directly, so it takes access to that
// and no token.
type adminCommand struct {
	Grant  grantCommand  `cmd:"" help:"Make the user with this email address an admin."`
	Revoke revokeCommand `cmd:"" help:"Take that away again."`
	List   listCommand   `cmd:"" help:"List the admins."`
	Copy   copyCommand   `cmd:"" help:"Copy everything to another database, such as from SQLite to MongoDB."`
	Backup backupCommand `cmd:"" help:"Back a SQLite database up while the server runs."`
}

type grantCommand struct {
	database
	Email string `arg:"" help:"The email address of a registered user."`
}

type revokeCommand struct {
	database
	Email string `arg:"" help:"The email address of an admin."`
}

type listCommand struct{ database }

// Run makes the user an admin, from the user's next request on.
func (c grantCommand) Run(ctx context.Context, env *environment, out output) error {
	return setAdmin(ctx, env, c.database, c.Email, true, out)
}

// Run takes the role away, from the user's next request on.
func (c revokeCommand) Run(ctx context.Context, env *environment, out output) error {
	return setAdmin(ctx, env, c.database, c.Email, false, out)
}

// Run prints the id, email address and name of every admin.
func (c listCommand) Run(ctx context.Context, env *environment, out output) error {
	return c.with(ctx, env, func(db store.Store) error {
		admins, err := db.ListAdmins(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tEMAIL\tNAME")
		for _, u := range admins {
			fmt.Fprintf(w, "%s\t%s\t%s\n", u.ID, u.Email, u.Name)
		}
		return w.Flush()
	})
}

// with opens the database for one command.
func (d database) with(ctx context.Context, env *environment, work func(store.Store) error) (err error) {
	if err := errors.Join(errors.Join(env.faults...), d.check()); err != nil {
		return err
	}
	db, err := d.open(ctx, slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return work(db)
}

func setAdmin(ctx context.Context, env *environment, d database, email string, admin bool, out output) error {
	_, key, err := auth.NormalizeEmail(email)
	if err != nil {
		return err
	}
	return d.with(ctx, env, func(db store.Store) error {
		for {
			u, err := db.UserByEmail(ctx, key)
			if errors.Is(err, store.ErrNotFound) {
				return errors.New("no user has this email address: register it first, with POST /user/register")
			}
			if err != nil {
				return err
			}
			u.Admin, u.UpdatedAt = admin, time.Now().UTC()
			if err = db.UpdateUser(ctx, u); errors.Is(err, store.ErrStale) {
				continue
			}
			if err == nil {
				fmt.Fprintf(out, "user %s: admin %t\n", u.ID, admin)
			}
			return err
		}
	})
}
