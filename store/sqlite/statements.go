package sqlite

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
	attemptsByKey
	attemptsByAccount
	attemptsBySite
	attemptsByAddress
	forgetAttempts
	pruneAttempts

	queryCount
)

// userColumns are what scanUser reads.
const userColumns = `id, name, email, email_key, password_hash, ifnull(customer_id, ''),
	customer_attempt, ifnull(created_by, ''), admin, sync_at, created_at, updated_at, version`

// paymentColumns are what scanPayment reads.
const paymentColumns = `id, user_id, cuid, amount, currency, ifnull(intent_id, ''), customer_id,
	status, payment_method, attempt, confirm_attempt, decline_code, error_code,
	check_at, created_at, updated_at, version`

// statements is every statement of the store and whether it writes. The plan
// of each is on an index, which a test asserts.
var statements = [queryCount]struct {
	writes bool
	text   string
}{
	// Reads a page of the file, unlike SELECT 1.
	ping: {false, `SELECT count(*) FROM users WHERE id = ''`},

	// ?1 to ?12 of insertUser and updateUser are userArgs, and the last parameter
	// is the version to store.
	insertUser: {true, `
		INSERT INTO users (id, name, email, email_key, password_hash, customer_id,
			customer_attempt, created_by, admin, sync_at, created_at, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, ''), ?7, nullif(?8, ''), ?9, ?10, ?11, ?12, ?13)`},
	userByID:       {false, `SELECT ` + userColumns + ` FROM users WHERE id = ?1`},
	userByEmail:    {false, `SELECT ` + userColumns + ` FROM users WHERE email_key = ?1`},
	userByCustomer: {false, `SELECT ` + userColumns + ` FROM users WHERE customer_id = ?1`},
	updateUser: {true, `
		UPDATE users SET name = ?2, email = ?3, email_key = ?4, password_hash = ?5,
			customer_id = nullif(?6, ''), customer_attempt = ?7, created_by = nullif(?8, ''),
			admin = ?9, sync_at = ?10, created_at = ?11, updated_at = ?12, version = ?14
		WHERE id = ?1 AND version = ?13`},
	deleteUser: {true, `DELETE FROM users WHERE id = ?1`},
	// Counts the entries of an index, which are a fraction of the rows' size.
	countUsers: {false, `SELECT count(*) FROM users WHERE email_key >= ''`},
	listUsers:  {false, `SELECT ` + userColumns + ` FROM users WHERE id > ?1 ORDER BY id LIMIT ?2`},
	// Two ranges in the order of id, merged as they are read.
	listVisibleUsers: {false, `
		SELECT ` + userColumns + ` FROM users WHERE id = ?1 AND id > ?2
		UNION ALL
		SELECT ` + userColumns + ` FROM users WHERE created_by = ?1 AND id > ?2 AND id <> ?1
		ORDER BY id LIMIT ?3`},
	listAdmins: {false, `SELECT ` + userColumns + ` FROM users WHERE admin = 1 ORDER BY id LIMIT ?1`},
	usersToSync: {false, `
		SELECT ` + userColumns + ` FROM users WHERE sync_at <= ?1 ORDER BY sync_at, id LIMIT ?2`},

	// ?1 to ?16 of insertPayment and updatePayment are paymentArgs, and the last
	// parameter is the version to store.
	insertPayment: {true, `
		INSERT INTO payments (id, user_id, cuid, amount, currency, intent_id, customer_id,
			status, payment_method, attempt, confirm_attempt, decline_code, error_code,
			check_at, created_at, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, ''), ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)`},
	paymentByCUID:   {false, `SELECT ` + paymentColumns + ` FROM payments WHERE user_id = ?1 AND cuid = ?2`},
	paymentByIntent: {false, `SELECT ` + paymentColumns + ` FROM payments WHERE intent_id = ?1`},
	updatePayment: {true, `
		UPDATE payments SET user_id = ?2, cuid = ?3, amount = ?4, currency = ?5,
			intent_id = nullif(?6, ''), customer_id = ?7, status = ?8, payment_method = ?9,
			attempt = ?10, confirm_attempt = ?11, decline_code = ?12, error_code = ?13,
			check_at = ?14, created_at = ?15, updated_at = ?16, version = ?18
		WHERE id = ?1 AND version = ?17`},
	// ?2 is afterAllIDs for the first page.
	listPayments: {false, `
		SELECT ` + paymentColumns + ` FROM payments
		WHERE user_id = ?1 AND intent_id IS NOT NULL AND id < ?2
		ORDER BY id DESC LIMIT ?3`},
	paymentsToCheck: {false, `
		SELECT ` + paymentColumns + ` FROM payments WHERE check_at <= ?1 ORDER BY check_at, id LIMIT ?2`},
	listAllPayments: {false, `SELECT ` + paymentColumns + ` FROM payments WHERE id > ?1 ORDER BY id LIMIT ?2`},
	countPayments:   {false, `SELECT count(*) FROM payments WHERE user_id >= ''`},

	// No row comes back while another holds the lease.
	acquireLease: {true, `
		INSERT INTO leases (name, holder, until, cursor) VALUES (?1, ?2, ?4, '')
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE holder IS NULL OR holder = excluded.holder OR until <= ?3
		RETURNING cursor`},
	saveCursor:   {true, `UPDATE leases SET cursor = ?3 WHERE name = ?1 AND holder = ?2`},
	releaseLease: {true, `UPDATE leases SET holder = NULL WHERE name = ?1 AND holder = ?2`},

	// No row changes once the count has reached ?6.
	countAttempt: {true, `
		INSERT INTO attempts (key, account, site, address, expires, count)
		VALUES (?1, nullif(?2, ''), nullif(?3, ''), nullif(?4, ''), ?5, 1)
		ON CONFLICT (key) DO UPDATE SET count = count + 1 WHERE count < ?6`},
	attemptsByKey:     {false, `SELECT count FROM attempts WHERE key = ?1`},
	attemptsByAccount: {false, `SELECT 1 FROM attempts WHERE account = ?1 LIMIT ?2`},
	attemptsBySite:    {false, `SELECT 1 FROM attempts WHERE account = ?1 AND site = ?2 LIMIT ?3`},
	attemptsByAddress: {false, `SELECT 1 FROM attempts WHERE address = ?1 LIMIT ?2`},
	forgetAttempts:    {true, `DELETE FROM attempts WHERE key = ?1`},
	pruneAttempts: {true, `
		DELETE FROM attempts WHERE key IN
			(SELECT key FROM attempts WHERE expires <= ?1 ORDER BY expires LIMIT ?2)`},
}
