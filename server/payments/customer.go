package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// clockSkew is how far Stripe's clock is taken to be from ours at most.
const clockSkew = 5 * time.Minute

// customer returns the user's Stripe customer and makes it at the first payment.
//
// Before Stripe is asked, the user is stored with CustomerAttempt set to the
// time, in Unix seconds. This number makes the idempotency key of the creation,
// so racing replicas get one customer, and it says since when a customer is to
// be looked for if Stripe's answer to the key does not tell of one.
func (s *Service) customer(ctx context.Context, u *store.User) (string, error) {
	for range maxWrites {
		if u.CustomerID != "" {
			return u.CustomerID, nil
		}
		c, err := s.makeCustomer(ctx, u)
		if err != nil {
			return "", fmt.Errorf("create customer: %w", err)
		}
		next := *u
		if c == nil {
			next.CustomerAttempt = s.customerAttempt(u)
		} else {
			next.CustomerID = c.ID
			if c.Name != u.Name || c.Email != u.Email {
				next.SyncAt = s.now()
			}
		}
		if u, err = s.saveUser(ctx, &next); err != nil {
			return "", fmt.Errorf("create customer: %w", err)
		}
	}
	return "", fmt.Errorf("create customer: %d races lost: %w", maxWrites, store.ErrStale)
}

// makeCustomer makes the customer of the present attempt, or finds the one that
// an earlier try of it made. It returns nil if another attempt is needed: there
// has been none, or Stripe has saved a failure for its key, has forgotten the key
// or knows it with the user's former name or email, and the attempt made nothing.
func (s *Service) makeCustomer(ctx context.Context, u *store.User) (*stripeclient.Customer, error) {
	if u.CustomerAttempt == 0 {
		return nil, nil
	}
	began := time.Unix(int64(u.CustomerAttempt), 0)
	if s.now().Sub(began) <= keyLife {
		key := fmt.Sprintf("customer-%s-%d", u.ID, u.CustomerAttempt)
		c, err := s.stripe.CreateCustomer(ctx, key, customerParams(u))
		if !replayed(err) && !is(err, stripeclient.KindKeyReused) {
			return c, err
		}
	}
	c, err := s.stripe.FindCustomer(ctx, u.ID, began.Add(-clockSkew))
	if is(err, stripeclient.KindNotFound) && asStripe(err).Param == "customer" {
		return nil, nil
	}
	return c, unsettled(err)
}

// customerAttempt is the number of the user's next attempt.
func (s *Service) customerAttempt(u *store.User) int {
	return max(int(s.now().Unix()), u.CustomerAttempt+1)
}

// replaceCustomer gives the user a new Stripe customer in the place of one that
// Stripe has no more.
func (s *Service) replaceCustomer(ctx context.Context, u *store.User, lost string) (string, error) {
	for range maxWrites {
		if u.CustomerID != lost {
			return s.customer(ctx, u)
		}
		next := *u
		next.CustomerID = ""
		next.CustomerAttempt = s.customerAttempt(u)
		var err error
		if u, err = s.saveUser(ctx, &next); err != nil {
			return "", fmt.Errorf("replace customer: %w", err)
		}
	}
	return "", fmt.Errorf("replace customer: %d races lost: %w", maxWrites, store.ErrStale)
}

// saveUser writes the user, or if somebody else has changed it meanwhile, reads
// what they made of it. A user who was deleted is store.ErrStale: there is no one
// left to try again.
func (s *Service) saveUser(ctx context.Context, u *store.User) (*store.User, error) {
	u.UpdatedAt = s.now()
	err := s.store.UpdateUser(ctx, u)
	if !errors.Is(err, store.ErrStale) {
		return u, err
	}
	now, readErr := s.store.User(ctx, u.ID)
	if errors.Is(readErr, store.ErrNotFound) {
		return nil, err
	}
	return now, readErr
}

// CheckCustomer tells whether the Stripe customer can be given to the user: it
// exists and was not made for another user of ours. ErrCustomerUnknown,
// store.ErrCustomerTaken.
func (s *Service) CheckCustomer(ctx context.Context, userID, customerID string) error {
	c, err := s.stripe.Customer(ctx, customerID)
	if is(err, stripeclient.KindNotFound) {
		return fmt.Errorf("%w: %w", ErrCustomerUnknown, err)
	}
	if err != nil {
		return fmt.Errorf("check customer: %w", err)
	}
	if c.Deleted {
		return ErrCustomerUnknown
	}
	if c.UserID != "" && c.UserID != userID {
		return store.ErrCustomerTaken
	}
	return nil
}

func customerParams(u *store.User) stripeclient.CustomerParams {
	return stripeclient.CustomerParams{Email: u.Email, Name: u.Name, UserID: u.ID}
}
