package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// customer returns the user's Stripe customer and makes it at the first payment.
// The key of its creation is the user's, so racing replicas get one customer.
func (s *Service) customer(ctx context.Context, u *store.User) (string, error) {
	for range maxWrites {
		if u.CustomerID != "" {
			return u.CustomerID, nil
		}
		key := fmt.Sprintf("customer-%s-%d", u.ID, u.CustomerAttempt)
		c, err := s.stripe.CreateCustomer(ctx, key, customerParams(u))
		next := *u
		switch {
		case err == nil:
			next.CustomerID = c.ID
		case replayed(err) || is(err, stripeclient.KindKeyReused):
			// Saved by Stripe for this key, or the name or email has changed
			// since the key was first used: another key is needed.
			next.CustomerAttempt++
		default:
			return "", fmt.Errorf("create customer: %w", err)
		}
		if u, err = s.saveUser(ctx, &next); err != nil {
			return "", fmt.Errorf("create customer: %w", err)
		}
	}
	return "", fmt.Errorf("create customer: %d races lost: %w", maxWrites, store.ErrStale)
}

// replaceCustomer gives the user a new Stripe customer in the place of one that
// Stripe has no more.
func (s *Service) replaceCustomer(ctx context.Context, u *store.User, lost string) (string, error) {
	if u.CustomerID == lost {
		next := *u
		next.CustomerID = ""
		next.CustomerAttempt++
		var err error
		if u, err = s.saveUser(ctx, &next); err != nil {
			return "", fmt.Errorf("replace customer: %w", err)
		}
	}
	return s.customer(ctx, u)
}

// saveUser writes the user, or if somebody else has changed it meanwhile, reads
// what they made of it.
func (s *Service) saveUser(ctx context.Context, u *store.User) (*store.User, error) {
	u.UpdatedAt = s.now()
	err := s.store.UpdateUser(ctx, u)
	if errors.Is(err, store.ErrStale) {
		return s.store.User(ctx, u.ID)
	}
	return u, err
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
