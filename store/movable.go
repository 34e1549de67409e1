package store

import (
	"context"
	"iter"
)

// Movable is a Store whose documents can be moved to another as they are. Its
// writes pass over what a server relies on, that a version counts the writes of
// one document in one place: they are for a database that no server uses.
type Movable interface {
	Store

	// Size returns how many documents there are. MongoDB may be off after it
	// was killed, so this is for showing and not for proving.
	Size(ctx context.Context) (Size, error)
	// AllUsers yields all users in ascending order of ID, limit at a time, which is
	// 1 to MaxPage. It ends with the first error. Users that are added while it runs
	// may be missing.
	AllUsers(ctx context.Context, limit int) iter.Seq2[[]*User, error]
	// AllPayments yields the payments of all users like AllUsers, those without an
	// IntentID too.
	AllPayments(ctx context.Context, limit int) iter.Seq2[[]*Payment, error]

	// MoveUsers adds users that have an ID, with the Version that they have;
	// MaxPage at most. After an error some of them may be there.
	// ErrEmailTaken, also for an ID that is there; ErrCustomerTaken.
	MoveUsers(ctx context.Context, users []*User) error
	// MovePayments adds payments like MoveUsers. ErrPaymentExists.
	MovePayments(ctx context.Context, payments []*Payment) error
	// ReplaceUser replaces the user, its Version included, if the stored
	// version is version. ErrStale, ErrEmailTaken, ErrCustomerTaken.
	ReplaceUser(ctx context.Context, u *User, version int64) error
	// ReplacePayment replaces the payment, its Version included, if the stored
	// version is version. ErrStale, ErrPaymentExists.
	ReplacePayment(ctx context.Context, p *Payment, version int64) error
}

// Size is how many documents a store has.
type Size struct{ Users, Payments int64 }
