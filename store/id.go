package store

import (
	"time"

	"go.mongodb.org/mongo-driver/bson/primitive"
)

// NewID returns a new MongoDB ObjectID made at t, as 24 lower-case hexadecimal
// digits. IDs sort by second of creation, and within a second by order of
// creation in one process.
// Source: https://www.mongodb.com/docs/manual/reference/bson-types/#objectid
func NewID(t time.Time) string {
	return primitive.NewObjectIDFromTimestamp(t).Hex()
}
