package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nestpayments/nestpayments/gen/client"
)

// Payment methods and statuses of Stripe's test mode.
const (
	goodCard     = "pm_card_visa"
	declinedCard = "pm_card_visa_chargeDeclinedInsufficientFunds"

	statusOpen      = "requires_payment_method"
	statusSucceeded = "succeeded"
)

// payment is what a client knows of a payment of its own.
type payment struct {
	cuid, id string
	amount   int64
	currency string
	// number is how many payments its user had begun, this one included.
	number int64
}

// create creates the payment of a cuid, or gets the one that there is: p is filled
// in by the first answer, and later ones must agree with it. status is what
// the payment must have.
func (v *visit) create(ctx context.Context, by *person, p *payment, status string) error {
	r, err := send(ctx, v, opCreate, http.StatusCreated,
		func(ctx context.Context) (*client.PaymentControllerCreatePaymentResponse, error) {
			return v.api.PaymentControllerCreatePaymentWithResponse(ctx, client.CreatePaymentDto{CUID: p.cuid}, as(by))
		},
		func(r *client.PaymentControllerCreatePaymentResponse) string {
			switch c := r.JSON201; {
			case c == nil:
				return "no payment"
			case !strings.HasPrefix(c.ID, "pi_") || c.Amount <= 0 || c.Currency == "":
				return "not a payment with its amount and currency"
			case !strings.HasPrefix(c.ClientSecret, c.ID+"_secret_"):
				return "not the payment's client secret"
			case p.id != "" && (c.ID != p.id || c.Amount != p.amount || c.Currency != p.currency):
				return "another payment for the same cuid"
			case c.Status != status:
				return "not the status " + status
			}
			return ""
		})
	if err == nil {
		p.id, p.amount, p.currency = r.JSON201.ID, r.JSON201.Amount, r.JSON201.Currency
	}
	return err
}

func (p *payment) confirmation(card string) client.ConfirmPaymentDto {
	return client.ConfirmPaymentDto{CUID: p.cuid, PaymentID: p.id, PaymentMethodID: card}
}

// pay confirms the payment with a good card, for the first time or again.
func (v *visit) pay(ctx context.Context, by *person, p payment) error {
	_, err := send(ctx, v, opConfirm, http.StatusCreated,
		func(ctx context.Context) (*client.PaymentControllerConfirmPaymentResponse, error) {
			return v.api.PaymentControllerConfirmPaymentWithResponse(ctx, p.confirmation(goodCard), as(by))
		},
		func(r *client.PaymentControllerConfirmPaymentResponse) string {
			return paymentFault(r.JSON201, p, statusSucceeded)
		})
	return err
}

// beDeclined confirms the payment with a card that has no funds.
func (v *visit) beDeclined(ctx context.Context, by *person, p payment) error {
	_, err := send(ctx, v, opConfirm, http.StatusPaymentRequired,
		func(ctx context.Context) (*client.PaymentControllerConfirmPaymentResponse, error) {
			return v.api.PaymentControllerConfirmPaymentWithResponse(ctx, p.confirmation(declinedCard), as(by))
		},
		func(r *client.PaymentControllerConfirmPaymentResponse) string {
			d := r.ApplicationProblemJSON402
			if d == nil || d.Code != "payment_declined" || d.DeclineCode == nil || *d.DeclineCode != "insufficient_funds" {
				return "not the problem payment_declined with its decline code"
			}
			return ""
		})
	return err
}

func (v *visit) readPayment(ctx context.Context, by *person, p payment, status string) error {
	_, err := send(ctx, v, opPayment, http.StatusOK,
		func(ctx context.Context) (*client.PaymentControllerGetPaymentResponse, error) {
			return v.api.PaymentControllerGetPaymentWithResponse(ctx, p.id, as(by))
		},
		func(r *client.PaymentControllerGetPaymentResponse) string {
			return paymentFault(r.JSON200, p, status)
		})
	return err
}

func paymentFault(got *client.ReturnPaymentDto, want payment, status string) string {
	switch {
	case got == nil:
		return "no payment"
	case got.ID != want.id:
		return "another payment"
	case got.Amount != want.amount || got.Currency != want.currency:
		return "not the payment's amount and currency"
	case got.Status != status:
		return "not the status " + status
	case status == statusSucceeded && got.PaymentMethod == "":
		return "succeeded without a payment method"
	}
	return ""
}

// page reads one page of a person's payments, and returns the cursor of the next
// one, "" on the last. check looks at what is on it.
func (v *visit) page(ctx context.Context, by *person, limit int32, cursor string, check func([]client.ReturnPaymentDto) string) (next string, err error) {
	params := &client.PaymentControllerGetPaymentsParams{Limit: &limit}
	if cursor != "" {
		params.Cursor = &cursor
	}
	r, err := send(ctx, v, opPayments, http.StatusOK,
		func(ctx context.Context) (*client.PaymentControllerGetPaymentsResponse, error) {
			return v.api.PaymentControllerGetPaymentsWithResponse(ctx, params, as(by))
		},
		func(r *client.PaymentControllerGetPaymentsResponse) string {
			if r.JSON200 == nil {
				return "no list"
			}
			if len(*r.JSON200) > int(limit) {
				return "more than the limit on the page"
			}
			if len(*r.JSON200) < int(limit) && nextCursor(r) != "" {
				return "a next page behind one that is not full"
			}
			return check(*r.JSON200)
		})
	if err != nil {
		return "", err
	}
	return nextCursor(r), nil
}

// find checks that a paid payment is on a page of the newest: it is, unless so
// many newer ones of the same user were begun that it may stand behind them.
func (by *person) find(p payment, limit int32) func([]client.ReturnPaymentDto) string {
	return func(list []client.ReturnPaymentDto) string {
		i := slices.IndexFunc(list, func(l client.ReturnPaymentDto) bool { return l.ID == p.id })
		if i >= 0 {
			return paymentFault(&list[i], p, statusSucceeded)
		}
		if by.begun.Load()-p.number < int64(limit) {
			return "the newest payment is not on the first page"
		}
		return ""
	}
}

// nextCursor is the cursor in the Link header, "" on the last page.
func nextCursor(r *client.PaymentControllerGetPaymentsResponse) string {
	if r.Headers200 == nil || r.Headers200.Link == nil {
		return ""
	}
	target, _, _ := strings.Cut(strings.TrimPrefix(*r.Headers200.Link, "<"), ">")
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	return u.Query().Get("cursor")
}
