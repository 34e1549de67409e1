// Package mongotest gives tests a MongoDB-compatible database: FerretDB in the test
// process, or an empty database on the server that TEST_MONGODB_URI names. It is
// imported by tests only.
//
// # What it is not
//
// FerretDB v1 on SQLite is here for behaviour, not for speed: it scans
// for whatever it is asked, a plain _id too, and it has no transactions, TTL or partial
// indexes. It also reads and writes in two steps where MongoDB changes a
// document in one. The server therefore stands behind a gate that lets one
// command through at a time, so that a conditional update is as atomic as it
// is on MongoDB.
//
// # Where it keeps things
//
// State is in the test's temporary directory, the listeners are on loopback,
// and nothing is logged or reported anywhere.
package mongotest
