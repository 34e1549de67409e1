package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// clockSkew is how far Stripe's clock is taken to be from ours at most.
const clockSkew = 5 * time.Minute

// customer returns the user's Stripe customer and makes it at the first payment.
//
// Before Stripe is asked, the user is stored with CustomerAttempt set to the
// time, in Unix seconds. This number makes the idempotency key of the creation,
// so racing replicas get one customer, and a customer made since then is looked
// for if Stripe's answer to the key does not name one.
func (s *Service) customer(ctx context.Context, u *store.User) (string, error) {
	var last error
	var refused refusedParams
	for range 1 + maxAttempts { // the first only stores an attempt
		if u.CustomerID != "" {
			return u.CustomerID, nil
		}
		c, err := s.makeCustomer(ctx, u, &refused)
		next := *u
		switch {
		case errors.Is(err, errNothingMade):
			last = err
			next.CustomerAttempt = s.customerAttempt(u)
		case err != nil:
			return "", fmt.Errorf("create customer: %w", err)
		default:
			next.CustomerID = c.ID
			if !hasParams(c, customerParams(u)) {
				next.SyncAt = s.now()
			}
		}
		if u, err = s.saveUser(ctx, &next); err != nil {
			return "", fmt.Errorf("create customer: %w", err)
		}
	}
	return "", fmt.Errorf("create customer: %w", exhausted(last))
}

// makeCustomer makes the customer of the present attempt, or finds the one that
// an earlier try of it made. errNothingMade if another attempt is needed: there
// has been none, or Stripe has saved a failure for its key, has forgotten the key
// or knows it with the user's former name or email, and the attempt made nothing.
func (s *Service) makeCustomer(ctx context.Context, u *store.User, refused *refusedParams) (*stripeclient.Customer, error) {
	if u.CustomerAttempt == 0 {
		return nil, errNothingMade
	}
	var why error
	began := time.Unix(int64(u.CustomerAttempt), 0)
	if s.now().Sub(began) <= keyLife {
		c, err := s.createCustomer(ctx, u, refused)
		if !replayed(err) && !is(err, stripeclient.KindKeyReused) {
			return c, err
		}
		why = err
	}
	c, err := s.findCustomer(ctx, u, began.Add(-clockSkew))
	if err != nil || c != nil {
		return c, outcomeUnknown(err)
	}
	return nil, errors.Join(errNothingMade, why)
}

// createCustomer asks Stripe for the customer of the present attempt, without the
// name or the email address if Stripe refuses it: a user pays all the same.
//
// The key stays: if it has made a customer with other parameters before, Stripe
// says so. If Stripe has saved the refusal it says the same, and the next attempt
// begins without what is refused.
func (s *Service) createCustomer(ctx context.Context, u *store.User, refused *refusedParams) (*stripeclient.Customer, error) {
	key := fmt.Sprintf("customer-%s-%d", u.ID, u.CustomerAttempt)
	var c *stripeclient.Customer
	refusal, err := refused.leaveOut(customerParams(u), func(p stripeclient.CustomerParams) (err error) {
		c, err = s.stripe.CreateCustomer(ctx, key, p)
		return err
	})
	if refusal != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "Stripe refuses the name or email address of a user and has a customer without it",
			slog.String("user", u.ID), slog.String("error", refusal.Error()))
	}
	return c, err
}

// refusedParams are the name and the email address that Stripe refuses, empty if it
// refuses none.
type refusedParams struct{ name, email string }

// leaveOut calls send with the parameters, and again without the name or the email
// address that Stripe refuses. It returns the last such refusal, nil if there was
// none, and the error of the last call.
func (r *refusedParams) leaveOut(p stripeclient.CustomerParams, send func(stripeclient.CustomerParams) error) (refusal, err error) {
	for {
		if p.Name == r.name {
			p.Name = ""
		}
		if p.Email == r.email {
			p.Email = ""
		}
		err = send(p)
		e := asStripe(err)
		switch {
		case !is(err, stripeclient.KindInvalid):
			return refusal, err
		case p.Email != "" && (e.Param == "email" || e.Code == "email_invalid"):
			r.email = p.Email
		case p.Name != "" && e.Param == "name":
			r.name = p.Name
		default:
			return refusal, err
		}
		refusal = err
	}
}

// findCustomer looks for a customer of the user that was made since then. It
// returns nil if there is none. Others may write metadata under our keys, so a
// customer whom another user has does not count.
func (s *Service) findCustomer(ctx context.Context, u *store.User, since time.Time) (*stripeclient.Customer, error) {
	c, err := s.stripe.FindCustomer(ctx, u.ID, since)
	if missing(err, "customer") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	owner, err := s.store.UserByCustomer(ctx, c.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && owner.ID == u.ID {
		return c, nil
	}
	return nil, err
}

// customerAttempt is the number of the user's next attempt.
func (s *Service) customerAttempt(u *store.User) int {
	return max(int(s.now().Unix()), u.CustomerAttempt+1)
}

// replaceCustomer gives the user a new Stripe customer, which replaces one that
// Stripe no longer has.
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
	return "", fmt.Errorf("replace customer: lost %d races: %w", maxWrites, store.ErrStale)
}

// saveUser writes the user, or, if it has changed since it was read, returns it as
// it is now. A user who was deleted is store.ErrStale.
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

// CheckCustomer reports whether the Stripe customer can be given to the user: it
// exists and was not made for another user, of this deployment or of another.
// Errors: ErrCustomerUnknown, store.ErrCustomerTaken.
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
	// Others may write metadata under our keys: it counts if it may be a user's id.
	if c.UserID != userID && idShape.MatchString(c.UserID) {
		return store.ErrCustomerTaken
	}
	return nil
}

func customerParams(u *store.User) stripeclient.CustomerParams {
	return stripeclient.CustomerParams{Email: asciiEmail(u), Name: u.Name, UserID: u.ID}
}

// hasParams reports whether the customer has the name and the email address.
func hasParams(c *stripeclient.Customer, p stripeclient.CustomerParams) bool {
	return c.Name == p.Name && c.Email == p.Email
}

// asciiEmail returns the user's address in the form that Stripe accepts. It is empty if
// the part before the @ is not ASCII, because that has no ASCII form.
func asciiEmail(u *store.User) string {
	if email := u.MailAddress(); isASCII(email) {
		return email
	}
	return ""
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
