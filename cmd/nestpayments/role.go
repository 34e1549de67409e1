package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// setAdmin grants or revokes the admin role and prints the user. It also ends the
// creator's right to manage the user, which does not return when the role is revoked.
func setAdmin(ctx context.Context, db store.Store, who string, admin bool, out output) error {
	var password, hash string
	for {
		u, err := findUser(ctx, db, who)
		if err != nil {
			return err
		}
		before := *u
		replace := admin && u.CreatorKnowsPassword()
		if u.Admin == admin && !replace {
			return printUnchanged(u, out)
		}
		u.Release()
		if replace {
			if hash == "" {
				if password, hash, err = randomPassword(ctx); err != nil {
					return err
				}
			}
			u.SetPassword(hash)
		}
		u.Admin, u.UpdatedAt = admin, time.Now().UTC().Truncate(time.Millisecond)
		if err = db.UpdateUser(ctx, u); errors.Is(err, store.ErrStale) {
			continue // the new version may have another creator or password
		}
		if err != nil {
			return err
		}
		if u.PasswordHash != hash {
			password = ""
		}
		return printRole(ctx, db, before, u, password, out)
	}
}

// printUnchanged says that the user has the role already, or has not had it.
func printUnchanged(u *store.User, out output) error {
	_, err := fmt.Fprintf(out, "user %s: admin %t, as before: nothing was changed\n", u.ID, u.Admin)
	return err
}

// findUser finds a user by email address or id. Only an address has an @.
func findUser(ctx context.Context, db store.Store, who string) (*store.User, error) {
	if !strings.Contains(who, "@") {
		u, err := db.User(ctx, strings.ToLower(strings.TrimSpace(who)))
		if errors.Is(err, store.ErrNotFound) {
			return nil, errors.New("no user has this id: give the email address or the id of a registered user")
		}
		return u, err
	}
	_, key, err := auth.NormalizeEmail(who)
	if err != nil {
		return nil, err
	}
	u, err := db.UserByEmail(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errors.New("no user has this email address: register it first, with POST /user/register")
	}
	return u, err
}

// randomPassword makes a password of 130 bits and its hash.
func randomPassword(ctx context.Context) (password, hash string, err error) {
	hasher, err := auth.NewHasher(auth.HasherConfig{})
	if err != nil {
		return "", "", err
	}
	password = rand.Text()
	hash, err = hasher.Hash(ctx, password)
	return password, hash, err
}

// printRole prints who the user is and what has changed. before is the user as it
// was. The password is empty if it was not replaced.
func printRole(ctx context.Context, db store.Store, before store.User, u *store.User, password string, out output) error {
	creator, err := describeCreator(ctx, db, before)
	if err != nil {
		creator = "unknown: " + err.Error() // the role has changed, and the password must be printed
	}
	var b strings.Builder
	fmt.Fprintf(&b, "user %s: admin %t\n", u.ID, u.Admin)
	fmt.Fprintf(&b, "  name:    %s\n  email:   %s\n  created: %s\n  creator: %s\n", u.Name, u.Email, u.CreatedAt.Format(time.RFC3339), creator)
	if before.CreatedBy != "" {
		b.WriteString("The creator can no longer manage this user, unless the creator is an admin.\n")
	}
	if password != "" {
		b.WriteString("The creator may have known the password, so it was replaced. All access tokens of this user have ended.\n" +
			"The new password, which is not shown again:\n  " + password + "\n" +
			"Hand it to the user, who should change it with POST /user/password.\n")
	}
	_, err = out.Write([]byte(b.String()))
	return err
}

// describeCreator describes the creator on record: CreatedBy, else PasswordSetBy, else
// RootCreator.
func describeCreator(ctx context.Context, db store.Store, u store.User) (string, error) {
	id := cmp.Or(u.CreatedBy, u.PasswordSetBy, u.RootCreator)
	if id == "" {
		return "none on record", nil
	}
	creator, err := db.User(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return id + ", deleted since", nil
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %s, %s", creator.ID, creator.Name, creator.Email), nil
}

// warnOfKnownPasswords logs the admins whose creator may know the password: earlier
// versions granted the role without replacing the password.
func warnOfKnownPasswords(ctx context.Context, db store.Store, log *slog.Logger) {
	admins, err := db.ListAdmins(ctx)
	if err != nil {
		log.Warn("cannot check who knows the passwords of the admins", slog.String("error", err.Error()))
	}
	for _, u := range admins {
		if u.CreatorKnowsPassword() {
			log.Warn("the creator of this admin may know the password: run nestpayments admin grant again with this id", slog.String("userId", u.ID))
		}
	}
}
