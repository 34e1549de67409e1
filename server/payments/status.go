package payments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// final statuses are never left.
func final(status string) bool {
	return status == stripeclient.StatusSucceeded || status == stripeclient.StatusCanceled
}

// confirmed statuses mean that the last confirmation did what was asked: the
// money has moved, is moving, or is held.
func confirmed(status string) bool {
	switch status {
	case stripeclient.StatusSucceeded, stripeclient.StatusProcessing, stripeclient.StatusRequiresCapture:
		return true
	}
	return false
}

// maxWrites bounds how often a lost race for one document is run again.
const maxWrites = 10

// maxAttempts bounds the idempotency keys that one request uses for one thing,
// and with them its calls to Stripe. Whoever needs more is told to send the
// request again.
const maxAttempts = 3

// record brings the payment to the state of its intent. p must have been read
// before in was asked for. If the payment has changed since, it is read again,
// and so is the intent if the two disagree: the state that is stored is never
// older than one stored before. record returns the payment as stored.
//
// also, which may be nil, makes further changes in the same write.
func (s *Service) record(ctx context.Context, p *store.Payment, in *stripeclient.Intent, also func(*store.Payment)) (*store.Payment, error) {
	reads := 0
	for range maxWrites {
		next := *p
		follow(&next, in)
		if also != nil {
			also(&next)
		}
		changed := next != *p
		if !changed && !due(p, s.now()) {
			return p, nil
		}
		if changed {
			next.UpdatedAt = s.now()
		}
		next.CheckAt = s.nextCheck(&next)
		err := s.store.UpdatePayment(ctx, &next)
		if err == nil {
			s.givePlaceBack(ctx, p, &next)
			return &next, nil
		}
		if !errors.Is(err, store.ErrStale) {
			return nil, fmt.Errorf("record payment: %w", err)
		}
		if p, err = s.store.PaymentByCUID(ctx, p.UserID, p.CUID); err != nil {
			return nil, fmt.Errorf("record payment: %w", err)
		}
		if agrees(p, in) {
			continue
		}
		if reads++; reads > maxAttempts {
			break
		}
		// A payment that has an intent keeps it.
		if in, err = s.intent(ctx, cmp.Or(p.IntentID, in.ID)); err != nil {
			return nil, fmt.Errorf("record payment: %w", err)
		}
	}
	return nil, fmt.Errorf("record payment: lost too many races: %w", store.ErrStale)
}

// intent fetches an intent that one of our payments has. ErrOtherAccount.
func (s *Service) intent(ctx context.Context, id string) (*stripeclient.Intent, error) {
	in, err := s.stripe.Intent(ctx, id)
	if is(err, stripeclient.KindNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrOtherAccount, err)
	}
	return in, err
}

// agrees reports whether the payment has the state of the intent, or a final one,
// which follows no intent.
func agrees(p *store.Payment, in *stripeclient.Intent) bool {
	next := *p
	follow(&next, in)
	return next == *p
}

// givePlaceBack takes a payment that was just confirmed out of the count of its
// user's unconfirmed payments. Only payments that were created here are in it. If
// that fails the place comes back when its hour ends.
func (s *Service) givePlaceBack(ctx context.Context, before, after *store.Payment) {
	if confirmed(before.Status) || !confirmed(after.Status) || wasAdopted(after) {
		return
	}
	if err := s.limits.UncountPayment(ctx, after.UserID, after.CreatedAt); err != nil {
		s.log.WarnContext(ctx, "a confirmed payment stays in the count of unconfirmed ones until its hour ends", slog.Any("error", err))
	}
}

// follow copies the state of the intent, unless the payment's is final.
func follow(p *store.Payment, in *stripeclient.Intent) {
	if final(p.Status) {
		return
	}
	p.IntentID = in.ID
	p.Status = in.Status
	p.PaymentMethod = in.PaymentMethod
	if in.LastError != nil {
		p.ErrorCode, p.DeclineCode = in.LastError.Code, in.LastError.DeclineCode
	}
}

// nextCheck returns when the reconciler looks at the payment next: 30 seconds
// after its last change, then each time that the time since has doubled, and
// never once it is final.
func (s *Service) nextCheck(p *store.Payment) time.Time {
	if final(p.Status) {
		return time.Time{}
	}
	now := s.now()
	wait := max(now.Sub(p.UpdatedAt), 30*time.Second)
	return now.Add(wait).Truncate(time.Millisecond)
}

// due reports whether the reconciler's next look at the payment is due.
func due(p *store.Payment, now time.Time) bool {
	return !p.CheckAt.IsZero() && !p.CheckAt.After(now)
}
