// Package mongo is the store.Store over the MongoDB wire protocol, for many
// replicas of the server.
//
// # What it asks of the database
//
// Atomic writes to one document and unique indexes: no transaction, no
// server-side expression, no partial or TTL index. So it runs on a standalone,
// a replica set, a sharded cluster, or a compatible service. A replica set of
// three is the smallest that loses nothing with a machine.
//
// # Durability and reads
//
// Writes are acknowledged by a majority, from the journal. Reads go to the
// primary with read concern local, so a caller who was told that a payment
// exists also finds it: with majority, the row that refused an insert could
// not yet be seen. A row that was read so and then rolled back is harmless, as
// every later write to it is conditional on its version.
//
// Writes are retried once by the driver where the server can tell a repetition
// (replica sets and sharded clusters). The settings of the URI win over all of
// these.
//
// # Absent, never empty
//
// A field that a sparse index covers is left out of the document while it is
// empty: null and "" are values, and a unique index would let only one
// document have them.
//
// # Rolling upgrades
//
// An update sets and unsets the fields that this program knows, and leaves others
// alone, so two versions can run on one database. Releases up to 1.2.0 replace whole
// documents: while one of them runs, its updates erase the fields added since.
//
// # Plans
//
// A query is served by one index and names it. Planners differ, and so do the
// statistics that they estimate with; the right index never depends on them. An index
// that Open made must therefore not be dropped or hidden while a server runs.
//
// # Errors
//
// A server's messages quote key values and whole commands, and a URI holds a
// password; so errors carry the operation and the server's code, nothing of
// either text.
//
// # Sharding
//
// A unique index of a sharded collection must begin with its shard key, which
// decides what can be spread over shards.
//
// payments would be sharded by {userId: 1}. The unique {userId, cuid}, which
// keeps a retried request from paying twice, begins with it and stays unique
// over all shards. intentId does not. users would be sharded by a hashed _id;
// neither emailKey nor customerId begins with that.
//
// Uniqueness is a promise of store.Store, so none of the three indexes is
// given up: Open fails on a collection that was sharded so, and users,
// payments and leases each stay whole on one shard. attempts has no such index
// and may be sharded by a hashed _id. Different collections may
// be on different shards (moveCollection, MongoDB 8.0). A user takes under
// 1 KiB and a payment about as much, so one shard holds hundreds of millions.
// To spread payments further, the uniqueness of intentId has to move into a
// collection of its own with the intent as _id and its shard key, written
// before the payment; so have emailKey and customerId for users.
package mongo
