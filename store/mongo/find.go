package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
)

// document is a T as it is stored.
type document[T any] interface{ domain() *T }

// A query names the index that serves it, its hint: a planner that estimates badly
// takes another, such as the primary key for a sorted page, or none. A nil hint is
// for queries by _id.

// findOne returns the document that filter matches. store.ErrNotFound.
func findOne[D document[T], T any](ctx context.Context, c *driver.Collection, filter, hint bson.D) (*T, error) {
	var d D
	if err := c.FindOne(ctx, filter, hinted(hint)).Decode(&d); err != nil {
		return nil, err
	}
	return d.domain(), nil
}

func hinted(hint bson.D) *options.FindOneOptions {
	opts := options.FindOne()
	if hint != nil {
		opts.SetHint(hint)
	}
	return opts
}

// find returns the documents that filter matches, in the order of sort, limit
// at most. The limit is brought into the bounds of a page, as the wire
// protocol takes 0 for no limit.
func find[D document[T], T any](ctx context.Context, c *driver.Collection, filter, hint, sort bson.D, limit int) ([]*T, error) {
	limit = min(max(limit, 1), store.MaxPage)
	opts := options.Find().
		SetHint(hint).
		SetSort(sort).
		SetLimit(int64(limit)).
		SetBatchSize(int32(limit)) // one round trip
	cursor, err := c.Find(ctx, filter, opts)
	if err != nil {
		return nil, err
	}
	return drain[D](ctx, cursor)
}

func drain[D document[T], T any](ctx context.Context, cursor *driver.Cursor) ([]*T, error) {
	var docs []D
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	found := make([]*T, len(docs))
	for i := range docs {
		found[i] = docs[i].domain()
	}
	return found, nil
}
