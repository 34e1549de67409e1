package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/nestpayments/nestpayments/store"
)

// adminCommand holds the commands that work on the database directly, so they need
// access to it and no token.
type adminCommand struct {
	Grant  grantCommand  `cmd:"" help:"Make a user an admin."`
	Revoke revokeCommand `cmd:"" help:"Make an admin an ordinary user again."`
	List   listCommand   `cmd:"" help:"List the admins."`
	Copy   copyCommand   `cmd:"" help:"Copy everything to another database, such as from SQLite to MongoDB."`
	Backup backupCommand `cmd:"" help:"Back a SQLite database up while the server runs."`
}

type grantCommand struct {
	database
	User string `arg:"" help:"The email address or the id of a registered user."`
}

// Help explains what grant does to a user whom another user created.
func (grantCommand) Help() string {
	return "The user is an admin from the next request on. A user who was created through POST /user can no longer be " +
		"managed by whoever created them.\n\n" +
		"If the creator may still know the password, it is replaced by a random one, which is printed once, and all " +
		"access tokens of the user end. Hand the password to the user, who changes it with POST /user/password."
}

type revokeCommand struct {
	database
	User string `arg:"" help:"The email address or the id of an admin."`
}

type listCommand struct{ database }

// Run makes the user an admin, from the user's next request on.
func (c grantCommand) Run(ctx context.Context, env *environment, out output) error {
	return c.with(ctx, env, func(db store.Store) error { return setAdmin(ctx, db, c.User, true, out) })
}

// Run takes the role away, from the user's next request on.
func (c revokeCommand) Run(ctx context.Context, env *environment, out output) error {
	return c.with(ctx, env, func(db store.Store) error { return setAdmin(ctx, db, c.User, false, out) })
}

// Run prints the id, email address and name of every admin, and who has to be
// granted the role again because it was granted by an earlier version.
func (c listCommand) Run(ctx context.Context, env *environment, out output) error {
	return c.with(ctx, env, func(db store.Store) error {
		admins, err := db.ListAdmins(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tEMAIL\tNAME")
		for _, u := range admins {
			fmt.Fprintf(w, "%s\t%s\t%s", u.ID, u.Email, u.Name)
			if u.CreatorKnowsPassword() {
				fmt.Fprint(w, "\ttheir creator may know the password: run admin grant again")
			}
			fmt.Fprintln(w)
		}
		return w.Flush()
	})
}

// with opens the database for one command. A SQLite file must exist: a path with a
// typing error would otherwise become an empty database.
func (d database) with(ctx context.Context, env *environment, work func(store.Store) error) (err error) {
	if err := env.all(d.check()); err != nil {
		return err
	}
	if path, ok := strings.CutPrefix(d.DatabaseURL, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("DATABASE_URL names no database: %w: check the path; serve creates the file", withoutPath(err))
		}
	}
	db, err := d.open(ctx, slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return work(db)
}
