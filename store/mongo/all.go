package mongo

import (
	"context"
	"errors"
	"iter"
	"time"

	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
)

// batchTimeout bounds the wait for one batch of all documents. A server that has to
// sort them needs long for the first.
const batchTimeout = 5 * time.Minute

// all yields all documents of a collection, in ascending order of _id and limit at a
// time, from one cursor. In pages, each a query of its own, a server that does not
// find its place by _id would read the whole collection for every page. A cursor that
// is lost, with the primary or because nobody read it for long, is replaced by one
// that goes on behind the last document.
func all[D document[T], T any](ctx context.Context, c *driver.Collection, limit int, id func(*T) string) iter.Seq2[[]*T, error] {
	return func(yield func([]*T, error) bool) {
		for after := ""; ; {
			progress, stopped := false, false
			err := scan[D](ctx, c, after, min(max(limit, 1), store.MaxPage), func(batch []*T) bool {
				after, progress = id(batch[len(batch)-1]), true
				stopped = !yield(batch, nil)
				return !stopped
			})
			if err == nil || stopped {
				return
			}
			if !progress || !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// scan visits the documents behind the id after, all of one cursor, until visit
// returns false.
func scan[D document[T], T any](ctx context.Context, c *driver.Collection, after string, limit int, visit func([]*T) bool) error {
	op := "read all " + c.Name()
	filter, err := behind(after)
	if err != nil {
		return wrap(ctx, op, err)
	}
	opts := options.Find().SetHint(ascending("_id")).SetSort(ascending("_id")).SetBatchSize(int32(limit)) // #nosec G115 -- MaxPage at most
	bounded, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	cursor, err := c.Find(bounded, filter, opts)
	if err != nil {
		return wrap(ctx, op, err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // what the server forgets by itself
	for {
		batch, err := next[D](ctx, cursor, limit)
		if err != nil {
			return wrap(ctx, op, err)
		}
		if len(batch) == 0 || !visit(batch) {
			return nil
		}
	}
}

// next returns the next documents of the cursor, limit at most, none behind the last.
func next[D document[T], T any](ctx context.Context, cursor *driver.Cursor, limit int) (batch []*T, err error) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	for len(batch) < limit && cursor.Next(ctx) {
		var d D
		if err := cursor.Decode(&d); err != nil {
			return nil, err
		}
		batch = append(batch, d.domain())
	}
	return batch, cursor.Err()
}
