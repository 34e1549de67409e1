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

// Create returns the user's payment of this cuid and makes it if there is none.
// It may be called again after any error, and by many at once: there is one
// payment, with the amount and currency of its first call.
func (s *Service) Create(ctx context.Context, u *store.User, cuid string) (*Created, error) {
	p, err := s.insertOrFind(ctx, u, cuid)
	if err != nil {
		return nil, fmt.Errorf("create payment: %w", err)
	}
	var in *stripeclient.Intent
	had := p.IntentID != ""
	if had {
		in, err = s.stripe.Intent(ctx, p.IntentID)
	} else {
		p, in, err = s.createIntent(ctx, u, p)
	}
	if err != nil {
		return nil, fmt.Errorf("create payment: %w", err)
	}
	if p, err = s.record(ctx, p, in, nil); err != nil {
		return nil, fmt.Errorf("create payment: %w", unsettled(err))
	}
	if p.IntentID != in.ID {
		// Another replica's intent was there first: the secret must be of that.
		if in, err = s.stripe.Intent(ctx, p.IntentID); err != nil {
			return nil, fmt.Errorf("create payment: %w", unsettled(err))
		}
	}
	if in.ClientSecret == "" {
		return nil, fmt.Errorf("create payment: %w", stripeclient.ErrNoSecret)
	}
	return &Created{Payment: p, ClientSecret: in.ClientSecret, Replayed: had}, nil
}

// insertOrFind returns the payment of the cuid. The price is fixed here. It inserts
// before it looks: nearly every create is of a new payment, which is so spared a
// read, and a repeated one is refused by the unique index, which writes nothing.
func (s *Service) insertOrFind(ctx context.Context, u *store.User, cuid string) (*store.Payment, error) {
	now := s.now()
	p := &store.Payment{
		ID: store.NewID(now), UserID: u.ID, CUID: cuid,
		Amount: s.amount, Currency: s.currency, CustomerID: u.CustomerID,
		CreatedAt: now, UpdatedAt: now,
	}
	p.CheckAt = s.nextCheck(p)
	err := s.store.InsertPayment(ctx, p)
	if errors.Is(err, store.ErrPaymentExists) {
		return s.store.PaymentByCUID(ctx, u.ID, cuid)
	}
	return p, err
}

// createIntent makes the payment's intent, or finds the one that an earlier try
// made. It returns the payment as it was read before Stripe was asked.
//
// Until there is an intent, UpdatedAt is when the present idempotency key came
// into being. One too old for Stripe to remember is not sent again; since every
// key is stored before it is used, nobody can be about to use a newer one that
// this look would miss.
func (s *Service) createIntent(ctx context.Context, u *store.User, p *store.Payment) (*store.Payment, *stripeclient.Intent, error) {
	look := false
	for range maxWrites {
		if p.IntentID != "" {
			in, err := s.stripe.Intent(ctx, p.IntentID)
			return p, in, err
		}
		var err error
		if p, err = s.withCustomer(ctx, u, p); err != nil {
			return nil, nil, err
		}
		if look || s.now().Sub(p.UpdatedAt) > keyLife {
			in, err := s.stripe.FindIntent(ctx, p.CustomerID, p.ID)
			if err == nil || !is(err, stripeclient.KindNotFound) {
				return p, in, unsettled(err)
			}
			look = false
			if p, err = s.spend(ctx, p, func(p *store.Payment) { p.Attempt++ }); err != nil {
				return nil, nil, err
			}
			continue
		}
		in, err := s.stripe.CreateIntent(ctx, intentKey(p), intentParams(p))
		switch {
		case err == nil && in.Replayed:
			in, err = s.stripe.Intent(ctx, in.ID)
			return p, in, unsettled(err)
		case err == nil:
			return p, in, nil
		case is(err, stripeclient.KindNotFound) && asStripe(err).Param == "customer":
			p, err = s.moveCustomer(ctx, u, p)
		case is(err, stripeclient.KindUnknown) && replayed(err), is(err, stripeclient.KindKeyReused):
			look, err = true, nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, fmt.Errorf("%d tries in vain: %w", maxWrites, store.ErrStale)
}

// withCustomer sees to it that the payment names the customer that it is to be
// charged to: what the intent is made of is stored before Stripe is asked.
func (s *Service) withCustomer(ctx context.Context, u *store.User, p *store.Payment) (*store.Payment, error) {
	if p.CustomerID != "" {
		return p, nil
	}
	id, err := s.customer(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.spend(ctx, p, func(p *store.Payment) { p.CustomerID = id })
}

// moveCustomer gives the payment a new customer, as Stripe has deleted its own.
func (s *Service) moveCustomer(ctx context.Context, u *store.User, p *store.Payment) (*store.Payment, error) {
	id, err := s.replaceCustomer(ctx, u, p.CustomerID)
	if err != nil {
		return nil, err
	}
	return s.spend(ctx, p, func(p *store.Payment) { p.CustomerID = id; p.Attempt++ })
}

// spend makes a change that leads to the next idempotency key. If the payment
// has changed since it was read, the change is dropped and the payment of now
// returned: whoever was first has led the way.
func (s *Service) spend(ctx context.Context, p *store.Payment, change func(*store.Payment)) (*store.Payment, error) {
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
