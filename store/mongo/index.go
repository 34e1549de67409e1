package mongo

import (
	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// userIndexes, paymentIndexes and attemptIndexes are all indexes beside _id;
// leases need none.
// Every query of the package is on one of them.
func userIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		index(ascending("emailKey"), options.Index().SetUnique(true)),
		index(ascending("customerId"), options.Index().SetUnique(true).SetSparse(true)),
		index(ascending("createdBy", "_id"), options.Index()),
		index(ascending("admin"), options.Index().SetSparse(true)),
		index(ascending("syncAt"), options.Index().SetSparse(true)),
	}
}

func paymentIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		index(ascending("userId", "cuid"), options.Index().SetUnique(true)),
		index(ascending("intentId"), options.Index().SetUnique(true).SetSparse(true)),
		index(userPayments(), options.Index()),
		index(ascending("checkAt"), options.Index().SetSparse(true)),
	}
}

func attemptIndexes() []driver.IndexModel {
	return []driver.IndexModel{
		index(ascending("account", "site"), options.Index().SetSparse(true)),
		index(ascending("address"), options.Index().SetSparse(true)),
		index(ascending("expiresAt"), options.Index()),
	}
}

// userPayments is the key pattern of the index that lists a user's payments, newest
// first.
func userPayments() bson.D { return bson.D{{Key: "userId", Value: 1}, {Key: "_id", Value: -1}} }

// ascending is the key pattern, or the sort, of these fields in ascending order.
func ascending(fields ...string) bson.D {
	keys := make(bson.D, len(fields))
	for i, field := range fields {
		keys[i] = bson.E{Key: field, Value: 1}
	}
	return keys
}

func index(keys bson.D, opts *options.IndexOptions) driver.IndexModel {
	return driver.IndexModel{Keys: keys, Options: opts}
}
