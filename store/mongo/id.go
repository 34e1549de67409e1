package mongo

import (
	"errors"

	"go.mongodb.org/mongo-driver/bson/primitive"
)

var errID = errors.New("an id is not 24 lower-case hexadecimal digits")

// parseID takes exactly what store.NewID returns, so that no document has two
// ids.
func parseID(id string) (primitive.ObjectID, error) {
	oid, err := primitive.ObjectIDFromHex(id)
	if err != nil || oid.Hex() != id {
		return primitive.NilObjectID, errID
	}
	return oid, nil
}
