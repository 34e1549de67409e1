package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// userIndexes, paymentIndexes and attemptIndexes are all indexes beside _id;
// leases need none.
// Every query of the package is on one of them.
func userIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		index(bson.D{{Key: "emailKey", Value: 1}}, options.Index().SetUnique(true)),
		index(bson.D{{Key: "customerId", Value: 1}}, options.Index().SetUnique(true).SetSparse(true)),
		index(bson.D{{Key: "createdBy", Value: 1}, {Key: "_id", Value: 1}}, options.Index()),
		index(bson.D{{Key: "admin", Value: 1}}, options.Index().SetSparse(true)),
		index(bson.D{{Key: "syncAt", Value: 1}}, options.Index().SetSparse(true)),
	}
}

func paymentIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		index(bson.D{{Key: "userId", Value: 1}, {Key: "cuid", Value: 1}}, options.Index().SetUnique(true)),
		index(bson.D{{Key: "intentId", Value: 1}}, options.Index().SetUnique(true).SetSparse(true)),
		index(bson.D{{Key: "userId", Value: 1}, {Key: "_id", Value: -1}}, options.Index()),
		index(bson.D{{Key: "checkAt", Value: 1}}, options.Index().SetSparse(true)),
	}
}

func attemptIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		index(bson.D{{Key: "account", Value: 1}, {Key: "site", Value: 1}}, options.Index().SetSparse(true)),
		index(bson.D{{Key: "address", Value: 1}}, options.Index().SetSparse(true)),
		index(bson.D{{Key: "expiresAt", Value: 1}}, options.Index()),
	}
}

func index(keys bson.D, opts *options.IndexOptions) driver.IndexModel {
	return driver.IndexModel{Keys: keys, Options: opts}
}

// makeIndexes makes those that are missing. The server does nothing about one
// that exists, and refuses one that exists with other options. They go one at a
// time: FerretDB v1.24.2 panics over a list of which it has several.
func (s *Store) makeIndexes(ctx context.Context) error {
	for _, c := range []struct {
		collection *driver.Collection
		indexes    []driver.IndexModel
	}{
		{s.users, userIndexes()},
		{s.payments, paymentIndexes()},
		{s.attempts, attemptIndexes()},
	} {
		for _, model := range c.indexes {
			if _, err := c.collection.Indexes().CreateOne(ctx, model); err != nil {
				return err
			}
		}
	}
	return nil
}
