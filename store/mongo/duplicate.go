package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	driver "go.mongodb.org/mongo-driver/mongo"

	"github.com/nestpayments/nestpayments/store"
)

// uniqueKey is what a unique index holds for one document, and the error that
// says that another document holds it already.
type uniqueKey struct {
	key   bson.D
	taken error
}

// index is the key pattern of the index.
func (k uniqueKey) index() bson.D {
	fields := make([]string, len(k.key))
	for i, e := range k.key {
		fields[i] = e.Key
	}
	return ascending(fields...)
}

// userKeys are the unique keys of u beside its _id.
func userKeys(u *store.User) []uniqueKey {
	keys := []uniqueKey{{bson.D{{Key: "emailKey", Value: u.EmailKey}}, store.ErrEmailTaken}}
	if u.CustomerID != "" {
		keys = append(keys, uniqueKey{bson.D{{Key: "customerId", Value: u.CustomerID}}, store.ErrCustomerTaken})
	}
	return keys
}

// paymentKeys are the unique keys of p beside its _id.
func paymentKeys(p *store.Payment) []uniqueKey {
	keys := []uniqueKey{{bson.D{{Key: "userId", Value: p.UserID}, {Key: "cuid", Value: p.CUID}}, store.ErrPaymentExists}}
	if p.IntentID != "" {
		keys = append(keys, uniqueKey{bson.D{{Key: "intentId", Value: p.IntentID}}, store.ErrPaymentExists})
	}
	return keys
}

// notID matches every document but the one that is being written.
func notID(id primitive.ObjectID) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$ne", Value: id}}}}
}

// internalError is the code that some servers give to a write that a unique key
// refuses, as to any other failure inside: FerretDB v1 to an update, FerretDB 2.5 to
// an upsert. MongoDB's is 11000 for all of them.
const internalError = 1

// mayBeDuplicate reports whether a unique key may have refused a write. If
// driver.IsDuplicateKeyError says so, it did.
func mayBeDuplicate(err error) bool {
	var server driver.ServerError
	return driver.IsDuplicateKeyError(err) || errors.As(err, &server) && server.HasErrorCode(internalError)
}

// duplicate finds out which of keys made a write fail with err, and returns
// its error; or err, if a duplicate key was not the reason. MongoDB names the
// index; others do not, and for them the documents that others matches are
// searched for each key. store.ErrUnavailable if a duplicate is gone by then:
// the write did not happen, and is worth repeating.
func (s *Store) duplicate(ctx context.Context, err error, c *driver.Collection, keys []uniqueKey, others bson.D) error {
	if !mayBeDuplicate(err) {
		return err
	}
	for _, k := range keys {
		if refusedBy(err, k.key[0].Key) {
			return k.taken
		}
	}
	for _, k := range keys {
		found, findErr := exists(ctx, c, append(k.key[:len(k.key):len(k.key)], others...), k.index())
		if findErr != nil {
			return findErr
		}
		if found {
			return k.taken
		}
	}
	if driver.IsDuplicateKeyError(err) {
		return errVanished
	}
	return err
}

// refusedUpsert returns nil if an upsert failed with err because the document with
// the _id that filter begins with exists and does not match filter; err if not.
func refusedUpsert(ctx context.Context, err error, c *driver.Collection, filter bson.D) error {
	if driver.IsDuplicateKeyError(err) {
		return nil
	}
	found, findErr := exists(ctx, c, filter[:1], nil)
	if findErr != nil {
		return findErr
	}
	matched, findErr := exists(ctx, c, filter, nil)
	if findErr != nil {
		return findErr
	}
	if found && !matched {
		return nil
	}
	return err
}

// exists reports whether a document matches filter.
func exists(ctx context.Context, c *driver.Collection, filter, hint bson.D) (bool, error) {
	err := c.FindOne(ctx, filter, hinted(hint)).Err()
	if errors.Is(err, driver.ErrNoDocuments) {
		return false, nil
	}
	return err == nil, err
}

// errVanished: the document whose key refused a write is no longer there.
var errVanished = errors.New("the document with the same key is gone again")

// refusedBy reports whether err names an index that begins with field.
// Source: MongoDB 4.4 and later, keyPattern in the write error.
func refusedBy(err error, field string) bool {
	var write driver.WriteException
	if !errors.As(err, &write) {
		return false
	}
	for _, e := range write.WriteErrors {
		pattern, ok := e.Raw.Lookup("keyPattern").DocumentOK()
		if !ok {
			continue
		}
		if first, err := pattern.IndexErr(0); err == nil && first.Key() == field {
			return true
		}
	}
	return false
}
