package mongo

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
)

// CountAttempt implements store.Store.
func (s *Store) CountAttempt(ctx context.Context, a store.Attempt, limit int) (ok bool, err error) {
	err = s.call(ctx, "count attempt", func(ctx context.Context) error {
		ok, err = s.countAttempt(ctx, a, limit)
		return err
	})
	return ok, err
}

// countAttempt counts with an upsert. A count that has reached the limit does
// not match, so the upsert inserts and meets a duplicate _id. So does one that
// lost the race to insert a new key; a second try distinguishes the two.
func (s *Store) countAttempt(ctx context.Context, a store.Attempt, limit int) (ok bool, err error) {
	filter := bson.D{
		{Key: "_id", Value: a.Key},
		{Key: "count", Value: bson.D{{Key: "$lt", Value: limit}}},
	}
	first := bson.D{{Key: "expiresAt", Value: a.Expires}}
	for _, field := range []bson.E{{Key: "account", Value: a.Account}, {Key: "site", Value: a.Site}, {Key: "address", Value: a.Address}} {
		if field.Value != "" {
			first = append(first, field)
		}
	}
	update := bson.D{
		{Key: "$inc", Value: bson.D{{Key: "count", Value: 1}}},
		{Key: "$setOnInsert", Value: first},
	}
	opts := options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)
	for range 2 {
		err = s.attempts.FindOneAndUpdate(ctx, filter, update, opts).Err()
		if !mayBeDuplicate(err) {
			return err == nil, err
		}
	}
	return false, refusedUpsert(ctx, err, s.attempts, filter)
}

// UncountAttempt implements store.Store.
func (s *Store) UncountAttempt(ctx context.Context, key string) error {
	return s.call(ctx, "uncount attempt", func(ctx context.Context) error {
		_, err := s.attempts.UpdateOne(ctx,
			bson.D{{Key: "_id", Value: key}, {Key: "count", Value: bson.D{{Key: "$gt", Value: 0}}}},
			bson.D{{Key: "$inc", Value: bson.D{{Key: "count", Value: -1}}}})
		return err
	})
}

// Attempts implements store.Store.
func (s *Store) Attempts(ctx context.Context, key string) (n int, err error) {
	err = s.call(ctx, "read attempts", func(ctx context.Context) error {
		var d attemptDoc
		err := s.attempts.FindOne(ctx, bson.D{{Key: "_id", Value: key}}).Decode(&d)
		if errors.Is(err, driver.ErrNoDocuments) {
			return nil
		}
		n = d.Count
		return err
	})
	return n, err
}

// AttemptKeys implements store.Store.
func (s *Store) AttemptKeys(ctx context.Context, q store.AttemptQuery) (n int, err error) {
	filter, hint := bson.D{{Key: "address", Value: q.Address}}, ascending("address")
	if q.Account != "" {
		filter, hint = bson.D{{Key: "account", Value: q.Account}}, ascending("account", "site")
	}
	if q.Site != "" {
		filter = append(filter, bson.E{Key: "site", Value: q.Site})
	}
	err = s.call(ctx, "find attempts", func(ctx context.Context) error {
		keys, err := s.attemptKeys(ctx, filter, hint, q.Limit)
		n = len(keys)
		return err
	})
	return n, err
}

// ForgetAttempts implements store.Store.
func (s *Store) ForgetAttempts(ctx context.Context, key string) error {
	return s.call(ctx, "forget attempts", func(ctx context.Context) error {
		_, err := s.attempts.DeleteOne(ctx, bson.D{{Key: "_id", Value: key}})
		return err
	})
}

// PruneAttempts implements store.Store. It finds and then deletes, as a
// deletion of many has no limit. A key that has expired is never used again, so
// what happens between the two does no harm.
func (s *Store) PruneAttempts(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.call(ctx, "prune attempts", func(ctx context.Context) error {
		byExpiry := ascending("expiresAt")
		keys, err := s.attemptKeys(ctx, notAfter("expiresAt", now), byExpiry, limit, options.Find().SetSort(byExpiry))
		if err != nil || len(keys) == 0 {
			return err
		}
		result, err := s.attempts.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: keys}}}})
		if err == nil {
			n = int(result.DeletedCount)
		}
		return err
	})
	return n, err
}

// attemptKeys returns the keys that filter matches on the index hint, limit at most.
func (s *Store) attemptKeys(ctx context.Context, filter, hint bson.D, limit int, more ...*options.FindOptions) ([]string, error) {
	limit = min(max(limit, 1), store.MaxPage)
	opts := options.Find().SetLimit(int64(limit)).SetBatchSize(int32(limit)).SetHint(hint).
		SetProjection(bson.D{{Key: "_id", Value: 1}})
	cursor, err := s.attempts.Find(ctx, filter, append(more, opts)...)
	if err != nil {
		return nil, err
	}
	var docs []attemptDoc
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	keys := make([]string, len(docs))
	for i, d := range docs {
		keys[i] = d.Key
	}
	return keys, nil
}
