package stripeclient

import (
	"context"

	"github.com/stripe/stripe-go/v76"
)

// CheckKey reports whether Stripe accepts our key for payments: nil, KindRefused
// for a wrong, expired or too restricted key, KindAccount if the account does not
// allow it, or another kind if Stripe could not be asked or the answer is no answer
// to the question.
//
// It lists one payment intent. Every key that can take payments may do that, since
// the right to write payment intents includes the right to read them. The account
// and the balance, which other programs ask for, need rights that we do not.
func (c *Client) CheckKey(ctx context.Context) error {
	query := &stripe.PaymentIntentListParams{}
	query.Limit = stripe.Int64(1)
	_, err := list(ctx, c, "check key", "/v1/payment_intents", query, func(*stripe.PaymentIntent) bool { return true })
	return err
}
