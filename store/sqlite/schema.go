package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"
)

const (
	// applicationID marks our files: "NEST" in ASCII.
	applicationID = 0x4e455354
	// schemaVersion is the version that all of migrations make.
	schemaVersion = len(migrations)
)

// migrations lead from each version of the schema to the next, from an empty
// file on. One that has been released is never changed.
var migrations = [...]string{
	usersPaymentsLeases,
	attempts,
	paymentsOfOneUserTogether,
	creatorsAndSessions,
}

const usersPaymentsLeases = `
CREATE TABLE users (
	id               TEXT    NOT NULL PRIMARY KEY,
	name             TEXT    NOT NULL,
	email            TEXT    NOT NULL,
	email_key        TEXT    NOT NULL,
	password_hash    TEXT    NOT NULL,
	customer_id      TEXT,
	customer_attempt INTEGER NOT NULL,
	created_by       TEXT,
	admin            INTEGER NOT NULL,
	sync_at          INTEGER,
	created_at       INTEGER NOT NULL,
	updated_at       INTEGER NOT NULL,
	version          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX users_email    ON users (email_key);
CREATE UNIQUE INDEX users_customer ON users (customer_id)    WHERE customer_id IS NOT NULL;
CREATE        INDEX users_creator  ON users (created_by, id) WHERE created_by IS NOT NULL;
CREATE        INDEX users_sync     ON users (sync_at, id)    WHERE sync_at IS NOT NULL;
CREATE        INDEX users_admin    ON users (admin, id)      WHERE admin = 1;

CREATE TABLE payments (
	id              TEXT    NOT NULL PRIMARY KEY,
	user_id         TEXT    NOT NULL,
	cuid            TEXT    NOT NULL,
	amount          INTEGER NOT NULL,
	currency        TEXT    NOT NULL,
	intent_id       TEXT,
	customer_id     TEXT    NOT NULL,
	status          TEXT    NOT NULL,
	payment_method  TEXT    NOT NULL,
	attempt         INTEGER NOT NULL,
	confirm_attempt INTEGER NOT NULL,
	decline_code    TEXT    NOT NULL,
	error_code      TEXT    NOT NULL,
	check_at        INTEGER,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	version         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX payments_cuid   ON payments (user_id, cuid);
CREATE UNIQUE INDEX payments_intent ON payments (intent_id)    WHERE intent_id IS NOT NULL;
CREATE        INDEX payments_page   ON payments (user_id, id)  WHERE intent_id IS NOT NULL;
CREATE        INDEX payments_check  ON payments (check_at, id) WHERE check_at IS NOT NULL;

-- holder is NULL after a release.
CREATE TABLE leases (
	name   TEXT    NOT NULL PRIMARY KEY,
	holder TEXT,
	until  INTEGER NOT NULL,
	cursor TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
`

const attempts = `
CREATE TABLE attempts (
	key     TEXT    NOT NULL PRIMARY KEY,
	account TEXT,
	site    TEXT,
	address TEXT,
	expires INTEGER NOT NULL,
	count   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_account ON attempts (account, site) WHERE account IS NOT NULL;
CREATE INDEX attempts_address ON attempts (address)       WHERE address IS NOT NULL;
CREATE INDEX attempts_expires ON attempts (expires);
`

// paymentsOfOneUserTogether clusters payments by user instead of by id, so that a
// page of a user's payments lies in one piece, however many others have been made
// between them: one row to a page of the file costs three times as much to read.
const paymentsOfOneUserTogether = `
ALTER TABLE payments RENAME TO payments_by_id;

CREATE TABLE payments (
	id              TEXT    NOT NULL,
	user_id         TEXT    NOT NULL,
	cuid            TEXT    NOT NULL,
	amount          INTEGER NOT NULL,
	currency        TEXT    NOT NULL,
	intent_id       TEXT,
	customer_id     TEXT    NOT NULL,
	status          TEXT    NOT NULL,
	payment_method  TEXT    NOT NULL,
	attempt         INTEGER NOT NULL,
	confirm_attempt INTEGER NOT NULL,
	decline_code    TEXT    NOT NULL,
	error_code      TEXT    NOT NULL,
	check_at        INTEGER,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	version         INTEGER NOT NULL,
	PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO payments SELECT * FROM payments_by_id ORDER BY user_id, id;
DROP TABLE payments_by_id;

CREATE UNIQUE INDEX payments_id     ON payments (id);
CREATE UNIQUE INDEX payments_cuid   ON payments (user_id, cuid);
CREATE UNIQUE INDEX payments_intent ON payments (intent_id)    WHERE intent_id IS NOT NULL;
CREATE        INDEX payments_check  ON payments (check_at, id) WHERE check_at IS NOT NULL;
`

// Users who were created before this version have the password of their creator,
// as far as anybody knows, and no recorded root.
const creatorsAndSessions = `
ALTER TABLE users ADD COLUMN root_creator    TEXT    NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN password_set_by TEXT    NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN session         INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN sync_failures   INTEGER NOT NULL DEFAULT 0;
UPDATE users SET password_set_by = created_by WHERE created_by IS NOT NULL;
`

// rower is a *sql.DB or a *sql.Tx.
type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// checkIdentity reads what the file says of itself and refuses one that is not
// ours or is of a later schema. An empty file has version 0.
func checkIdentity(ctx context.Context, db rower) (version int, err error) {
	var id, objects int
	// One statement sees one state, while another process makes the schema.
	const identity = `
		SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`
	if err := db.QueryRowContext(ctx, identity).Scan(&id, &version, &objects); err != nil {
		return 0, err
	}
	switch {
	case id == 0 && version == 0 && objects == 0:
		return 0, nil
	case id != applicationID:
		return 0, errNotOurs
	case version > schemaVersion:
		return 0, fmt.Errorf("the file has schema version %d and this program knows %d: run the newer program that wrote it, or restore an older file",
			version, schemaVersion)
	}
	return version, nil
}

// migrate brings the file to today's schema, an empty one too. It writes in any
// case, so that a file that cannot be written is found out now and not by the
// first request. It logs the migration of a file that is not empty.
func migrate(ctx context.Context, writer *sql.DB, log *slog.Logger) error {
	tx, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// Again, now that no other process can change it.
	version, err := checkIdentity(ctx, tx)
	if err != nil {
		return err
	}
	changes := version > 0 && version < schemaVersion
	versions := []slog.Attr{slog.Int("from", version), slog.Int("to", schemaVersion)}
	began := time.Now()
	if changes {
		log.LogAttrs(ctx, slog.LevelInfo, "bringing the database file to a new schema", versions...)
	}
	for _, step := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, schemaVersion)
	if _, err := tx.ExecContext(ctx, mark); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if changes {
		log.LogAttrs(ctx, slog.LevelInfo, "the database file has the new schema", append(versions, slog.Int64("durationMs", time.Since(began).Milliseconds()))...)
	}
	return nil
}
