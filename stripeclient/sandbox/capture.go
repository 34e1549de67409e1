package sandbox

import (
	"slices"
	"strings"
)

// captureIntent collects what manual confirmation held.
func (c *call) captureIntent() work {
	amount, partial := c.positive("amount_to_capture")
	c.metadata(nil)
	return func() (object, *apiError) {
		in, e := c.pathIntent()
		if e != nil {
			return nil, e
		}
		if in.Status != needsCapture {
			return nil, invalid("This PaymentIntent could not be captured because it has a status of %s. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.", in.Status).
				with(codeUnexpectedState, "").withIntent(c.state.renderIntent(in))
		}
		if !partial {
			amount = in.AmountCapturable
		}
		if amount > in.AmountCapturable {
			return nil, invalid("The amount to capture is greater than the remaining amount you can capture for this PaymentIntent.").
				with("amount_too_large", "amount_to_capture").withIntent(c.state.renderIntent(in))
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
