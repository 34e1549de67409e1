package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// syncCustomers gives Stripe the names and emails that have changed.
func (s *Service) syncCustomers(ctx context.Context, round *Round) error {
	due, err := s.store.UsersToSync(ctx, s.now(), batch)
	if err != nil {
		return fmt.Errorf("sync customers: %w", err)
	}
	var faults []error
	for _, u := range due {
		now, err := s.syncCustomer(ctx, u)
		if err == nil {
			round.Customers++
			continue
		}
		later := s.postponeSync(ctx, now)
		if err = s.failed(ctx, round, &round.Refused.Customers, "customer of user", u.ID, err, later); err != nil {
			faults = append(faults, fmt.Errorf("sync %w", err))
		}
	}
	round.More = round.More || len(due) == batch && len(faults) == 0
	return errors.Join(faults...)
}

// syncCustomer gives Stripe the user's name and email, and again if the user has
// changed meanwhile: another replica may have given it the new ones before this
// one gave it the old. It returns the user as last read.
func (s *Service) syncCustomer(ctx context.Context, u *store.User) (*store.User, error) {
	for range maxAttempts {
		given := *u
		if err := s.updateCustomer(ctx, u); err != nil {
			return u, err
		}
		next := *u
		next.SyncAt, next.SyncFailures = time.Time{}, 0
		err := s.store.UpdateUser(ctx, &next)
		if !errors.Is(err, store.ErrStale) {
			return u, err
		}
		now, err := s.store.User(ctx, u.ID)
		if errors.Is(err, store.ErrNotFound) {
			return u, nil
		}
		if err != nil {
			return u, err
		}
		u = now
		if u.SyncAt.IsZero() && u.CustomerID == given.CustomerID && customerParams(u) == customerParams(&given) {
			return u, nil
		}
	}
	return u, fmt.Errorf("lost %d races: %w", maxAttempts, store.ErrStale)
}

// updateCustomer sends Stripe the user's name and email. If Stripe refuses one of
// them it gets the other, and the refusal is the error.
func (s *Service) updateCustomer(ctx context.Context, u *store.User) error {
	if u.CustomerID == "" {
		return nil // it will be made with the name and email of then
	}
	var refused refusedParams
	refusal, err := refused.leaveOut(customerParams(u), func(p stripeclient.CustomerParams) error {
		_, err := s.stripe.UpdateCustomer(ctx, u.CustomerID, p)
		return err
	})
	// A customer that Stripe no longer has is made again at the next payment.
	if is(err, stripeclient.KindNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return refusal
}

const (
	// firstSyncPause is how long a customer waits after the first failure. The
	// pause doubles with every further one, up to maxSyncPause.
	firstSyncPause = 30 * time.Second
	maxSyncPause   = 24 * time.Hour
)

// postponeSync lets others have their turn before this user, unless the user has
// changed meanwhile or is gone.
func (s *Service) postponeSync(ctx context.Context, u *store.User) error {
	next := *u
	pause := firstSyncPause
	for n := 0; n < u.SyncFailures && pause < maxSyncPause; n++ {
		pause *= 2
	}
	next.SyncAt = s.now().Add(min(pause, maxSyncPause))
	next.SyncFailures++
	err := s.store.UpdateUser(ctx, &next)
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	return err
}
