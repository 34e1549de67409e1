package server

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/stripeclient"
)

const (
	webhookPath = "/webhook/stripe"
	// eventLimit is the largest event, in bytes. Stripe's have a few KiB; one of an
	// object with full metadata, which it may hold twice, has some 60.
	eventLimit = 256 << 10
	// unsignedFactor is how many times REQUEST_LIMIT an address may send without a
	// valid signature. Stripe sends hundreds of events in a second, and some of an
	// address's may be for a secret that this server does not know.
	unsignedFactor = 10
)

// receiveEvent takes an event of Stripe. The signature is over the body's bytes,
// so the body is read raw and nothing has touched it before. Whatever is signed is
// acknowledged, used or not: Stripe disables an endpoint that refuses its events.
// If an event cannot be handled now, the answer is a 5xx, after which Stripe sends
// it again.
func (s *Server) receiveEvent(c echo.Context) error {
	ctx := c.Request().Context()
	eventOf(ctx).operationID = "WebhookController_stripe"
	e, err := s.readEvent(c)
	if err != nil {
		return err
	}
	if !payments.Concerns(e) {
		s.events.WithLabelValues("ignored").Inc()
		return c.NoContent(http.StatusNoContent)
	}
	if err := s.payments.Handle(ctx, e); err != nil {
		s.events.WithLabelValues("failed").Inc()
		return err
	}
	s.events.WithLabelValues("handled").Inc()
	return c.NoContent(http.StatusNoContent)
}

// readEvent reads an event and verifies that it is from Stripe. The signature is
// over the bytes of the body, so the body is read raw. Anybody may call this: what
// the header alone shows to be wrong is refused before the body is read, and only
// requests without a valid signature count against the limit of their address.
func (s *Server) readEvent(c echo.Context) (e *stripeclient.Event, err error) {
	r := c.Request()
	from := senderOf(auth.Claims{}, eventOf(r.Context()).from)
	if err := s.unsigned.check(from); err != nil {
		return nil, err
	}
	defer func() {
		if errors.Is(err, stripeclient.ErrSignature) || errors.Is(err, stripeclient.ErrPayload) || isTooLarge(err) {
			s.unsigned.take(from)
		}
	}()
	if err := s.eventBodies.declared(r); err != nil {
		return nil, err
	}
	signature := r.Header.Get("Stripe-Signature")
	if err := s.webhook.CheckHeader(signature); err != nil {
		return nil, err
	}
	body, err := s.eventBodies.read(c.Response(), r, from)
	switch {
	case isTooLarge(err), errors.Is(err, errTooManyBodies):
		return nil, err
	case err != nil: // it did not arrive in time, or not whole
		return nil, errors.Join(stripeclient.ErrPayload, err)
	}
	return s.webhook.Verify(body, signature)
}
