package store

import "time"

// Payment is what a client creates under a cuid and confirms with a payment
// method. Its truth is Stripe's payment intent, of which it is the local copy.
type Payment struct {
	// ID is ours and internal: an ObjectID, 24 lower-case hexadecimal digits.
	// Payments sort by it in order of creation.
	ID string
	// UserID owns the payment. (UserID, CUID) is unique.
	UserID string
	// CUID is the client's idempotency key, 1 to 128 of [A-Za-z0-9_-].
	// Payments that were made elsewhere have "stripe:" and the intent id.
	CUID string
	// Amount is in the smallest unit of Currency. Both are fixed when the
	// payment is first created.
	Amount int64
	// Currency is an ISO 4217 code in lower case.
	Currency string
	// IntentID is Stripe's payment intent, unique; empty until it is made.
	IntentID string
	// CustomerID is the Stripe customer that the intent is charged to.
	CustomerID string
	// Status is Stripe's own intent status; empty while IntentID is.
	Status string
	// PaymentMethod is the intent's payment method; empty while it has none.
	PaymentMethod string
	// Attempt counts the tries to create the intent that Stripe has failed for
	// good; it is part of the idempotency key of the creation.
	Attempt int
	// ConfirmAttempt counts the confirmations that came to an end; it is part
	// of the idempotency key of the confirmation.
	ConfirmAttempt int
	// DeclineCode and ErrorCode are Stripe's words for the last decline, empty
	// if there was none.
	DeclineCode, ErrorCode string
	// CheckAt is when the reconciler is next due to ask Stripe about this
	// payment; zero once its status is final.
	CheckAt time.Time
	// CreatedAt and UpdatedAt are in UTC, to the millisecond.
	CreatedAt, UpdatedAt time.Time
	// Version counts the writes, from 1.
	Version int64
}
