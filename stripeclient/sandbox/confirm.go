package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// confirmOptions are the parameters of a confirmation that are not properties
// of the intent.
type confirmOptions struct {
	offSession bool
	returnURL  string
}

func (c *call) confirmOptions() confirmOptions {
	off, _ := c.boolean("off_session")
	return confirmOptions{offSession: off, returnURL: c.filled("return_url")}
}

var confirmable = []string{needsMethod, needsConfirmation, needsAction}

func (c *call) confirmIntent() work {
	methodID := c.filled("payment_method")
	options := c.confirmOptions()
	receipt, receiptSent := c.text("receipt_email", 800)
	use := c.oneOf("setup_future_usage", "on_session", "off_session")
	return func() (object, *apiError) {
		in, e := c.pathIntent()
		if e != nil {
			return nil, e
		}
		if receiptSent {
			in.ReceiptEmail = receipt
		}
		if use != "" {
			in.SetupFutureUsage = use
		}
		return c.confirm(in, methodID, options)
	}
}

// confirm pays the intent with a payment method, its own if methodID is empty.
// The checks come in Stripe's order: the one for a missing method first.
func (c *call) confirm(in Intent, methodID string, options confirmOptions) (object, *apiError) {
	methodSent := methodID != ""
	methodID = cmp.Or(methodID, in.PaymentMethod)
	if methodID == "" {
		return nil, c.missingMethod(in)
	}
	if in.Status == canceled && methodSent {
		return nil, c.notUpdatable(in, "payment_method")
	}
	if !slices.Contains(confirmable, in.Status) {
		return nil, c.notConfirmable(in)
	}
	if c.confirmLimit > 0 && in.Confirmations >= c.confirmLimit {
		return nil, c.cancelAtLimit(in)
	}
	if !in.CardOnly && !in.NeverRedirects && options.returnURL == "" && !options.offSession {
		return nil, invalid("A `return_url` must be specified because this Payment Intent is configured to automatically accept the payment methods enabled in the Dashboard, some of which may require a full page redirect to succeed. If you do not want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.")
	}
	if e := c.checkCustomer(in.Customer); e != nil {
		return nil, e // deleted since
	}
	method, e := c.usable(methodID, in)
	if e != nil {
		return nil, e
	}
	in.Confirmations++
	in.PaymentMethod, in.LastError, in.ReturnURL, in.ChallengeURL = method.ID, nil, options.returnURL, ""
	if !method.challenges(options.offSession) {
		return c.outcome(c.charge(c.cause, in, method, false))
	}
	if options.offSession {
		return c.outcome(c.declineCharge(c.cause, in, method, declinedNoAuth))
	}
	in.Status = needsAction
	in.ChallengeURL = "http://" + c.host + controlPrefix + "payment_intents/" + in.ID + "/challenge"
	c.state.intents.put(in.ID, in)
	c.emit(c.cause, "payment_intent.requires_action", c.state.renderIntent(in), nil)
	return c.state.renderIntent(in), nil
}

// outcome is the answer to a confirmation that came to a charge: the intent,
// or 402 with the intent and all about the decline.
func (c *call) outcome(in Intent) (object, *apiError) {
	f := in.LastError
	if f == nil {
		return c.state.renderIntent(in), nil
	}
	method, _ := c.state.methods.get(f.PaymentMethod)
	return nil, &apiError{status: http.StatusPaymentRequired, kind: f.Type, code: f.Code, declineCode: f.DeclineCode,
		message: f.Message, param: f.Param, charge: f.Charge, commits: true,
		intent: c.state.renderIntent(in), method: method.render()}
}

// cancelAtLimit refuses a confirmation beyond the limit, which cancels the
// intent. Stripe documents that the limit varies; the reason of the cancellation
// and the code of the refusal are not established.
// Source: https://docs.stripe.com/api/payment_intents/confirm
func (c *call) cancelAtLimit(in Intent) *apiError {
	in.Status, in.CanceledAt = canceled, c.at
	c.state.intents.put(in.ID, in)
	c.emit(c.cause, "payment_intent.canceled", c.state.renderIntent(in), nil)
	e := c.notConfirmable(in).withIntent(c.state.renderIntent(in))
	e.commits = true
	return e
}

func (c *call) missingMethod(in Intent) *apiError {
	e := invalid("You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.")
	if in.Customer != "" {
		e = invalid("You cannot confirm this PaymentIntent because it's missing a payment method. To confirm the PaymentIntent with %s, specify a payment method attached to this customer along with the customer ID.", in.Customer)
	}
	return e.with(codeUnexpectedState, "").withIntent(c.storedIntent(in))
}

// storedIntent renders the intent as it was before the call, or nothing if the call that is about to
// fail would have made it.
func (c *call) storedIntent(in Intent) object {
	stored, ok := c.state.intents.rows[in.ID]
	if !ok {
		return nil
	}
	return c.state.renderIntent(stored)
}

func (c *call) notConfirmable(in Intent) *apiError {
	e := invalid("You cannot confirm this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be confirmed: %s.", in.Status, strings.Join(confirmable, ", "))
	if in.Status == succeeded {
		e = invalid("You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.")
	}
	return e.with(codeUnexpectedState, "").withIntent(c.storedIntent(in))
}
