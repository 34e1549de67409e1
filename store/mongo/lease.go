package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
)

// AcquireLease implements store.Store.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (cursor string, ok bool, err error) {
	err = s.call(ctx, "acquire lease", func(ctx context.Context) error {
		cursor, ok, err = s.acquireLease(ctx, name, holder, now, ttl)
		return err
	})
	return cursor, ok, err
}

// acquireLease takes the lease with an upsert. A lease that another holds does
// not match, so the upsert inserts and meets a duplicate _id. So does one that
// lost the race to insert a new lease, which may have been the same holder's
// other call; a second try distinguishes the two, as leases are never removed.
func (s *Store) acquireLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (cursor string, ok bool, err error) {
	filter := bson.D{
		{Key: "_id", Value: name},
		{Key: "$or", Value: bson.A{
			bson.D{{Key: "holder", Value: holder}},
			bson.D{{Key: "holder", Value: bson.D{{Key: "$exists", Value: false}}}},
			notAfter("expiresAt", now),
		}},
	}
	update := bson.D{{Key: "$set", Value: bson.D{
		{Key: "holder", Value: holder},
		{Key: "expiresAt", Value: now.Add(ttl)},
	}}}
	opts := options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)
	for range 2 {
		var lease leaseDoc
		err = s.leases.FindOneAndUpdate(ctx, filter, update, opts).Decode(&lease)
		if err == nil {
			return lease.Cursor, true, nil
		}
		if !mayBeDuplicate(err) {
			return "", false, err
		}
	}
	return "", false, refusedUpsert(ctx, err, s.leases, filter)
}

// SaveCursor implements store.Store.
func (s *Store) SaveCursor(ctx context.Context, name, holder, cursor string) error {
	return s.call(ctx, "save cursor", func(ctx context.Context) error {
		result, err := s.leases.UpdateOne(ctx, held(name, holder),
			bson.D{{Key: "$set", Value: bson.D{{Key: "cursor", Value: cursor}}}})
		if err != nil {
			return err
		}
		if result.MatchedCount == 0 {
			return store.ErrStale
		}
		return nil
	})
}

// ReleaseLease implements store.Store.
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	return s.call(ctx, "release lease", func(ctx context.Context) error {
		_, err := s.leases.UpdateOne(ctx, held(name, holder),
			bson.D{{Key: "$unset", Value: bson.D{{Key: "holder", Value: ""}, {Key: "expiresAt", Value: ""}}}})
		return err
	})
}

// held matches the lease while holder has it.
func held(name, holder string) bson.D {
	return bson.D{{Key: "_id", Value: name}, {Key: "holder", Value: holder}}
}
