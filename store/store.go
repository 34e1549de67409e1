package store

import (
	"context"
	"errors"
	"time"
)

// The errors of every Store. Implementations wrap them with the operation;
// test with errors.Is.
var (
	// ErrNotFound: no document has that key.
	ErrNotFound = errors.New("not found")
	// ErrStale: the document changed, or went away, since it was read.
	ErrStale = errors.New("changed since it was read")
	// ErrEmailTaken: another user has the same EmailKey.
	ErrEmailTaken = errors.New("email taken")
	// ErrCustomerTaken: another user has the same CustomerID.
	ErrCustomerTaken = errors.New("customer taken")
	// ErrPaymentExists: a payment with the same (UserID, CUID) or the same
	// IntentID exists.
	ErrPaymentExists = errors.New("payment exists")
	// ErrUnavailable: the database cannot be reached or did not answer in
	// time.
	ErrUnavailable = errors.New("database unavailable")
)

// MaxPage is the largest number of documents that one list call returns.
const MaxPage = 1000

// Store keeps users, payments, leases and counts of attempts. It is safe for
// concurrent use. Any method may return ErrUnavailable or the context's error
// beside those that its comment names; after either, a write may have happened.
type Store interface {
	// InsertUser adds u, whose ID comes from NewID, with Version 1.
	// ErrEmailTaken, ErrCustomerTaken.
	InsertUser(ctx context.Context, u *User) error
	// User finds by id. ErrNotFound.
	User(ctx context.Context, id string) (*User, error)
	// UserByEmail finds by EmailKey. ErrNotFound.
	UserByEmail(ctx context.Context, emailKey string) (*User, error)
	// UserByCustomer finds by CustomerID, which must not be empty. ErrNotFound.
	UserByCustomer(ctx context.Context, customerID string) (*User, error)
	// UpdateUser replaces the user if the stored version is u.Version, and
	// then increments u.Version. ErrStale, ErrEmailTaken, ErrCustomerTaken.
	UpdateUser(ctx context.Context, u *User) error
	// DeleteUser removes the user if the stored version is u.Version. Payments
	// stay. ErrStale.
	DeleteUser(ctx context.Context, u *User) error
	// ListUsers returns a page in ascending order of ID.
	ListUsers(ctx context.Context, q UserQuery) ([]*User, error)
	// ListAdmins returns the users with Admin set, in ascending order of ID,
	// MaxPage at most.
	ListAdmins(ctx context.Context) ([]*User, error)
	// UsersToSync returns users whose SyncAt is set and not after now, oldest
	// first, limit at most.
	UsersToSync(ctx context.Context, now time.Time, limit int) ([]*User, error)

	// InsertPayment adds p, whose ID comes from NewID, with Version 1.
	// ErrPaymentExists.
	InsertPayment(ctx context.Context, p *Payment) error
	// PaymentByCUID finds a user's payment by the client's key. ErrNotFound.
	PaymentByCUID(ctx context.Context, userID, cuid string) (*Payment, error)
	// PaymentByIntent finds by IntentID, which must not be empty. ErrNotFound.
	PaymentByIntent(ctx context.Context, intentID string) (*Payment, error)
	// UpdatePayment replaces the payment if the stored version is p.Version,
	// and then increments p.Version. ErrStale, ErrPaymentExists (IntentID).
	UpdatePayment(ctx context.Context, p *Payment) error
	// ListPayments returns a page of a user's payments that have an IntentID,
	// in descending order of ID: newest first.
	ListPayments(ctx context.Context, q PaymentQuery) ([]*Payment, error)
	// PaymentsToCheck returns payments whose CheckAt is set and not after now,
	// oldest first, limit at most.
	PaymentsToCheck(ctx context.Context, now time.Time, limit int) ([]*Payment, error)

	// AcquireLease takes or renews the named lease for holder until now+ttl.
	// It succeeds if the lease is free, has expired by now, or is holder's
	// already; ok is false while another holds it. The lease carries the
	// cursor that SaveCursor left, "" at first.
	AcquireLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (cursor string, ok bool, err error)
	// SaveCursor stores the cursor if holder has the lease. ErrStale if not.
	SaveCursor(ctx context.Context, name, holder, cursor string) error
	// ReleaseLease gives the lease up and keeps its cursor. It is no error if
	// holder does not have it.
	ReleaseLease(ctx context.Context, name, holder string) error

	// CountAttempt adds one to the count of a.Key if that is below limit, which
	// is at least 1, and tells whether it did: of any number of calls at once,
	// exactly as many are ok as there was room for. The first of a key stores
	// what else a says.
	CountAttempt(ctx context.Context, a Attempt, limit int) (ok bool, err error)
	// UncountAttempt takes one from the count of a key, unless that is 0. It is no
	// error if the key does not exist.
	UncountAttempt(ctx context.Context, key string) error
	// Attempts returns the count of a key, 0 for one that has none.
	Attempts(ctx context.Context, key string) (int, error)
	// AttemptKeys returns how many keys the query finds, its Limit at most.
	AttemptKeys(ctx context.Context, q AttemptQuery) (int, error)
	// ForgetAttempts removes the key and its count. It is no error if there is
	// none.
	ForgetAttempts(ctx context.Context, key string) error
	// PruneAttempts removes keys that expire at now or before, the oldest
	// first, limit at most, and returns how many it has removed.
	PruneAttempts(ctx context.Context, now time.Time, limit int) (int, error)

	// Ping tells whether the database answers.
	Ping(ctx context.Context) error
	// Close releases everything. Calling it twice is harmless.
	Close() error
}

// UserQuery asks for one page of users.
type UserQuery struct {
	// VisibleTo limits the page to this user and those whose CreatedBy it is.
	// Empty: every user.
	VisibleTo string
	// After is the ID that the page starts behind. Empty: the first page.
	After string
	// Limit is the largest number of users, 1 to MaxPage.
	Limit int
}

// PaymentQuery asks for one page of a user's payments.
type PaymentQuery struct {
	UserID string
	// Before is the ID that the page starts behind, going backwards in time.
	// Empty: the first page.
	Before string
	// Limit is the largest number of payments, 1 to MaxPage.
	Limit int
}
