package stripeclient

import (
	"context"
	"regexp"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/paymentintent"
)

// CreateIntent makes a payment intent under the idempotency key: 1 to 255
// visible ASCII characters without space. It takes the payment methods that
// the account has switched on, without those that redirect the customer.
//
// KindNotFound with Param "customer": the customer is gone.
func (c *Client) CreateIntent(ctx context.Context, key string, p IntentParams) (*Intent, error) {
	const op = "create intent"
	if !isKey(key) {
		return nil, invalid(op, "idempotency_key")
	}
	if !isID("cus_", p.CustomerID) {
		return nil, invalid(op, "customer")
	}
	return c.intent(ctx, op, "", key, func(pi paymentintent.Client, common stripe.Params) (*stripe.PaymentIntent, error) {
		return pi.New(&stripe.PaymentIntentParams{
			Params:   common,
			Amount:   &p.Amount,
			Currency: &p.Currency,
			Customer: &p.CustomerID,
			AutomaticPaymentMethods: &stripe.PaymentIntentAutomaticPaymentMethodsParams{
				Enabled:        stripe.Bool(true),
				AllowRedirects: stripe.String(string(stripe.PaymentIntentAutomaticPaymentMethodsAllowRedirectsNever)),
			},
			Metadata: map[string]string{metaPayment: p.PaymentID, metaUser: p.UserID, metaCUID: p.CUID},
		})
	})
}

// The keys of our metadata at Stripe.
const (
	metaPayment = "paymentId"
	metaUser    = "userId"
	metaCUID    = "cuid"
)

// Intent fetches a payment intent as it is now. KindNotFound.
func (c *Client) Intent(ctx context.Context, id string) (*Intent, error) {
	const op = "get intent"
	if !isID("pi_", id) {
		return nil, invalid(op, "intent")
	}
	return c.intent(ctx, op, id, "", func(pi paymentintent.Client, common stripe.Params) (*stripe.PaymentIntent, error) {
		return pi.Get(id, &stripe.PaymentIntentParams{Params: common})
	})
}

// opConfirm is the call that sends a payment method.
const opConfirm = "confirm intent"

// ConfirmIntent charges the payment method (pm_…: card numbers are refused
// here) under the idempotency key. It may return an intent that requires an
// action of the customer.
//
// KindDeclined with Code, DeclineCode and Intent; KindUnexpectedState with
// Intent, which may have succeeded before; KindNotFound with Param "intent" or
// "payment_method"; KindPaymentMethod for one that cannot be used here.
func (c *Client) ConfirmIntent(ctx context.Context, id, key, paymentMethod string) (*Intent, error) {
	switch {
	case !isID("pi_", id):
		return nil, invalid(opConfirm, "intent")
	case !isKey(key):
		return nil, invalid(opConfirm, "idempotency_key")
	case !isID("pm_", paymentMethod):
		return nil, &Error{Kind: KindPaymentMethod, Op: opConfirm, Param: "payment_method"}
	}
	return c.intent(ctx, opConfirm, id, key, func(pi paymentintent.Client, common stripe.Params) (*stripe.PaymentIntent, error) {
		return pi.Confirm(id, &stripe.PaymentIntentConfirmParams{Params: common, PaymentMethod: &paymentMethod})
	})
}

// Intents lists the intents of the customer that were made since then, by Stripe's
// clock, newest first. Unlike Stripe's search, the list is never behind.
//
// KindNotFound with Param "customer" if Stripe does not know the customer.
func (c *Client) Intents(ctx context.Context, customerID string, since time.Time) ([]*Intent, error) {
	const op = "list intents"
	if !isID("cus_", customerID) {
		return nil, invalid(op, "customer")
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	query := &stripe.PaymentIntentListParams{
		Customer:     &customerID,
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()},
	}
	query.Limit = stripe.Int64(maxPage)
	var intents []*Intent
	for {
		page, err := list(ctx, c, op, "/v1/payment_intents", query, isIntent)
		if err != nil {
			return nil, err
		}
		for _, pi := range page.Data {
			intents = append(intents, intentOf(pi))
		}
		if !page.HasMore {
			return intents, nil
		}
		query.StartingAfter = &page.Data[len(page.Data)-1].ID
	}
}

// intent makes a call whose answer is a payment intent: the one with that id,
// unless id is empty.
func (c *Client) intent(ctx context.Context, op, id, key string,
	send func(paymentintent.Client, stripe.Params) (*stripe.PaymentIntent, error),
) (*Intent, error) {
	var pi *stripe.PaymentIntent
	replayed, err := c.do(ctx, request{op: op, key: key, send: func(ctx context.Context, b stripe.Backend) (err error) {
		pi, err = send(paymentintent.Client{B: b, Key: c.key}, params(ctx, key))
		if err == nil && (!isIntent(pi) || id != "" && pi.ID != id) {
			err = errUnreadable
		}
		return err
	}})
	if err != nil {
		return nil, err
	}
	in := intentOf(pi)
	in.Replayed = replayed
	return in, nil
}

// isIntent reports whether an answer is a payment intent as the API promises.
func isIntent(pi *stripe.PaymentIntent) bool {
	return pi != nil && isID("pi_", pi.ID) && pi.Status != ""
}

var (
	statusShape = regexp.MustCompile(`^[a-z_]{1,64}$`)
	secretShape = regexp.MustCompile(`^[A-Za-z0-9_]{1,512}$`)
)

// intentOf takes over what has the shape that our own answers promise. The rest is
// empty; a status is StatusUnknown.
func intentOf(pi *stripe.PaymentIntent) *Intent {
	in := &Intent{
		ID:           pi.ID,
		Amount:       pi.Amount,
		Currency:     string(pi.Currency),
		Status:       shaped(statusShape, string(pi.Status)),
		ClientSecret: shaped(secretShape, pi.ClientSecret),
		PaymentID:    pi.Metadata[metaPayment],
		UserID:       pi.Metadata[metaUser],
		CUID:         pi.Metadata[metaCUID],
		Created:      time.Unix(pi.Created, 0).UTC(),
	}
	if in.Status == "" {
		in.Status = StatusUnknown
	}
	if pi.Customer != nil {
		in.CustomerID = shaped(idShape, pi.Customer.ID)
	}
	if pi.PaymentMethod != nil {
		in.PaymentMethod = shaped(idShape, pi.PaymentMethod.ID)
	}
	if e := pi.LastPaymentError; e != nil {
		in.LastError = &Decline{Code: code(e.Code), DeclineCode: code(e.DeclineCode)}
	}
	return in
}
