package server

import (
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/server/payments"

	"github.com/nestpayments/nestpayments/stripeclient"
)

const (
	webhookPath = "/webhook/stripe"
	// webhookLimit is the largest event, in octets. Stripe's are a few KiB.
	webhookLimit = 1 << 20
)

// receiveEvent takes an event of Stripe. The signature is over the body's bytes,
// so the body is read raw and nothing has touched it before. Whatever is signed is
// acknowledged, used or not: Stripe disables an endpoint that refuses its events.
// If an event cannot be handled now, the answer is a 5xx, after which Stripe sends
// it again.
func (s *Server) receiveEvent(c echo.Context) error {
	r := c.Request()
	eventOf(r.Context()).operationID = "WebhookController_stripe"
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, webhookLimit))
	if isTooLarge(err) {
		return err
	}
	if err != nil { // it did not arrive in time, or not whole
		return errors.Join(stripeclient.ErrPayload, err)
	}
	e, err := s.webhook.Verify(body, r.Header.Get("Stripe-Signature"))
	if err != nil {
		return err
	}
	if !payments.Concerns(e) {
		s.events.WithLabelValues("ignored").Inc()
		return c.NoContent(http.StatusNoContent)
	}
	if err := s.payments.Handle(r.Context(), e); err != nil {
		s.events.WithLabelValues("failed").Inc()
		return err
	}
	s.events.WithLabelValues("handled").Inc()
	return c.NoContent(http.StatusNoContent)
}
