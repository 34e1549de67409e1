package server

import (
	"context"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
)

// PaymentControllerCreatePayment creates the caller's payment with this cuid, or
// returns the existing one.
func (h *handlers) PaymentControllerCreatePayment(ctx context.Context, r gen.PaymentControllerCreatePaymentRequestObject) (gen.PaymentControllerCreatePaymentResponseObject, error) {
	created, err := h.payments.Create(ctx, caller(ctx), r.Body.CUID)
	if err != nil {
		return nil, err
	}
	e := eventOf(ctx)
	e.namePayment(created.Payment.IntentID)
	e.replayed = created.Replayed
	location := "payment/" + created.Payment.IntentID // relative, as in page
	return gen.PaymentControllerCreatePayment201JSONResponse{
		Body:    createdDTO(created),
		Headers: gen.PaymentControllerCreatePayment201ResponseHeaders{Location: &location},
	}, nil
}

// PaymentControllerConfirmPayment charges a payment of the caller.
func (h *handlers) PaymentControllerConfirmPayment(ctx context.Context, r gen.PaymentControllerConfirmPaymentRequestObject) (gen.PaymentControllerConfirmPaymentResponseObject, error) {
	e := eventOf(ctx)
	e.namePayment(r.Body.PaymentID)
	done, err := h.payments.Confirm(ctx, payments.Confirmation{
		UserID: caller(ctx).ID, CUID: r.Body.CUID,
		IntentID: r.Body.PaymentID, PaymentMethod: r.Body.PaymentMethodID, From: e.from,
	})
	if err != nil {
		return nil, err
	}
	e.replayed = done.Replayed
	return gen.PaymentControllerConfirmPayment201JSONResponse(paymentDTO(done.Payment)), nil
}

// PaymentControllerGetPayment reads a payment of the caller.
func (h *handlers) PaymentControllerGetPayment(ctx context.Context, r gen.PaymentControllerGetPaymentRequestObject) (gen.PaymentControllerGetPaymentResponseObject, error) {
	eventOf(ctx).namePayment(r.ID)
	p, err := h.payments.Payment(ctx, caller(ctx).ID, r.ID)
	if err != nil {
		return nil, err
	}
	return gen.PaymentControllerGetPayment200JSONResponse(paymentDTO(p)), nil
}

// PaymentControllerGetPayments lists the caller's payments, newest first.
func (h *handlers) PaymentControllerGetPayments(ctx context.Context, r gen.PaymentControllerGetPaymentsRequestObject) (gen.PaymentControllerGetPaymentsResponseObject, error) {
	limit := limitOf(r.Params.Limit)
	list, err := h.store.ListPayments(ctx, store.PaymentQuery{
		UserID: caller(ctx).ID, Before: cursorOf(r.Params.Cursor), Limit: limit + 1,
	})
	if err != nil {
		return nil, err
	}
	list, next := page("payment", list, limit, func(p *store.Payment) string { return p.ID })
	return gen.PaymentControllerGetPayments200JSONResponse{
		Body:    paymentDTOs(list),
		Headers: gen.PaymentControllerGetPayments200ResponseHeaders{Link: next},
	}, nil
}
