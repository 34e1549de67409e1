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
	// UncountPayment removes a payment from the count, because it was confirmed or
	// already existed.
	UncountPayment(ctx context.Context, userID string, created time.Time) error
	// BeginConfirm checks the limits before a confirmation is sent. Confirmations with
	// the same key count once. Call end when the outcome has been counted.
	BeginConfirm(ctx context.Context, userID, intentID, key string, from netip.Addr) (end func(), err error)
	// CountDecline counts a decline, once per key and hour. It reports whether the client
	// may learn the reason. It returns an error if the client must not learn of the
	// decline, because others have reached the limit meanwhile.
	CountDecline(ctx context.Context, userID, intentID, key string, from netip.Addr) (reason bool, err error)
}

// unlimited is used when Config.Limits is nil.
type unlimited struct{}

func (unlimited) CountPayment(context.Context, string, time.Time) error   { return nil }
func (unlimited) UncountPayment(context.Context, string, time.Time) error { return nil }
func (unlimited) BeginConfirm(context.Context, string, string, string, netip.Addr) (func(), error) {
	return func() {}, nil
}
func (unlimited) CountDecline(context.Context, string, string, string, netip.Addr) (bool, error) {
	return true, nil
}

// limitDecline counts a decline before the client learns of it, and removes the reason
// if the client must not learn that. Other errors are returned unchanged.
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
