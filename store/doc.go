// Package store holds the domain types, User and Payment, and the Store
// interface that keeps them. It imports nothing of ours.
//
// # Two implementations
//
// store/sqlite keeps everything in one file, for one machine; store/mongo
// speaks the MongoDB wire protocol, for many. storetest is the conformance
// suite that both pass. Both are Movable: their documents can be copied from one to the
// other.
//
// # Atomicity
//
// Every write touches one document, so no transaction is needed. A changed
// document is written only if its Version is still the one that was read: a lost
// race is ErrStale, and the caller reads again. Fields that a newer program has
// added are kept. Uniqueness is the database's, never a check before an insert.
//
// # Time
//
// The caller passes every time, in UTC; stores keep milliseconds. Two replicas
// whose clocks differ may hold a lease at once for as long as they differ,
// which is why the work under a lease must be harmless when done twice.
package store
