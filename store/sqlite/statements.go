package sqlite

import "strings"

// query names one of the statements that a Store prepares.
type query int

const (
	ping query = iota

	insertUser
	userByID
	userByEmail
	userByCustomer
	updateUser
	deleteUser
	countUsers
	listUsers
	listVisibleUsers
	listAdmins
	usersToSync

	insertPayment
	paymentByCUID
	paymentByIntent
	updatePayment
	listPayments
	paymentsToCheck
	listAllPayments
	countPayments

	acquireLease
	saveCursor
	releaseLease

	countAttempt
	uncountAttempt
	attemptsByKey
	attemptsByAccount
	attemptsBySite
	attemptsByAddress
	forgetAttempts
	pruneAttempts

	queryCount
)

// kind is what a statement does.
type kind int

const (
	reads kind = iota
	// scans reads a whole table or index, and ends with its context.
	scans
	writes
)

// userColumns are what scanUser reads, and paymentColumns what scanPayment reads.
var (
	userColumns = columns("id", "name", "email", "email_key", "password_hash", "customer_id", "customer_attempt",
		"created_by", "admin", "sync_at", "created_at", "updated_at", "version",
		"root_creator", "password_set_by", "session", "sync_failures")
	paymentColumns = columns("id", "user_id", "cuid", "amount", "currency", "intent_id", "customer_id",
		"status", "payment_method", "attempt", "confirm_attempt", "decline_code", "error_code",
		"check_at", "created_at", "updated_at", "version")
)

// columns makes a result of which little is to be told: for each query, the driver
// copies the name and the declared type of every column, and an expression has no
// such type. The first stays a plain column, which a list can be ordered by.
func columns(names ...string) string {
	return names[0] + ` AS "", +` + strings.Join(names[1:], ` AS "", +`) + ` AS ""`
}

// statements is every statement of the store. The plan of each is on an index,
// which a test asserts.
var statements = [queryCount]struct {
	kind kind
	text string
}{
	// Reads a page of the file, unlike SELECT 1.
	ping: {reads, `SELECT count(*) FROM users WHERE id = ''`},

	// ?1 to ?16 of insertUser and updateUser are userArgs, and the last parameter
	// is the version to store.
	insertUser: {writes, `
		INSERT INTO users (id, name, email, email_key, password_hash, customer_id,
			customer_attempt, created_by, admin, sync_at, created_at, updated_at,
			root_creator, password_set_by, session, sync_failures, version)
		VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, ''), ?7, nullif(?8, ''), ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)`},
	userByID:       {reads, `SELECT ` + userColumns + ` FROM users WHERE id = ?`},
	userByEmail:    {reads, `SELECT ` + userColumns + ` FROM users WHERE email_key = ?`},
	userByCustomer: {reads, `SELECT ` + userColumns + ` FROM users WHERE customer_id = ?`},
	updateUser: {writes, `
		UPDATE users SET name = ?2, email = ?3, email_key = ?4, password_hash = ?5,
			customer_id = nullif(?6, ''), customer_attempt = ?7, created_by = nullif(?8, ''),
			admin = ?9, sync_at = ?10, created_at = ?11, updated_at = ?12, root_creator = ?13,
			password_set_by = ?14, session = ?15, sync_failures = ?16, version = ?18
		WHERE id = ?1 AND version = ?17`},
	deleteUser: {writes, `DELETE FROM users WHERE id = ?1 AND version = ?2`},
	// Counts the entries of an index, which are a fraction of the rows' size.
	countUsers: {scans, `SELECT count(*) FROM users WHERE email_key >= ''`},
	listUsers:  {reads, `SELECT ` + userColumns + ` FROM users WHERE id > ? ORDER BY id LIMIT ?`},
	// Two ranges in the order of id, merged as they are read.
	listVisibleUsers: {reads, `
		SELECT ` + userColumns + ` FROM users WHERE id = ?1 AND id > ?2
		UNION ALL
		SELECT ` + userColumns + ` FROM users WHERE created_by = ?1 AND id > ?2 AND id <> ?1
		ORDER BY 1 LIMIT ?3`},
	listAdmins: {reads, `SELECT ` + userColumns + ` FROM users WHERE admin = 1 ORDER BY id LIMIT ?`},
	usersToSync: {reads, `
		SELECT ` + userColumns + ` FROM users WHERE sync_at <= ? ORDER BY sync_at, id LIMIT ?`},

	// ?1 to ?16 of insertPayment and updatePayment are paymentArgs, and the last
	// parameter is the version to store.
	insertPayment: {writes, `
		INSERT INTO payments (id, user_id, cuid, amount, currency, intent_id, customer_id,
			status, payment_method, attempt, confirm_attempt, decline_code, error_code,
			check_at, created_at, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, ''), ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)`},
	paymentByCUID:   {reads, `SELECT ` + paymentColumns + ` FROM payments WHERE user_id = ? AND cuid = ?`},
	paymentByIntent: {reads, `SELECT ` + paymentColumns + ` FROM payments WHERE intent_id = ?`},
	updatePayment: {writes, `
		UPDATE payments SET user_id = ?2, cuid = ?3, amount = ?4, currency = ?5,
			intent_id = nullif(?6, ''), customer_id = ?7, status = ?8, payment_method = ?9,
			attempt = ?10, confirm_attempt = ?11, decline_code = ?12, error_code = ?13,
			check_at = ?14, created_at = ?15, updated_at = ?16, version = ?18
		WHERE id = ?1 AND version = ?17`},
	// The second parameter is afterAllIDs for the first page. Few payments lack an
	// intent, so they are passed over, not indexed; the + keeps SQLite from reading
	// every payment in the index of those that have one, when statistics tempt it.
	listPayments: {reads, `
		SELECT ` + paymentColumns + ` FROM payments
		WHERE user_id = ? AND id < ? AND +intent_id IS NOT NULL
		ORDER BY id DESC LIMIT ?`},
	paymentsToCheck: {reads, `
		SELECT ` + paymentColumns + ` FROM payments WHERE check_at <= ? ORDER BY check_at, id LIMIT ?`},
	listAllPayments: {reads, `SELECT ` + paymentColumns + ` FROM payments WHERE id > ? ORDER BY id LIMIT ?`},
	countPayments:   {scans, `SELECT count(*) FROM payments WHERE user_id >= ''`},

	// No row comes back while another holds the lease.
	acquireLease: {writes, `
		INSERT INTO leases (name, holder, until, cursor) VALUES (?1, ?2, ?4, '')
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE holder IS NULL OR holder = excluded.holder OR until <= ?3
		RETURNING cursor`},
	saveCursor:   {writes, `UPDATE leases SET cursor = ?3 WHERE name = ?1 AND holder = ?2`},
	releaseLease: {writes, `UPDATE leases SET holder = NULL WHERE name = ?1 AND holder = ?2`},

	// No row changes once the count has reached ?6.
	countAttempt: {writes, `
		INSERT INTO attempts (key, account, site, address, expires, count)
		VALUES (?1, nullif(?2, ''), nullif(?3, ''), nullif(?4, ''), ?5, 1)
		ON CONFLICT (key) DO UPDATE SET count = count + 1 WHERE count < ?6`},
	uncountAttempt:    {writes, `UPDATE attempts SET count = count - 1 WHERE key = ?1 AND count > 0`},
	attemptsByKey:     {reads, `SELECT count FROM attempts WHERE key = ?`},
	attemptsByAccount: {reads, `SELECT 1 FROM attempts WHERE account = ? LIMIT ?`},
	attemptsBySite:    {reads, `SELECT 1 FROM attempts WHERE account = ? AND site = ? LIMIT ?`},
	attemptsByAddress: {reads, `SELECT 1 FROM attempts WHERE address = ? LIMIT ?`},
	forgetAttempts:    {writes, `DELETE FROM attempts WHERE key = ?1`},
	pruneAttempts: {writes, `
		DELETE FROM attempts WHERE key IN
			(SELECT key FROM attempts WHERE expires <= ?1 ORDER BY expires LIMIT ?2)`},
}
