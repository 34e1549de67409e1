package stripeclient

import (
	"regexp"
	"time"
)

// Statuses of a payment intent, as Stripe spells them.
// Source: https://docs.stripe.com/payments/paymentintents/lifecycle
const (
	StatusRequiresPaymentMethod = "requires_payment_method"
	StatusRequiresConfirmation  = "requires_confirmation"
	StatusRequiresAction        = "requires_action"
	StatusProcessing            = "processing"
	StatusRequiresCapture       = "requires_capture"
	StatusCanceled              = "canceled"
	StatusSucceeded             = "succeeded"
)

// StatusUnknown stands for a status that Stripe cannot have: no lower-case word.
const StatusUnknown = "unknown"

// Customer is a Stripe customer.
type Customer struct {
	ID    string
	Email string `json:"-"`
	Name  string `json:"-"`
	// UserID is metadata.userId, empty for customers that were made elsewhere.
	UserID string
	// Deleted customers can be read and no longer charged.
	Deleted bool
}

// CustomerParams are what we tell Stripe about a user.
type CustomerParams struct {
	Email  string `json:"-"`
	Name   string `json:"-"`
	UserID string
}

// Intent is a payment intent.
type Intent struct {
	ID string
	// Amount is in the smallest unit of Currency.
	Amount   int64
	Currency string
	// Status is one of the Status constants, or one that Stripe adds later.
	Status        string
	CustomerID    string
	PaymentMethod string
	// ClientSecret is for the paying client alone: never store or log it. It is
	// empty if Stripe's answer contains no secret that a client could use.
	ClientSecret string `json:"-"`
	// PaymentID, UserID and CUID are our payment, from the metadata. They are
	// empty for intents that were made elsewhere.
	PaymentID, UserID, CUID string
	Created                 time.Time
	// LastError is the last failed attempt to pay, nil if there was none.
	LastError *Decline
	// Replayed is true when this is the saved answer to an earlier call with
	// the same idempotency key; it may be out of date.
	Replayed bool
}

// ErrNoSecret is for a payment whose intent came without its client secret.
var ErrNoSecret = &Error{Kind: KindUnknown, Op: "read client secret", cause: errUnreadable}

// maxAmount is the largest amount that Stripe charges in any currency.
// Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
const maxAmount = 999_999_999_999

var currencyShape = regexp.MustCompile(`^[a-z]{3}$`)

// HasPrice reports whether amount and currency are such as a payment can have.
func (in *Intent) HasPrice() bool {
	return in.Amount >= 0 && in.Amount <= maxAmount && currencyShape.MatchString(in.Currency)
}

// Decline is why a payment method was refused.
// Source: https://docs.stripe.com/declines/codes
type Decline struct {
	// Code is Stripe's error code, such as card_declined or expired_card.
	Code string
	// DeclineCode is the issuer's reason, such as insufficient_funds; may be
	// empty.
	DeclineCode string
}

// IntentParams are what a new payment intent is made of.
type IntentParams struct {
	Amount     int64
	Currency   string
	CustomerID string
	// PaymentID, UserID and CUID go into the metadata.
	PaymentID, UserID, CUID string
}

// Event says that something about an object changed. It names the object and
// no more: fetch its state, since events come late, twice and out of order.
type Event struct {
	// ID, Type and Object, the type of the object, are empty if Stripe's are
	// missing or no ids and names.
	ID, Type string
	Created  time.Time
	Object   string
	// ObjectID is the object's id: for an event of a payment intent always one of
	// a payment intent, or empty.
	ObjectID string
	// Origin says whose the payment intent was when the event was made.
	Origin Origin
}

// Origin says whose a payment intent is: its customer, empty for an intent without one,
// and our payment in its metadata, which others may have written.
type Origin struct {
	// Known is false if the event does not say.
	Known                   bool
	CustomerID              string
	PaymentID, UserID, CUID string
}
