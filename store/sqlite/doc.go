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
// The connection that writes belongs to database/sql, whose costs are nothing
// beside a sync of the disk. Those that read are used without it: see readers.
//
// # Durability
//
// synchronous=FULL: a write that was acknowledged has been synced to disk. One
// sync is most of the cost of a write.
//
// # Layout
//
// Tables are STRICT, and clustered by what they are listed by (WITHOUT ROWID):
// users by id, payments by user and id. So a page of a list is read in one piece,
// and costs the same with a million other rows in the file. Values that are unique
// or sought only when present (customer, intent, due times, creator, admin, whose
// attempt) are NULL when absent, and their indexes partial: they hold those rows
// alone. Times are milliseconds since 1970.
//
// # Memory
//
// Each connection caches 2 MB of the file, SQLite's default, and leaves the rest to
// the operating system: a page that it has in memory is read in a microsecond. The
// file is not mapped into the process (mmap_size): that spares a read some three
// microseconds, but makes the resident memory of the process as large as its
// database, and a fault of the disk its end instead of an error.
//
// # Versions
//
// The file says whose it is (application_id) and which schema it has
// (user_version). Open brings an earlier schema up to date in one transaction.
// It refuses another program's database and one of a later schema, and leaves
// both as they are.
package sqlite
