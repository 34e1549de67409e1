package mongo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
)

// InsertUser implements store.Store.
func (s *Store) InsertUser(ctx context.Context, u *store.User) error {
	return s.call(ctx, "insert user", func(ctx context.Context) error {
		id, err := parseID(u.ID)
		if err != nil {
			return err
		}
		if _, err := s.users.InsertOne(ctx, newUserDoc(id, u, 1)); err != nil {
			return s.duplicate(ctx, err, s.users, userKeys(u), bson.D{})
		}
		u.Version = 1
		return nil
	})
}

// User implements store.Store.
func (s *Store) User(ctx context.Context, id string) (*store.User, error) {
	oid, err := parseID(id)
	if err != nil {
		return nil, wrap(ctx, "find user", store.ErrNotFound)
	}
	return s.findUser(ctx, "find user", bson.D{{Key: "_id", Value: oid}}, nil)
}

// UserByEmail implements store.Store.
func (s *Store) UserByEmail(ctx context.Context, emailKey string) (*store.User, error) {
	return s.findUser(ctx, "find user by email", bson.D{{Key: "emailKey", Value: emailKey}}, ascending("emailKey"))
}

// UserByCustomer implements store.Store.
func (s *Store) UserByCustomer(ctx context.Context, customerID string) (*store.User, error) {
	return s.findUser(ctx, "find user by customer", bson.D{{Key: "customerId", Value: customerID}}, ascending("customerId"))
}

func (s *Store) findUser(ctx context.Context, op string, filter, hint bson.D) (u *store.User, err error) {
	err = s.call(ctx, op, func(ctx context.Context) error {
		u, err = findOne[userDoc](ctx, s.users, filter, hint)
		return err
	})
	return u, err
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
	return s.call(ctx, op, func(ctx context.Context) error {
		id, err := parseID(u.ID)
		if err != nil {
			return err
		}
		filter := bson.D{{Key: "_id", Value: id}, {Key: "version", Value: from}}
		update, err := setFields(newUserDoc(id, u, to))
		if err != nil {
			return err
		}
		result, err := s.users.UpdateOne(ctx, filter, update)
		if err != nil {
			return s.duplicate(ctx, err, s.users, userKeys(u), notID(id))
		}
		if result.MatchedCount == 0 {
			return store.ErrStale
		}
		return nil
	})
}

// DeleteUser implements store.Store.
func (s *Store) DeleteUser(ctx context.Context, u *store.User) error {
	return s.call(ctx, "delete user", func(ctx context.Context) error {
		id, err := parseID(u.ID)
		if err != nil {
			return err
		}
		result, err := s.users.DeleteOne(ctx, bson.D{{Key: "_id", Value: id}, {Key: "version", Value: u.Version}})
		if err != nil {
			return err
		}
		if result.DeletedCount == 0 {
			return store.ErrStale
		}
		return nil
	})
}

// ListUsers implements store.Store.
func (s *Store) ListUsers(ctx context.Context, q store.UserQuery) (users []*store.User, err error) {
	err = s.call(ctx, "list users", func(ctx context.Context) error {
		if q.VisibleTo != "" {
			users, err = s.visibleUsers(ctx, q)
			return err
		}
		filter, err := behind(q.After)
		if err != nil {
			return err
		}
		users, err = find[userDoc](ctx, s.users, filter, ascending("_id"), ascending("_id"), q.Limit)
		return err
	})
	return users, err
}

// visibleUsers merges two queries, one for those that the user created and one for
// the user: as one query, with $or, it is a scan on a server that cannot merge
// indexes.
func (s *Store) visibleUsers(ctx context.Context, q store.UserQuery) ([]*store.User, error) {
	after, err := behind(q.After)
	if err != nil {
		return nil, err
	}
	id, err := parseID(q.VisibleTo)
	if err != nil {
		return nil, err
	}
	created := append(bson.D{{Key: "createdBy", Value: q.VisibleTo}}, after...)
	users, err := find[userDoc](ctx, s.users, created, ascending("createdBy", "_id"), ascending("_id"), q.Limit)
	if err != nil || q.After >= q.VisibleTo {
		return users, err
	}
	at, listed := slices.BinarySearchFunc(users, q.VisibleTo, func(u *store.User, id string) int { return cmp.Compare(u.ID, id) })
	if listed || at >= q.Limit {
		return users, nil
	}
	self, err := findOne[userDoc](ctx, s.users, bson.D{{Key: "_id", Value: id}}, nil)
	if errors.Is(err, driver.ErrNoDocuments) {
		return users, nil
	}
	if err != nil {
		return nil, err
	}
	users = slices.Insert(users, at, self)
	return users[:min(len(users), q.Limit)], nil
}

// behind matches documents behind the id, all if it is empty.
func behind(after string) (bson.D, error) {
	if after == "" {
		return bson.D{}, nil
	}
	id, err := parseID(after)
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: id}}}}, err
}

// ListAdmins implements store.Store. Admins are made by hand and few: they are
// all read and sorted here, as a sparse index on admin has no order by _id.
func (s *Store) ListAdmins(ctx context.Context) (admins []*store.User, err error) {
	err = s.call(ctx, "list admins", func(ctx context.Context) error {
		cursor, err := s.users.Find(ctx, bson.D{{Key: "admin", Value: true}}, options.Find().SetHint(ascending("admin")))
		if err != nil {
			return err
		}
		admins, err = drain[userDoc](ctx, cursor)
		return err
	})
	slices.SortFunc(admins, func(a, b *store.User) int { return cmp.Compare(a.ID, b.ID) })
	return admins[:min(len(admins), store.MaxPage)], err
}

// UsersToSync implements store.Store.
func (s *Store) UsersToSync(ctx context.Context, now time.Time, limit int) (users []*store.User, err error) {
	err = s.call(ctx, "find users to sync", func(ctx context.Context) error {
		users, err = find[userDoc](ctx, s.users, notAfter("syncAt", now), ascending("syncAt"), ascending("syncAt"), limit)
		return err
	})
	return users, err
}

// notAfter matches documents whose field is set and not after now.
func notAfter(field string, now time.Time) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$lte", Value: now}}}}
}
