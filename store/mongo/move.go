package mongo

import (
	"context"
	"errors"
	"iter"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
)

// Size implements store.Movable with what the server has counted already.
func (s *Store) Size(ctx context.Context) (size store.Size, err error) {
	err = s.call(ctx, "count", func(ctx context.Context) error {
		if size.Users, err = s.users.EstimatedDocumentCount(ctx); err != nil {
			return err
		}
		size.Payments, err = s.payments.EstimatedDocumentCount(ctx)
		return err
	})
	return size, err
}

// AllUsers implements store.Movable.
func (s *Store) AllUsers(ctx context.Context, limit int) iter.Seq2[[]*store.User, error] {
	return all[userDoc](ctx, s.users, limit, func(u *store.User) string { return u.ID })
}

// AllPayments implements store.Movable.
func (s *Store) AllPayments(ctx context.Context, limit int) iter.Seq2[[]*store.Payment, error] {
	return all[paymentDoc](ctx, s.payments, limit, func(p *store.Payment) string { return p.ID })
}

// MoveUsers implements store.Movable.
func (s *Store) MoveUsers(ctx context.Context, users []*store.User) error {
	docs := make([]any, len(users))
	return s.call(ctx, "move users", func(ctx context.Context) error {
		for i, u := range users {
			id, err := parseID(u.ID)
			if err != nil {
				return err
			}
			docs[i] = newUserDoc(id, u, u.Version)
		}
		return s.insertMany(ctx, s.users, docs, func(i int) []uniqueKey { return userKeys(users[i]) })
	})
}

// MovePayments implements store.Movable.
func (s *Store) MovePayments(ctx context.Context, payments []*store.Payment) error {
	docs := make([]any, len(payments))
	return s.call(ctx, "move payments", func(ctx context.Context) error {
		for i, p := range payments {
			id, err := parseID(p.ID)
			if err != nil {
				return err
			}
			docs[i] = newPaymentDoc(id, p, p.Version)
		}
		return s.insertMany(ctx, s.payments, docs, func(i int) []uniqueKey { return paymentKeys(payments[i]) })
	})
}

// insertMany inserts all documents that it can, in no order. Its error is that
// of the first that it cannot.
func (s *Store) insertMany(ctx context.Context, c *driver.Collection, docs []any, keys func(i int) []uniqueKey) error {
	_, err := c.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	var bulk driver.BulkWriteException
	if !errors.As(err, &bulk) {
		return err
	}
	// As the exception of a single write: the text of the other quotes values.
	single := driver.WriteException{WriteConcernError: bulk.WriteConcernError, Labels: bulk.Labels}
	if len(bulk.WriteErrors) == 0 {
		return single
	}
	first := bulk.WriteErrors[0].WriteError
	single.WriteErrors = driver.WriteErrors{first}
	return s.duplicate(ctx, single, c, keys(first.Index), bson.D{})
}

// ReplaceUser implements store.Movable.
func (s *Store) ReplaceUser(ctx context.Context, u *store.User, version int64) error {
	return s.replaceUser(ctx, "replace user", u, version, u.Version)
}

// ReplacePayment implements store.Movable.
func (s *Store) ReplacePayment(ctx context.Context, p *store.Payment, version int64) error {
	return s.replacePayment(ctx, "replace payment", p, version, p.Version)
}
