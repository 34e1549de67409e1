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

// internalError is what FerretDB v1 answers to an update that a unique index
// refuses; MongoDB answers as to an insert.
const internalError = 1

// duplicate finds out which of keys made a write fail with err, and returns
// its error; or err, if a duplicate key was not the reason. MongoDB names the
// index; others do not, and for them the documents that others matches are
// searched for each key. store.ErrUnavailable if a duplicate is gone by then:
// the write did not happen, and is worth repeating.
func (s *Store) duplicate(ctx context.Context, err error, c *driver.Collection, keys []uniqueKey, others bson.D) error {
	if command := (driver.CommandError{}); !driver.IsDuplicateKeyError(err) && !(errors.As(err, &command) && command.Code == internalError) {
		return err
	}
	for _, k := range keys {
		if refusedBy(err, k.key[0].Key) {
			return k.taken
		}
	}
	for _, k := range keys {
		switch findErr := c.FindOne(ctx, append(k.key[:len(k.key):len(k.key)], others...)).Err(); {
		case findErr == nil:
			return k.taken
		case !errors.Is(findErr, driver.ErrNoDocuments):
			return findErr
		}
	}
	return errVanished
}

// errVanished: the document whose key refused a write is no longer there.
var errVanished = errors.New("the document with the same key is gone again")

// refusedBy tells whether err names an index that begins with field.
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
