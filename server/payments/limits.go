package payments

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Limits bounds what one user and one address may do. Its errors are for the
// client. Package auth implements it.
type Limits interface {
	// CountPayment counts a new payment of the user, until UncountPayment.
	CountPayment(ctx context.Context, userID string, created time.Time) error
	// UncountPayment is called for a payment that was confirmed, or that turned out
	// not to be new.
	UncountPayment(ctx context.Context, userID string, created time.Time) error
	// BeginConfirm lets a confirmation go to Stripe, or not. Confirmations with the
	// same key are one to Stripe. end is called when the outcome has been counted.
	BeginConfirm(ctx context.Context, userID, intentID, key string, from netip.Addr) (end func(), err error)
	// CountDecline counts a decline, once for each key, and reports whether the
	// client may be told the reason.
	CountDecline(ctx context.Context, userID, intentID, key string, from netip.Addr) (reason bool, err error)
}

// unlimited is the Limits of a Config that has none.
type unlimited struct{}

func (unlimited) CountPayment(context.Context, string, time.Time) error   { return nil }
func (unlimited) UncountPayment(context.Context, string, time.Time) error { return nil }
func (unlimited) BeginConfirm(context.Context, string, string, string, netip.Addr) (func(), error) {
	return func() {}, nil
}
func (unlimited) CountDecline(context.Context, string, string, string, netip.Addr) (bool, error) {
	return true, nil
}

// limitDecline counts a decline that the client is about to be told of, and takes
// the reason out of it if the client must not learn it. Other errors stay as they
// are.
func (s *Service) limitDecline(ctx context.Context, c Confirmation, err error) error {
	var declined *DeclinedError
	if !errors.As(err, &declined) {
		return err
	}
	reason, limitErr := s.limits.CountDecline(ctx, c.UserID, c.IntentID, declined.key, c.From)
	switch {
	case limitErr != nil:
		return limitErr
	case reason:
		return err
	}
	return declined.withoutReason()
}

// withoutReason returns the decline as a client sees it who has had many. The
// reasons that say what is wrong with a card are what somebody needs who tries
// stolen cards: whether a number is in use, and whether a guessed security code or
// expiry date was right. What stays tells a client to do something else than to
// try another card.
// Source: https://docs.stripe.com/disputes/prevention/card-testing
func (e *DeclinedError) withoutReason() *DeclinedError {
	coarse := *e
	switch e.Reason() {
	case "authentication_required", "processing_error", "try_again_later":
	default:
		coarse.Code, coarse.DeclineCode = "card_declined", "generic_decline"
	}
	return &coarse
}
