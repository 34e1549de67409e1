package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// keyLife is how long we reuse an idempotency key. Stripe keeps keys for at least 24
// hours; one hour is left for clock differences.
// Source: https://docs.stripe.com/api/idempotent_requests
const keyLife = 23 * time.Hour

// Created is a payment and the client secret that confirms it.
type Created struct {
	Payment *store.Payment
	// ClientSecret is Stripe's, fresh from there. Never stored or logged.
	ClientSecret string
	// Replayed is true if the payment had its intent before.
	Replayed bool
}

// Create returns the user's payment with this cuid, creating it if necessary. It is safe
// to retry and to call concurrently: all calls return the same payment, with the amount
// and currency of the first. Errors: ErrOtherAccount, and for a new payment those of
// Limits.
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
		// Another replica stored its intent first: return the secret of that one.
		if in, err = s.intent(ctx, p.IntentID); err != nil {
			return nil, fmt.Errorf("create payment: %w", outcomeUnknown(err))
		}
	}
	if in.ClientSecret == "" {
		return nil, fmt.Errorf("create payment: %w", stripeclient.ErrNoSecret)
	}
	return &Created{Payment: p, ClientSecret: in.ClientSecret, Replayed: replayed}, nil
}

// insertOrFind inserts the payment, or returns the one that exists. It inserts first,
// because nearly every create is new. A repeated create uncounts itself, and succeeds
// even at the limit.
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

// ensureIntent returns the payment's intent, creating it if necessary, and the payment
// as it was read before Stripe was called.
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

// errNothingMade: the attempt created no intent, and its key must not be used again.
var errNothingMade = errors.New("the attempt made nothing")

// makeIntent creates the intent of the current attempt, or finds the one an earlier call
// created. It returns errNothingMade if a new attempt is needed.
//
// While IntentID is empty, UpdatedAt is when the current key was stored. A key older
// than keyLife is not sent again. Keys are stored before use, so no call can be using a
// newer key that this lookup would miss.
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

// findIntent looks for the payment's intent at Stripe. It returns the intent, or nil.
func (s *Service) findIntent(ctx context.Context, p *store.Payment) (*stripeclient.Intent, error) {
	intents, err := s.stripe.Intents(ctx, p.CustomerID, p.CreatedAt.Add(-clockSkew))
	if err != nil {
		return nil, err
	}
	return pick(intents, p), nil
}

// pick returns the intent that was created for the payment, or nil.
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

// withCustomer stores the customer in the payment before the intent is created.
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

// moveCustomer gives the payment a new customer, because Stripe no longer has the old
// one.
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

// updateOrReload stores a change that must be saved before Stripe is called. If another
// writer came first, it drops the change and returns the stored payment.
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
