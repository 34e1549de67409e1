package mongo

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"

	"github.com/nestpayments/nestpayments/store"
)

const (
	// buildTries is the number of attempts per collection while the error is temporary:
	// replicas starting together on a new database may deadlock.
	buildTries = 10
	// buildPause bounds the first random pause; pause n is bounded by n times this.
	buildPause = 200 * time.Millisecond
	// buildTimeout replaces the URI's timeoutMS, which is for calls that take
	// milliseconds.
	buildTimeout = 24 * time.Hour
)

// makeIndexes makes the missing indexes and logs them. Its errors name the collection
// and the indexes. Errors: store.ErrUnavailable.
func (s *Store) makeIndexes(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	for _, c := range []struct {
		collection *driver.Collection
		indexes    []driver.IndexModel
	}{
		{s.users, userIndexes()},
		{s.payments, paymentIndexes()},
		{s.attempts, attemptIndexes()},
	} {
		for try := 1; ; try++ {
			err := makeMissing(ctx, log, c.collection, c.indexes)
			if err == nil {
				break
			}
			if try == buildTries || !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
				return err
			}
			log.Warn("making indexes failed, trying again", slog.String("error", err.Error()))
			select {
			case <-ctx.Done():
			case <-time.After(rand.N(time.Duration(try) * buildPause)): // #nosec G404 -- replicas must only differ
			}
		}
	}
	return nil
}

// makeMissing makes the indexes that the collection lacks in one call: one pass over
// its documents. Another replica may be doing the same.
func makeMissing(ctx context.Context, log *slog.Logger, c *driver.Collection, wanted []driver.IndexModel) error {
	existing, err := c.Indexes().ListSpecifications(ctx)
	if err != nil {
		return wrap(ctx, "list the indexes of "+c.Name(), err)
	}
	var missing, different []driver.IndexModel
	for _, model := range wanted {
		switch at := slices.IndexFunc(existing, func(s *driver.IndexSpecification) bool { return sameKeys(s, model) }); {
		case at < 0:
			missing = append(missing, model)
		case !sameOptions(existing[at], model):
			different = append(different, model)
		}
	}
	if len(missing) > 0 {
		log.Info("making indexes, which takes minutes for a million documents",
			slog.String("collection", c.Name()), slog.String("indexes", describeIndexes(missing)))
		if err := createIndexes(ctx, c, missing...); err != nil {
			log.Warn("making indexes failed, making them one by one", slog.String("error", err.Error()))
			different = append(missing, different...) // so the error names the one that cannot be made
		}
	}
	// The server rejects an index that exists with other options, and ignores one that
	// exists but is listed without them: FerretDB v1 lists sparse indexes so.
	for _, model := range different {
		if err := createIndexes(ctx, c, model); err != nil {
			return err
		}
	}
	return nil
}

func createIndexes(ctx context.Context, c *driver.Collection, models ...driver.IndexModel) error {
	_, err := c.Indexes().CreateMany(ctx, models)
	return wrap(ctx, "make the indexes "+describeIndexes(models)+" of "+c.Name(), err)
}

func sameKeys(s *driver.IndexSpecification, model driver.IndexModel) bool {
	keys := model.Keys.(bson.D)
	listed, err := s.KeysDocument.Elements()
	return err == nil && slices.EqualFunc(listed, keys, func(a bson.RawElement, b bson.E) bool {
		direction, ok := a.Value().AsInt64OK() // some servers list it as a float
		return ok && a.Key() == b.Key && direction == int64(b.Value.(int))
	})
}

func sameOptions(s *driver.IndexSpecification, model driver.IndexModel) bool {
	set := func(option *bool) bool { return option != nil && *option }
	return set(s.Unique) == set(model.Options.Unique) && set(s.Sparse) == set(model.Options.Sparse)
}

// describeIndexes returns the keys of indexes as they are written in MongoDB's shell.
func describeIndexes(models []driver.IndexModel) string {
	texts := make([]string, len(models))
	for i, model := range models {
		var keys []string
		for _, e := range model.Keys.(bson.D) {
			keys = append(keys, e.Key+": "+strconv.Itoa(e.Value.(int)))
		}
		texts[i] = "{" + strings.Join(keys, ", ") + "}"
	}
	return strings.Join(texts, ", ")
}
