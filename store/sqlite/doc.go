// Package sqlite keeps a store.Store in one SQLite file, for one machine. It
// uses modernc.org/sqlite, which needs no C compiler.
//
// # Connections
//
// SQLite has one writer at a time, so the store has one connection that
// writes, and callers queue for it in the process, where a context can end the
// wait, instead of for the file's lock. A few connections that can only read
// beside it see the last commit and wait for nobody (WAL). Every statement is
// prepared on every connection by Open; no request parses SQL. Other processes
// may have the same file open on the same machine: they take turns by SQLite's
// locks, 5 seconds of waiting at most.
//
// # Durability
//
// synchronous=FULL: a write that was acknowledged has been synced to disk. One
// sync is most of the cost of a write.
//
// # Layout
//
// Tables are STRICT, and clustered by id (WITHOUT ROWID), so that pages in the
// order of ids are read in one piece. Values that are unique or sought only
// when present (customer, intent, due times, creator, admin, whose attempt) are
// NULL when absent, and their indexes partial: they hold those rows alone. Times
// are milliseconds since 1970.
//
// # Versions
//
// The file says whose it is (application_id) and which schema it has
// (user_version). Open brings an earlier schema up to date in one transaction.
// It refuses another program's database and one of a later schema, and leaves
// both as they are.
package sqlite
