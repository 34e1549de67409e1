package payments

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// eventCreated is the type of an intent's first event.
const eventCreated = "payment_intent.created"

// Concerns reports whether Handle processes the event: a payment_intent event with an
// intent id.
func Concerns(e *stripeclient.Event) bool {
	return strings.HasPrefix(e.Type, "payment_intent.") && e.ObjectID != ""
}

// Handle updates the payment of the event's intent, or adopts the intent. It ignores
// events that do not concern it. The event's own data is not used, because events come
// late, twice and out of order. After an error the event must be handled again.
//
// Handle skips the call to Stripe where the answer could change nothing: the payment is
// final; the event is payment_intent.created and the payment is stored with its intent;
// or the event shows that the intent is not ours.
func (s *Service) Handle(ctx context.Context, e *stripeclient.Event) error {
	if !Concerns(e) {
		return nil
	}
	p, err := s.store.PaymentByIntent(ctx, e.ObjectID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("sync payment: %w", err)
	}
	if err == nil && (final(p.Status) || e.Type == eventCreated) {
		return nil
	}
	if err != nil {
		if possible, err := s.mayAdopt(ctx, e.Origin); err != nil || !possible {
			return wrap("sync payment", err)
		}
	}
	in, inErr := s.stripe.Intent(ctx, e.ObjectID)
	switch {
	case is(inErr, stripeclient.KindNotFound):
		return nil
	case inErr != nil:
		return fmt.Errorf("sync payment: %w", inErr)
	case err != nil:
		return s.adopt(ctx, in)
	}
	_, err = s.record(ctx, p, in, nil)
	return err
}

// adopt stores an intent that no payment has, if it belongs to one of our users.
// Others may write metadata under our keys, so only our own store decides whose it is:
// the user whose customer the intent charges.
//
// An intent that was made for a payment of ours, and is not stored with it yet, is
// stored with it. If the database is a backup from before the payment was made, the
// payment is restored with its id and cuid, so that a client that repeats its request
// finds it and pays once. Any other intent, made in the dashboard or by another
// program, becomes a new payment.
func (s *Service) adopt(ctx context.Context, in *stripeclient.Intent) error {
	if in.CustomerID == "" || !in.HasPrice() {
		return nil
	}
	p, err := s.named(ctx, in)
	if err != nil {
		return fmt.Errorf("adopt payment: %w", err)
	}
	if p != nil && madeFor(in, p) && (p.IntentID == "" || p.IntentID == in.ID) {
		_, err = s.record(ctx, p, in, nil)
		return err
	}
	u, err := s.store.UserByCustomer(ctx, in.CustomerID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("adopt payment: %w", err)
	}
	if p == nil && oursByShape(in) && in.UserID == u.ID {
		err = s.insertAdopted(ctx, in, store.Payment{ID: in.PaymentID, UserID: u.ID, CUID: in.CUID})
		if !errors.Is(err, store.ErrPaymentExists) {
			return wrap("adopt payment", err)
		}
	}
	err = s.insertAdopted(ctx, in, store.Payment{ID: store.NewID(in.Created), UserID: u.ID, CUID: adoptedPrefix + in.ID})
	if errors.Is(err, store.ErrPaymentExists) {
		return nil // another event of this intent came first
	}
	return wrap("adopt payment", err)
}

// adoptedPrefix begins the cuid of a payment whose intent was not made here. No client
// can send such a cuid.
const adoptedPrefix = "stripe:"

func wasAdopted(p *store.Payment) bool { return strings.HasPrefix(p.CUID, adoptedPrefix) }

// mayAdopt reports whether adopt could store an intent with this origin.
func (s *Service) mayAdopt(ctx context.Context, o stripeclient.Origin) (bool, error) {
	if !o.Known {
		return true, nil
	}
	if o.CustomerID == "" {
		return false, nil
	}
	_, err := s.store.UserByCustomer(ctx, o.CustomerID)
	if !errors.Is(err, store.ErrNotFound) {
		return err == nil, err
	}
	p, err := s.named(ctx, &stripeclient.Intent{PaymentID: o.PaymentID, UserID: o.UserID, CUID: o.CUID})
	return p != nil && p.CustomerID == o.CustomerID, err
}

// named returns the payment that the intent's metadata names, or nil.
func (s *Service) named(ctx context.Context, in *stripeclient.Intent) (*store.Payment, error) {
	if !oursByShape(in) {
		return nil, nil
	}
	p, err := s.store.PaymentByCUID(ctx, in.UserID, in.CUID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return p, err
}

// insertAdopted inserts p with the intent's amount, customer and state. Errors:
// store.ErrPaymentExists.
func (s *Service) insertAdopted(ctx context.Context, in *stripeclient.Intent, p store.Payment) error {
	p.Amount, p.Currency, p.CustomerID = in.Amount, in.Currency, in.CustomerID
	p.CreatedAt, p.UpdatedAt = in.Created.UTC().Truncate(time.Millisecond), s.now()
	follow(&p, in)
	p.CheckAt = s.nextCheck(&p)
	return s.store.InsertPayment(ctx, &p)
}

var (
	idShape   = regexp.MustCompile(`^[0-9a-f]{24}$`)
	cuidShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
)

// oursByShape reports whether the metadata of an intent has the form that create
// writes.
func oursByShape(in *stripeclient.Intent) bool {
	return idShape.MatchString(in.PaymentID) && idShape.MatchString(in.UserID) && cuidShape.MatchString(in.CUID)
}
