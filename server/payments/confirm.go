package payments

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

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
	// From is the address of the client, for limits.
	From netip.Addr
}

// Confirmed is the result of a confirmation that was not refused. The payment is
// succeeded, processing, requires_capture, or requires_action, which waits for the
// customer.
type Confirmed struct {
	Payment *store.Payment
	// Replayed is true if the payment had succeeded before, and nothing was done.
	Replayed bool
}

// Confirm charges the payment. A succeeded payment is returned unchanged. It is safe to
// call again after any error.
//
// Errors: ErrNotFound, ErrCUIDMismatch, ErrNotConfirmable, ErrAuthenticationPending,
// ErrOtherAccount, ErrPaymentMethodUnusable, *DeclinedError, and those of Limits.
func (s *Service) Confirm(ctx context.Context, c Confirmation) (*Confirmed, error) {
	p, err := s.Payment(ctx, c.UserID, c.IntentID)
	if err != nil {
		return nil, err
	}
	if p.CUID != c.CUID {
		return nil, ErrCUIDMismatch
	}
	if final(p.Status) {
		return s.confirm(ctx, c, p)
	}
	end, err := s.limits.BeginConfirm(ctx, c.UserID, c.IntentID, confirmKey(p, c.PaymentMethod), c.From)
	if err != nil {
		return nil, wrap("confirm payment", err)
	}
	defer end()
	done, err := s.confirm(ctx, c, p)
	return done, s.limitDecline(ctx, c, err)
}

// confirm asks Stripe for the charge, unless the payment's status is final.
func (s *Service) confirm(ctx context.Context, c Confirmation, p *store.Payment) (*Confirmed, error) {
	var last error
	for n := range maxAttempts {
		switch p.Status {
		case stripeclient.StatusSucceeded:
			return &Confirmed{Payment: p, Replayed: n == 0}, nil
		case stripeclient.StatusCanceled:
			return nil, ErrNotConfirmable
		}
		key := confirmKey(p, c.PaymentMethod)
		in, err := s.stripe.ConfirmIntent(ctx, p.IntentID, key, c.PaymentMethod)
		if n == 0 && notExecuted(err) {
			return nil, wrap("confirm payment", err)
		}
		done, next, settleErr := s.settle(ctx, try{payment: p, key: key, method: c.PaymentMethod, intent: in, err: err})
		if settleErr != nil && asStripe(settleErr) != asStripe(err) {
			settleErr = outcomeUnknown(settleErr) // it is the error of a later call
		}
		if settleErr != nil {
			return nil, wrap("confirm payment", settleErr)
		}
		if done {
			return &Confirmed{Payment: next}, nil
		}
		p, last = next, err
	}
	return nil, wrap("confirm payment", exhausted(last))
}

// Payment returns the user's own payment. Errors: ErrNotFound.
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
	// key is the idempotency key that it was sent with.
	key string
	// method is the payment method that was to be charged.
	method string
	intent *stripeclient.Intent
	err    error
}

// settle decides what Stripe's answer means. If done, it returns the payment, or an
// error. Otherwise it returns the payment to confirm again, whose attempt has a new key.
func (s *Service) settle(ctx context.Context, t try) (done bool, p *store.Payment, err error) {
	switch {
	case t.err == nil && !t.intent.Replayed:
		p, err = s.record(ctx, t.payment, t.intent, nil)
		return true, p, err
	case t.err == nil, replayed(t.err), is(t.err, stripeclient.KindUnexpectedState), is(t.err, stripeclient.KindKeyReused):
		return s.settleByState(ctx, t)
	case is(t.err, stripeclient.KindDeclined):
		return true, nil, s.recordDecline(ctx, t, asStripe(t.err).Intent)
	case is(t.err, stripeclient.KindUnknown):
		// The charge may have gone through: look.
		in, err := s.stripe.Intent(ctx, t.payment.IntentID)
		if err != nil || !confirmed(in.Status) {
			return true, nil, t.err
		}
		p, err = s.record(ctx, t.payment, in, nil)
		return true, p, err
	case missing(t.err, "customer"):
		return true, nil, fmt.Errorf("%w: %w", ErrNotConfirmable, t.err)
	case missing(t.err, "intent"):
		return true, nil, fmt.Errorf("%w: %w", ErrOtherAccount, t.err)
	case unusable(t.err):
		return true, nil, fmt.Errorf("%w: %w", ErrPaymentMethodUnusable, t.err)
	}
	return true, nil, t.err
}

// settleByState fetches the intent and decides by its state, because the answer says
// nothing about now: it was replayed, belongs to another request with the same key, or
// rejects the intent's state. If the intent can be confirmed, this attempt is over and
// the next one decides.
func (s *Service) settleByState(ctx context.Context, t try) (done bool, p *store.Payment, err error) {
	in, err := s.intent(ctx, t.payment.IntentID)
	if err != nil {
		return true, nil, err
	}
	switch {
	case confirmed(in.Status):
		p, err = s.record(ctx, t.payment, in, nil)
		return true, p, err
	case in.Status == stripeclient.StatusCanceled:
		return true, nil, s.recordRefusal(ctx, t, in, ErrNotConfirmable)
	case is(t.err, stripeclient.KindDeclined):
		return true, nil, s.recordDecline(ctx, t, in)
	case t.awaitsAuthentication(in):
		p, err = s.record(ctx, t.payment, in, nil)
		return true, p, err
	case in.Status == stripeclient.StatusRequiresAction && is(t.err, stripeclient.KindUnexpectedState):
		return true, nil, s.recordRefusal(ctx, t, in, ErrAuthenticationPending)
	}
	p, err = s.record(ctx, t.payment, in, t.endAttempt)
	return false, p, err
}

// awaitsAuthentication reports whether the intent waits for the authentication of this
// try's payment method, and not for that of a later one.
func (t try) awaitsAuthentication(in *stripeclient.Intent) bool {
	if in.Status != stripeclient.StatusRequiresAction {
		return false
	}
	return in.PaymentMethod == t.method || t.err == nil && in.PaymentMethod == t.intent.PaymentMethod
}

// recordRefusal stores the state that does not allow a confirmation and returns
// why, unless the state could not be stored: then the client must send the
// request again.
func (s *Service) recordRefusal(ctx context.Context, t try, in *stripeclient.Intent, why error) error {
	if _, err := s.record(ctx, t.payment, in, nil); err != nil {
		return err
	}
	return why
}

// recordDecline stores the decline and ends the attempt. It returns the
// *DeclinedError, unless the decline could not be stored: then the client must
// send the request again.
func (s *Service) recordDecline(ctx context.Context, t try, in *stripeclient.Intent) error {
	e := asStripe(t.err)
	if in == nil {
		var err error
		if in, err = s.intent(ctx, t.payment.IntentID); err != nil {
			return err
		}
	}
	_, err := s.record(ctx, t.payment, in, func(p *store.Payment) {
		t.endAttempt(p)
		p.ErrorCode, p.DeclineCode = e.Code, e.DeclineCode
	})
	if err != nil {
		return err
	}
	return &DeclinedError{
		Decline:   stripeclient.Decline{Code: e.Code, DeclineCode: e.DeclineCode},
		RequestID: e.RequestID,
		key:       t.key,
	}
}

// endAttempt ends the attempt of this try, unless another has ended it already.
func (t try) endAttempt(p *store.Payment) {
	if p.ConfirmAttempt == t.payment.ConfirmAttempt {
		p.ConfirmAttempt++
	}
}

// unusable reports whether Stripe objects to the payment method, which is the only
// thing in a confirmation that the client chooses.
func unusable(err error) bool {
	return is(err, stripeclient.KindPaymentMethod) || missing(err, "payment_method")
}

// outcomeUnknown converts the error of a read that follows a write: if Stripe did not
// execute the read, for whatever reason, the outcome of the write is still unknown.
func outcomeUnknown(err error) error {
	failure := asStripe(err)
	if failure == nil {
		return err
	}
	switch failure.Kind {
	case stripeclient.KindOverloaded, stripeclient.KindBusy, stripeclient.KindRefused,
		stripeclient.KindAccount, stripeclient.KindInvalid, stripeclient.KindTooLarge:
		unknown := *failure
		unknown.Kind = stripeclient.KindUnknown
		return &unknown
	}
	return err
}

// notExecuted reports whether Stripe or our own limits refused the call because they are
// busy. Nothing was done, so it can be repeated.
func notExecuted(err error) bool {
	return is(err, stripeclient.KindOverloaded) || is(err, stripeclient.KindBusy)
}

func confirmKey(p *store.Payment, paymentMethod string) string {
	return fmt.Sprintf("confirm-%s-%d-%s", p.ID, p.ConfirmAttempt, paymentMethod)
}
