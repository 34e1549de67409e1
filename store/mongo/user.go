package mongo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/bson"

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
	return s.findUser(ctx, "find user", bson.D{{Key: "_id", Value: oid}})
}

// UserByEmail implements store.Store.
func (s *Store) UserByEmail(ctx context.Context, emailKey string) (*store.User, error) {
	return s.findUser(ctx, "find user by email", bson.D{{Key: "emailKey", Value: emailKey}})
}

// UserByCustomer implements store.Store.
func (s *Store) UserByCustomer(ctx context.Context, customerID string) (*store.User, error) {
	return s.findUser(ctx, "find user by customer", bson.D{{Key: "customerId", Value: customerID}})
}

func (s *Store) findUser(ctx context.Context, op string, filter bson.D) (u *store.User, err error) {
	err = s.call(ctx, op, func(ctx context.Context) error {
		u, err = findOne[userDoc](ctx, s.users, filter)
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
		result, err := s.users.ReplaceOne(ctx, filter, newUserDoc(id, u, to))
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
		filter, err := userFilter(q)
		if err != nil {
			return err
		}
		users, err = find[userDoc](ctx, s.users, filter, bson.D{{Key: "_id", Value: 1}}, q.Limit)
		return err
	})
	return users, err
}

// userFilter has the range of ids in the clause of createdBy, so that the
// compound index serves it; each clause then comes sorted by _id and MongoDB
// merges the two (SORT_MERGE).
func userFilter(q store.UserQuery) (bson.D, error) {
	after, err := behind(q.After)
	if err != nil || q.VisibleTo == "" {
		return after, err
	}
	self, err := parseID(q.VisibleTo)
	if err != nil {
		return nil, err
	}
	created := append(bson.D{{Key: "createdBy", Value: q.VisibleTo}}, after...)
	if q.After >= q.VisibleTo {
		return created, nil
	}
	return bson.D{{Key: "$or", Value: bson.A{bson.D{{Key: "_id", Value: self}}, created}}}, nil
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
		cursor, err := s.users.Find(ctx, bson.D{{Key: "admin", Value: true}})
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
		users, err = find[userDoc](ctx, s.users, notAfter("syncAt", now), bson.D{{Key: "syncAt", Value: 1}}, limit)
		return err
	})
	return users, err
}

// notAfter matches documents whose field is set and not after now.
func notAfter(field string, now time.Time) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$lte", Value: now}}}}
}
