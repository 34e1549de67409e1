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

// Handle takes an event of Stripe, from a webhook or from the reconciler, and
// brings the payment that it names up to date. The event's own data is not
// believed: events come late, twice and out of order. An error means that the
// event is to be sent again.
func (s *Service) Handle(ctx context.Context, e *stripeclient.Event) error {
	if !Concerns(e) {
		return nil
	}
	return s.sync(ctx, e)
}

// eventCreated is the type of an intent's first event.
const eventCreated = "payment_intent.created"

// Concerns reports whether Handle has a use for the event: it is of a payment intent
// and names it. Others are acknowledged and ignored.
func Concerns(e *stripeclient.Event) bool {
	return strings.HasPrefix(e.Type, "payment_intent.") && e.ObjectID != ""
}

// sync brings the payment of the event's intent up to date. An intent that has no
// payment here may get one.
//
// Stripe is not asked where its answer could change nothing: about a payment that is
// final, and about an intent's making, once its payment has its id, as that was
// stored together with a status which is not older.
func (s *Service) sync(ctx context.Context, e *stripeclient.Event) error {
	p, err := s.store.PaymentByIntent(ctx, e.ObjectID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("sync payment: %w", err)
	}
	if err == nil && (final(p.Status) || e.Type == eventCreated) {
		return nil
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

// adopt makes a payment of an intent that has none here. One that was made
// elsewhere becomes a payment of the user whose customer it charges, if that is one
// of ours.
//
// One of our own making is left to its create call and to the reconciler, if its
// payment is there. If it is not, the database is a backup from before the payment
// was made: then the payment is as the intent's metadata has it, and a client that
// repeats its request finds it, and pays once.
func (s *Service) adopt(ctx context.Context, in *stripeclient.Intent) error {
	if in.CustomerID == "" || !in.HasPrice() {
		return nil
	}
	p := &store.Payment{
		Amount: in.Amount, Currency: in.Currency, CustomerID: in.CustomerID,
		CreatedAt: in.Created.UTC().Truncate(time.Millisecond), UpdatedAt: s.now(),
	}
	if in.PaymentID != "" {
		if !ours(in) {
			return nil
		}
		p.ID, p.UserID, p.CUID = in.PaymentID, in.UserID, in.CUID
		_, err := s.store.PaymentByCUID(ctx, p.UserID, p.CUID)
		if !errors.Is(err, store.ErrNotFound) {
			return wrap("adopt payment", err)
		}
	} else {
		u, err := s.store.UserByCustomer(ctx, in.CustomerID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("adopt payment: %w", err)
		}
		p.ID, p.UserID, p.CUID = store.NewID(in.Created), u.ID, "stripe:"+in.ID
	}
	follow(p, in)
	p.CheckAt = s.nextCheck(p)
	err := s.store.InsertPayment(ctx, p)
	if errors.Is(err, store.ErrPaymentExists) {
		return nil
	}
	return wrap("adopt payment", err)
}

var (
	idShape   = regexp.MustCompile(`^[0-9a-f]{24}$`)
	cuidShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
)

// ours tells whether the metadata of an intent is what create writes: others may
// write metadata too.
func ours(in *stripeclient.Intent) bool {
	return idShape.MatchString(in.PaymentID) && idShape.MatchString(in.UserID) && cuidShape.MatchString(in.CUID)
}
