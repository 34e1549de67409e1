package sandbox

import (
	"slices"
	"strings"
)

// captureIntent collects what manual confirmation held.
func (c *call) captureIntent() work {
	amount, partial := c.integer("amount_to_capture")
	c.metadata(nil)
	return func() (object, *apiError) {
		in, e := c.pathIntent()
		if e != nil {
			return nil, e
		}
		if in.Status == succeeded && in.CaptureMethod == "manual" {
			return nil, invalid("The remaining amount on this PaymentIntent could not be captured because the remainder of the authorized amount has been released.").
				with(codeUnexpectedState, "").withIntent(c.state.renderIntent(in))
		}
		if in.Status != needsCapture {
			return nil, invalid("This PaymentIntent could not be captured because it has a status of %s. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.", in.Status).
				with(codeUnexpectedState, "").withIntent(c.state.renderIntent(in))
		}
		if !partial {
			amount = in.AmountCapturable
		}
		if e := checkCapture(amount, in); e != nil {
			return nil, e.withIntent(c.state.renderIntent(in))
		}
		if in.Metadata = c.metadata(in.Metadata); c.err != nil {
			return nil, c.err
		}
		ch, _ := c.state.charges.get(in.LatestCharge)
		// The rest is released, and shown as refunded.
		ch.Captured, ch.AmountCaptured, ch.AmountRefunded = true, amount, ch.Amount-amount
		in.Status, in.AmountReceived, in.AmountCapturable = succeeded, amount, 0
		c.store(in, ch)
		c.emit(c.cause, "charge.captured", c.state.renderCharge(ch), nil)
		c.emit(c.cause, "payment_intent.succeeded", c.state.renderIntent(in), nil)
		return c.state.renderIntent(in), nil
	}
}

// checkCapture refuses amounts that cannot be captured. Recorded: which param is
// named depends on the amount, and is not always the one that was sent.
func checkCapture(amount int64, in Intent) *apiError {
	switch {
	case amount < 0:
		return invalid("Invalid non-negative integer").with("", "amount_to_capture")
	case amount == 0:
		return invalid("This value must be greater than or equal to 1.").with("parameter_invalid_integer", "amount")
	case amount > in.AmountCapturable:
		return invalid("The payment could not be captured because the requested capture amount is greater than the amount you can capture for this charge.").
			with("amount_too_large", "")
	}
	return nil
}

// cancelable are the statuses that Stripe's message names. It names processing
// even to refuse an intent that is in it: a debit on its way cannot be stopped.
var cancelable = []string{needsMethod, needsCapture, needsConfirmation, needsAction, processing}

func (c *call) cancelIntent() work {
	reason := c.oneOf("cancellation_reason", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	return func() (object, *apiError) {
		in, e := c.pathIntent()
		if e != nil {
			return nil, e
		}
		if in.Status == processing || !slices.Contains(cancelable, in.Status) {
			return nil, invalid("You cannot cancel this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be canceled: %s.", in.Status, strings.Join(cancelable, ", ")).
				with(codeUnexpectedState, "").withIntent(c.state.renderIntent(in))
		}
		if in.Status == needsCapture {
			ch, _ := c.state.charges.get(in.LatestCharge)
			ch.AmountRefunded = ch.Amount // what was held is released
			c.state.charges.put(ch.ID, ch)
			c.emit(c.cause, "charge.refunded", c.state.renderCharge(ch), nil)
		}
		in.Status, in.CanceledAt, in.CancellationReason, in.AmountCapturable = canceled, c.at, reason, 0
		c.state.intents.put(in.ID, in)
		c.emit(c.cause, "payment_intent.canceled", c.state.renderIntent(in), nil)
		return c.state.renderIntent(in), nil
	}
}
