package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// keyLife is for how long an idempotency key is relied on. Stripe keeps keys for
// at least 24 hours; the rest is for clocks that differ.
// Source: https://docs.stripe.com/api/idempotent_requests
const keyLife = 23 * time.Hour

// Created is a payment with the secret that its client pays it with.
type Created struct {
	Payment *store.Payment
	// ClientSecret is Stripe's, fresh from there. Never stored or logged.
	ClientSecret string
	// Replayed is true if the payment had its intent before.
	Replayed bool
}

// Create returns the user's payment with this cuid, and makes it if there is
// none. It may be called again after any error, and by many at once: there is one
// payment, with the amount and currency of its first call. ErrOtherAccount, and the
// errors of Limits for a new payment.
func (s *Service) Create(ctx context.Context, u *store.User, cuid string) (*Created, error) {
	p, err := s.insertOrFind(ctx, u, cuid)
	if err != nil {
		return nil, fmt.Errorf("create payment: %w", err)
	}
	replayed := p.IntentID != ""
	p, in, err := s.ensureIntent(ctx, u, p)
	if err != nil {
		return nil, fmt.Errorf("create payment: %w", err)
	}
	if p, err = s.record(ctx, p, in, nil); err != nil {
		return nil, fmt.Errorf("create payment: %w", outcomeUnknown(err))
	}
	if p.IntentID != in.ID {
		// Another replica's intent was there first: the secret must be of that.
		if in, err = s.intent(ctx, p.IntentID); err != nil {
			return nil, fmt.Errorf("create payment: %w", outcomeUnknown(err))
		}
	}
	if in.ClientSecret == "" {
		return nil, fmt.Errorf("create payment: %w", stripeclient.ErrNoSecret)
	}
	return &Created{Payment: p, ClientSecret: in.ClientSecret, Replayed: replayed}, nil
}

// insertOrFind returns the payment with this cuid, and makes it if the user has none.
// The price is fixed here. It inserts before it looks: nearly every create is of a
// new payment, so that saves a read. The unique index refuses a repeated one, which
// then gives back the place that it took among the user's unconfirmed payments. It
// works without a place, too.
func (s *Service) insertOrFind(ctx context.Context, u *store.User, cuid string) (*store.Payment, error) {
	now := s.now()
	p := &store.Payment{
		ID: store.NewID(now), UserID: u.ID, CUID: cuid,
		Amount: s.amount, Currency: s.currency, CustomerID: u.CustomerID,
		CreatedAt: now, UpdatedAt: now,
	}
	p.CheckAt = s.nextCheck(p)
	if limitErr := s.limits.CountPayment(ctx, u.ID, p.CreatedAt); limitErr != nil {
		known, err := s.store.PaymentByCUID(ctx, u.ID, cuid)
		if errors.Is(err, store.ErrNotFound) {
			err = limitErr
		}
		return known, err
	}
	err := s.store.InsertPayment(ctx, p)
	if errors.Is(err, store.ErrPaymentExists) {
		if err := s.limits.UncountPayment(ctx, u.ID, p.CreatedAt); err != nil {
			return nil, err
		}
		return s.store.PaymentByCUID(ctx, u.ID, cuid)
	}
	return p, err
}

// ensureIntent returns the payment's intent, which it makes if there is none, and
// the payment as it was read before Stripe was asked.
func (s *Service) ensureIntent(ctx context.Context, u *store.User, p *store.Payment) (*store.Payment, *stripeclient.Intent, error) {
	var last error
	for range maxAttempts {
		if p.IntentID != "" {
			in, err := s.intent(ctx, p.IntentID)
			return p, in, err
		}
		var err error
		if p, err = s.withCustomer(ctx, u, p); err != nil {
			return nil, nil, err
		}
		in, err := s.makeIntent(ctx, p)
		switch {
		case missing(err, "customer"):
			p, err = s.moveCustomer(ctx, u, p)
		case errors.Is(err, errNothingMade):
			last = err
			p, err = s.updateOrReload(ctx, p, func(p *store.Payment) { p.Attempt++ })
		default:
			return p, in, err
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, exhausted(last)
}

// errNothingMade: an attempt has made nothing at Stripe, and its key cannot.
var errNothingMade = errors.New("the attempt made nothing")

// makeIntent makes the intent of the present attempt, or finds the one that an
// earlier try of it made. errNothingMade if another attempt is needed: Stripe has
// saved a refusal for its key, has forgotten the key or knows it with other
// parameters, and the attempt made nothing.
//
// Until there is an intent, UpdatedAt is when the present idempotency key came
// into being. One too old for Stripe to remember is not sent again; since every
// key is stored before it is used, nobody can be about to use a newer one that
// this look would miss.
func (s *Service) makeIntent(ctx context.Context, p *store.Payment) (*stripeclient.Intent, error) {
	var why error
	if s.now().Sub(p.UpdatedAt) <= keyLife {
		in, err := s.stripe.CreateIntent(ctx, intentKey(p), intentParams(p))
		if err == nil && in.Replayed {
			in, err = s.stripe.Intent(ctx, in.ID)
			return in, outcomeUnknown(err)
		}
		if missing(err, "customer") || !replayed(err) && !is(err, stripeclient.KindKeyReused) {
			return in, err
		}
		why = err
	}
	in, err := s.findIntent(ctx, p)
	if err != nil || in != nil {
		return in, outcomeUnknown(err)
	}
	return nil, errors.Join(errNothingMade, why)
}

// findIntent looks for the payment's intent at Stripe. It returns nil if there is
// none.
func (s *Service) findIntent(ctx context.Context, p *store.Payment) (*stripeclient.Intent, error) {
	intents, err := s.stripe.Intents(ctx, p.CustomerID, p.CreatedAt.Add(-clockSkew))
	if err != nil {
		return nil, err
	}
	return pick(intents, p), nil
}

// pick returns the intent that was made for the payment, nil if there is none.
func pick(intents []*stripeclient.Intent, p *store.Payment) *stripeclient.Intent {
	for _, in := range intents {
		if madeFor(in, p) {
			return in
		}
	}
	return nil
}

// madeFor reports whether the intent is what intentParams asks Stripe for.
// Others may write metadata under our keys, so the metadata alone proves nothing.
func madeFor(in *stripeclient.Intent, p *store.Payment) bool {
	return intentParams(p) == stripeclient.IntentParams{
		Amount: in.Amount, Currency: in.Currency, CustomerID: in.CustomerID,
		PaymentID: in.PaymentID, UserID: in.UserID, CUID: in.CUID,
	}
}

// withCustomer ensures that the payment names the customer it will be charged to:
// what the intent is made of is stored before Stripe is asked.
func (s *Service) withCustomer(ctx context.Context, u *store.User, p *store.Payment) (*store.Payment, error) {
	if p.CustomerID != "" {
		return p, nil
	}
	id, err := s.customer(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.updateOrReload(ctx, p, func(p *store.Payment) { p.CustomerID = id })
}

// moveCustomer gives the payment a new customer, as Stripe no longer has its own.
func (s *Service) moveCustomer(ctx context.Context, u *store.User, p *store.Payment) (*store.Payment, error) {
	current, err := s.store.User(ctx, u.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, store.ErrStale // deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	id, err := s.replaceCustomer(ctx, current, p.CustomerID)
	if err != nil {
		return nil, err
	}
	return s.updateOrReload(ctx, p, func(p *store.Payment) { p.CustomerID = id; p.Attempt++ })
}

// spend makes a change that leads to the next idempotency key. If the payment
// has changed since it was read, the change is dropped and the payment is returned
// as it is now: whoever was first has made the change.
func (s *Service) updateOrReload(ctx context.Context, p *store.Payment, change func(*store.Payment)) (*store.Payment, error) {
	next := *p
	change(&next)
	next.UpdatedAt = s.now()
	err := s.store.UpdatePayment(ctx, &next)
	if errors.Is(err, store.ErrStale) {
		return s.store.PaymentByCUID(ctx, p.UserID, p.CUID)
	}
	if err != nil {
		return nil, err
	}
	return &next, nil
}

func intentKey(p *store.Payment) string {
	return fmt.Sprintf("intent-%s-%d", p.ID, p.Attempt)
}

func intentParams(p *store.Payment) stripeclient.IntentParams {
	return stripeclient.IntentParams{
		Amount: p.Amount, Currency: p.Currency, CustomerID: p.CustomerID,
		PaymentID: p.ID, UserID: p.UserID, CUID: p.CUID,
	}
}
