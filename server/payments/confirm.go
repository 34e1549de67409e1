package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// Confirmation asks for a payment to be charged.
type Confirmation struct {
	UserID, CUID string
	// IntentID is what clients know the payment by.
	IntentID string
	// PaymentMethod is a Stripe payment method, pm_….
	PaymentMethod string
}

// Confirmed is a payment that was charged: succeeded, or on its way there
// (processing, requires_capture), or waiting for its customer (requires_action).
type Confirmed struct {
	Payment *store.Payment
	// Replayed is true if the payment had succeeded before, and nothing was done.
	Replayed bool
}

// Confirm charges the payment, or returns it as it is if it has succeeded. It may
// be called again after any error.
//
// ErrNotFound, ErrCUIDMismatch, ErrNotConfirmable, ErrPaymentMethodUnusable,
// *DeclinedError.
func (s *Service) Confirm(ctx context.Context, c Confirmation) (*Confirmed, error) {
	p, err := s.Payment(ctx, c.UserID, c.IntentID)
	if err != nil {
		return nil, err
	}
	if p.CUID != c.CUID {
		return nil, ErrCUIDMismatch
	}
	for tries := range maxWrites {
		if p.Status == stripeclient.StatusSucceeded {
			return &Confirmed{Payment: p, Replayed: tries == 0}, nil
		}
		if p.Status == stripeclient.StatusCanceled {
			return nil, ErrNotConfirmable
		}
		in, err := s.stripe.ConfirmIntent(ctx, p.IntentID, confirmKey(p, c.PaymentMethod), c.PaymentMethod)
		t := try{payment: p, intent: in, err: err}
		if tries == 0 && turnedAway(err) {
			return nil, wrap("confirm payment", err)
		}
		done, next, err := s.settle(ctx, t)
		if err != nil {
			return nil, wrap("confirm payment", unsettled(err))
		}
		if p = next; done {
			return &Confirmed{Payment: p}, nil
		}
	}
	return nil, fmt.Errorf("confirm payment: %d tries in vain: %w", maxWrites, store.ErrStale)
}

// Payment returns the user's own payment. ErrNotFound.
func (s *Service) Payment(ctx context.Context, userID, intentID string) (*store.Payment, error) {
	p, err := s.store.PaymentByIntent(ctx, intentID)
	if errors.Is(err, store.ErrNotFound) || err == nil && p.UserID != userID {
		return nil, ErrNotFound
	}
	return p, wrap("find payment", err)
}

// try is one confirmation that was sent, and how Stripe answered.
type try struct {
	payment *store.Payment
	intent  *stripeclient.Intent
	err     error
}

// settle decides what an answer means. It returns done with the payment or an
// error that is for the client, or else the payment to try again with, under a
// key of its own.
func (s *Service) settle(ctx context.Context, t try) (done bool, p *store.Payment, err error) {
	switch {
	case t.err == nil && !t.intent.Replayed:
		p, err = s.record(ctx, t.payment, t.intent, nil)
		return true, p, err
	case t.err == nil, replayed(t.err), is(t.err, stripeclient.KindUnexpectedState):
		return s.settleByState(ctx, t)
	case is(t.err, stripeclient.KindDeclined):
		return true, nil, s.recordDecline(ctx, t, t.intentOfError())
	case is(t.err, stripeclient.KindUnknown):
		// The charge may have gone through. If so, it is good news.
		in, err := s.stripe.Intent(ctx, t.payment.IntentID)
		if err != nil || !confirmed(in.Status) {
			return true, nil, t.err
		}
		p, err = s.record(ctx, t.payment, in, nil)
		return true, p, err
	case is(t.err, stripeclient.KindNotFound) && asStripe(t.err).Param == "customer":
		return true, nil, fmt.Errorf("%w: %w", ErrNotConfirmable, t.err)
	case unusable(t.err):
		return true, nil, fmt.Errorf("%w: %w", ErrPaymentMethodUnusable, t.err)
	}
	return true, nil, t.err
}

// settleByState decides by the intent as it is now, since the answer was one of
// the past or left it open.
func (s *Service) settleByState(ctx context.Context, t try) (done bool, p *store.Payment, err error) {
	in, err := s.stripe.Intent(ctx, t.payment.IntentID)
	if err != nil {
		return true, nil, err
	}
	// Waiting for this payment method, that is: another may have been tried since.
	waiting := t.err == nil && in.Status == stripeclient.StatusRequiresAction && in.PaymentMethod == t.intent.PaymentMethod
	switch {
	case confirmed(in.Status) || waiting:
		p, err = s.record(ctx, t.payment, in, nil)
		return true, p, err
	case in.Status == stripeclient.StatusCanceled:
		if _, err = s.record(ctx, t.payment, in, nil); err != nil {
			return true, nil, err
		}
		return true, nil, ErrNotConfirmable
	case is(t.err, stripeclient.KindDeclined):
		return true, nil, s.recordDecline(ctx, t, in)
	}
	p, err = s.record(ctx, t.payment, in, t.spent)
	return false, p, err
}

// recordDecline stores the decline and ends the attempt. It returns the
// *DeclinedError, unless the decline could not be stored: then the client must
// send the request again.
func (s *Service) recordDecline(ctx context.Context, t try, in *stripeclient.Intent) error {
	e := asStripe(t.err)
	if in == nil {
		var err error
		if in, err = s.stripe.Intent(ctx, t.payment.IntentID); err != nil {
			return err
		}
	}
	_, err := s.record(ctx, t.payment, in, func(p *store.Payment) {
		t.spent(p)
		p.ErrorCode, p.DeclineCode = e.Code, e.DeclineCode
	})
	if err != nil {
		return err
	}
	return &DeclinedError{
		Decline:   stripeclient.Decline{Code: e.Code, DeclineCode: e.DeclineCode},
		RequestID: e.RequestID,
	}
}

// spent ends the attempt of this try, unless another has ended it already.
func (t try) spent(p *store.Payment) {
	if p.ConfirmAttempt == t.payment.ConfirmAttempt {
		p.ConfirmAttempt++
	}
}

func (t try) intentOfError() *stripeclient.Intent { return asStripe(t.err).Intent }

// unusable reports whether Stripe objects to the payment method, which is the
// only thing in a confirmation that the client chooses.
func unusable(err error) bool {
	e := asStripe(err)
	switch {
	case e == nil:
		return false
	case e.Kind == stripeclient.KindNotFound:
		return e.Param == "payment_method"
	}
	return e.Kind == stripeclient.KindPaymentMethod
}

// unsettled is the error of a read that follows a write whose outcome it was to
// find out. That Stripe could not be asked does not mean that nothing was done.
func unsettled(err error) error {
	if !turnedAway(err) {
		return err
	}
	e := *asStripe(err)
	e.Kind = stripeclient.KindUnknown
	return &e
}

// turnedAway reports whether nothing came of a call: it must be made again.
func turnedAway(err error) bool {
	return is(err, stripeclient.KindOverloaded) || is(err, stripeclient.KindBusy)
}

func confirmKey(p *store.Payment, paymentMethod string) string {
	return fmt.Sprintf("confirm-%s-%d-%s", p.ID, p.ConfirmAttempt, paymentMethod)
}
