package payments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// The rules that a request can break. Beside them the methods of Service return
// errors of the store and *stripeclient.Error, wrapped.
var (
	// ErrNotFound: the user has no such payment.
	ErrNotFound = errors.New("payment not found")
	// ErrCUIDMismatch: the payment was created under another cuid.
	ErrCUIDMismatch = errors.New("the payment has another cuid")
	// ErrNotConfirmable: the payment was canceled, or Stripe has deleted the
	// customer that it is charged to.
	ErrNotConfirmable = errors.New("the payment cannot be confirmed")
	// ErrAuthenticationPending: the payment waits for its customer to authenticate
	// another payment method, and Stripe accepts no new one until that has ended.
	ErrAuthenticationPending = errors.New("another payment method waits for authentication")
	// ErrOtherAccount: Stripe does not have the payment's intent. It was made with
	// a key of the other mode, test or live, or of another account.
	ErrOtherAccount = errors.New("the payment belongs to another Stripe account or mode")
	// ErrPaymentMethodUnusable: Stripe does not know the payment method, or it
	// cannot be used for this payment.
	ErrPaymentMethodUnusable = errors.New("payment method cannot be used")
	// ErrCustomerUnknown: Stripe has no such customer, or it was deleted.
	ErrCustomerUnknown = errors.New("customer not known to Stripe")
)

// DeclinedError is the refusal of a payment method by its issuer.
type DeclinedError struct {
	stripeclient.Decline
	// RequestID is Stripe's.
	RequestID string
	// key is the idempotency key of the confirmation.
	key string
}

func (e *DeclinedError) Error() string {
	return "payment declined: " + e.Code + " " + e.DeclineCode
}

// Reason is the more specific of Stripe's two codes, or generic_decline, Stripe's
// code for "no reason known", if both are empty.
func (e *DeclinedError) Reason() string {
	return cmp.Or(e.DeclineCode, e.Code, "generic_decline")
}

// Stripe lists the calls to Stripe that the service makes. *stripeclient.Client
// implements it. Every method returns *stripeclient.Error.
type Stripe interface {
	CreateCustomer(ctx context.Context, key string, p stripeclient.CustomerParams) (*stripeclient.Customer, error)
	UpdateCustomer(ctx context.Context, id string, p stripeclient.CustomerParams) (*stripeclient.Customer, error)
	Customer(ctx context.Context, id string) (*stripeclient.Customer, error)
	FindCustomer(ctx context.Context, userID string, since time.Time) (*stripeclient.Customer, error)
	CreateIntent(ctx context.Context, key string, p stripeclient.IntentParams) (*stripeclient.Intent, error)
	Intent(ctx context.Context, id string) (*stripeclient.Intent, error)
	ConfirmIntent(ctx context.Context, id, key, paymentMethod string) (*stripeclient.Intent, error)
	Intents(ctx context.Context, customerID string, since time.Time) ([]*stripeclient.Intent, error)
	Events(ctx context.Context, cursor string, limit int) (events []stripeclient.Event, more bool, err error)
	EventBefore(ctx context.Context, t time.Time) (id string, err error)
}

// Config configures a Service.
type Config struct {
	Store  store.Store
	Stripe Stripe
	// Amount of a new payment, in the smallest unit of Currency, as
	// stripeclient.CheckAmount accepts it. Defaults to 2000.
	Amount int64
	// Currency of a new payment, an ISO 4217 code in lower case, as
	// stripeclient.CheckCurrency accepts it. Defaults to usd.
	Currency string
	// Limits bounds what one user and one address may do. nil means no limits.
	Limits Limits
	// Clock tells the time. nil means time.Now.
	Clock func() time.Time
	// Logger receives what no answer reports. nil means slog.Default().
	Logger *slog.Logger
}

// Service applies the rules of paying. It is safe for concurrent use.
type Service struct {
	store    store.Store
	stripe   Stripe
	amount   int64
	currency string
	limits   Limits
	clock    func() time.Time
	log      *slog.Logger
}

// New checks the configuration and reports all its faults together.
func New(c Config) (*Service, error) {
	s := &Service{store: c.Store, stripe: c.Stripe, amount: c.Amount, currency: c.Currency, limits: c.Limits, clock: c.Clock, log: c.Logger}
	if s.amount == 0 {
		s.amount = 2000
	}
	if s.currency == "" {
		s.currency = "usd"
	}
	if s.limits == nil {
		s.limits = unlimited{}
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	var faults []error
	if s.store == nil {
		faults = append(faults, errors.New("payments: a store is required"))
	}
	if s.stripe == nil {
		faults = append(faults, errors.New("payments: a Stripe client is required"))
	}
	if err := stripeclient.CheckCurrency(s.currency); err != nil {
		faults = append(faults, fmt.Errorf("payments: the currency %w", err))
	}
	if err := stripeclient.CheckAmount(s.amount, s.currency); err != nil {
		faults = append(faults, fmt.Errorf("payments: the amount %w", err))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Service) now() time.Time { return s.clock().UTC() }
