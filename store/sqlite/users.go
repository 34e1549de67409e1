package sqlite

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// InsertUser implements store.Store.
func (s *Store) InsertUser(ctx context.Context, u *store.User) error {
	const op = "insert user"
	if _, err := s.writeUser(ctx, op, u, insertUser, append(userArgs(u), 1)); err != nil {
		return err
	}
	u.Version = 1
	return nil
}

// UpdateUser implements store.Store.
func (s *Store) UpdateUser(ctx context.Context, u *store.User) error {
	if err := s.replaceUser(ctx, "update user", u, u.Version, u.Version+1); err != nil {
		return err
	}
	u.Version++
	return nil
}

// replaceUser stores u as version to if the stored version is from.
func (s *Store) replaceUser(ctx context.Context, op string, u *store.User, from, to int64) error {
	n, err := s.writeUser(ctx, op, u, updateUser, append(userArgs(u), from, to))
	if err == nil && n == 0 {
		err = s.fail(op, store.ErrStale)
	}
	return err
}

// writeUser runs an insert or update of u and returns how many rows it
// changed. store.ErrEmailTaken, store.ErrCustomerTaken.
func (s *Store) writeUser(ctx context.Context, op string, u *store.User, q query, args []any) (int64, error) {
	const tries = 3
	for range tries {
		n, err := s.exec(ctx, q, args...)
		if !violates(err) {
			return n, s.fail(op, err)
		}
		if taken, err := s.takenKey(ctx, op, u, q == updateUser); taken != nil || err != nil {
			return 0, cmp.Or(s.fail(op, taken), err)
		}
		// Whoever was in the way has gone since: try again.
	}
	return 0, s.fail(op, store.ErrUnavailable)
}

// takenKey finds out which of u's unique keys is taken, as SQLite tells it only
// in the text of its error. A stored u is in the way of its insertion, by an
// earlier try, but not of its update. taken is nil if nobody is in the way.
func (s *Store) takenKey(ctx context.Context, op string, u *store.User, update bool) (taken, err error) {
	for _, key := range []struct {
		q     query
		value string
		taken error
	}{
		{userByID, u.ID, store.ErrEmailTaken},
		{userByEmail, u.EmailKey, store.ErrEmailTaken},
		{userByCustomer, u.CustomerID, store.ErrCustomerTaken},
	} {
		other, err := one(ctx, s, op, key.q, scanUser, key.value)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return nil, err
		case other.ID != u.ID || !update:
			return key.taken, nil
		}
	}
	return nil, nil
}

// User implements store.Store.
func (s *Store) User(ctx context.Context, id string) (*store.User, error) {
	return one(ctx, s, "user", userByID, scanUser, id)
}

// UserByEmail implements store.Store.
func (s *Store) UserByEmail(ctx context.Context, emailKey string) (*store.User, error) {
	return one(ctx, s, "user by email", userByEmail, scanUser, emailKey)
}

// UserByCustomer implements store.Store.
func (s *Store) UserByCustomer(ctx context.Context, customerID string) (*store.User, error) {
	return one(ctx, s, "user by customer", userByCustomer, scanUser, customerID)
}

// DeleteUser implements store.Store.
func (s *Store) DeleteUser(ctx context.Context, u *store.User) error {
	const op = "delete user"
	n, err := s.exec(ctx, deleteUser, u.ID, u.Version)
	if err == nil && n == 0 {
		err = store.ErrStale
	}
	return s.fail(op, err)
}

// ListUsers implements store.Store.
func (s *Store) ListUsers(ctx context.Context, q store.UserQuery) ([]*store.User, error) {
	const op = "list users"
	if q.VisibleTo == "" {
		return many(ctx, s, op, listUsers, scanUser, q.After, int64(q.Limit))
	}
	return many(ctx, s, op, listVisibleUsers, scanUser, q.VisibleTo, q.After, int64(q.Limit))
}

// ListAdmins implements store.Store.
func (s *Store) ListAdmins(ctx context.Context) ([]*store.User, error) {
	return many(ctx, s, "list admins", listAdmins, scanUser, int64(store.MaxPage))
}

// UsersToSync implements store.Store.
func (s *Store) UsersToSync(ctx context.Context, now time.Time, limit int) ([]*store.User, error) {
	return many(ctx, s, "users to sync", usersToSync, scanUser, millis(now), int64(limit))
}

// userArgs are the parameters ?1 to ?16 of insertUser and updateUser.
func userArgs(u *store.User) []any {
	return []any{
		u.ID, u.Name, u.Email, u.EmailKey, u.PasswordHash, u.CustomerID,
		u.CustomerAttempt, u.CreatedBy, u.Admin, optionalMillis(u.SyncAt),
		millis(u.CreatedAt), millis(u.UpdatedAt),
		u.RootCreator, u.PasswordSetBy, u.Session, u.SyncFailures,
	}
}

// scanUser reads userColumns.
func scanUser(r row) *store.User {
	return &store.User{
		ID: r.text(0), Name: r.text(1), Email: r.text(2), EmailKey: r.text(3), PasswordHash: r.text(4), CustomerID: r.text(5),
		CustomerAttempt: int(r.integer(6)), CreatedBy: r.text(7), Admin: r.integer(8) != 0, SyncAt: r.time(9),
		CreatedAt: r.time(10), UpdatedAt: r.time(11), Version: r.integer(12),
		RootCreator: r.text(13), PasswordSetBy: r.text(14), Session: r.integer(15), SyncFailures: int(r.integer(16)),
	}
}
