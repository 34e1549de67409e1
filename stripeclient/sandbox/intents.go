package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The statuses of an intent.
const (
	needsMethod       = "requires_payment_method"
	needsConfirmation = "requires_confirmation"
	needsAction       = "requires_action"
	needsCapture      = "requires_capture"
	processing        = "processing"
	canceled          = "canceled"
	succeeded         = "succeeded"
)

// currencies are those that the sandbox knows.
var currencies = []string{
	"aed", "aud", "bgn", "brl", "cad", "chf", "czk", "dkk", "eur", "gbp", "hkd", "huf",
	"inr", "jpy", "mxn", "myr", "nok", "nzd", "pln", "ron", "sek", "sgd", "thb", "usd",
}

// maxAmount is the largest amount of a charge, in the smallest unit.
const maxAmount = 99_999_999

func (c *call) createIntent() work {
	in := Intent{ID: newID("pi_"), Status: needsMethod, Created: c.at, CaptureMethod: "automatic"}
	in.ClientSecret = in.ID + "_secret_" + random(25)
	in.Amount = c.newAmount()
	c.required("amount")
	in.Currency = strings.ToLower(c.required("currency"))
	c.checkAmount(in.Amount, in.Currency)
	if capture := c.oneOf("capture_method", "automatic", "automatic_async", "manual"); capture == "automatic_async" {
		c.fail(notEmulatedValue("capture_method", capture))
	} else if capture != "" {
		in.CaptureMethod = capture
	}
	c.methodTypes(&in)
	in.Customer = c.filled("customer")
	in.Metadata = c.metadata(nil)
	c.texts(&in)
	methodID := c.filled("payment_method")
	confirm, _ := c.boolean("confirm")
	options := c.confirmOptions()
	for _, name := range []string{"off_session", "return_url"} {
		if _, sent := c.values[name]; sent && !confirm {
			c.fail(invalid("The parameter %s can only be used with confirm=true.", name).with("", name))
		}
	}
	return func() (object, *apiError) {
		if e := c.checkCustomer(in.Customer); e != nil {
			return nil, e
		}
		var method PaymentMethod
		if methodID != "" {
			var e *apiError
			if method, e = c.usable(methodID, in); e != nil {
				return nil, e
			}
			in.PaymentMethod, in.Status = method.ID, needsConfirmation
		}
		c.state.intents.put(in.ID, in)
		c.emit(c.cause, "payment_intent.created", c.state.renderIntent(in), nil)
		if confirm {
			return c.confirm(in, "", options)
		}
		return c.state.renderIntent(in), nil
	}
}

// newAmount reads amount, at least 1. Stripe documents larger minimums, and 40
// cents were accepted in a recorded exchange: the minimum holds for the
// settlement, and FaultAmountTooSmall refuses an amount.
// Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
func (c *call) newAmount() int64 {
	amount, ok := c.integer("amount")
	if ok && amount < 1 {
		c.fail(invalid("The amount must be greater than or equal to the minimum charge amount allowed for your account and the currency set (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).").
			with("parameter_invalid_integer", "amount"))
	}
	return amount
}

// checkAmount checks the currency, and that the amount is not too large.
func (c *call) checkAmount(amount int64, currency string) {
	switch {
	case !slices.Contains(currencies, currency):
		c.fail(invalid("Invalid currency: %s. The sandbox knows these currencies: %s", currency,
			strings.Join(currencies, ", ")).with("", "currency"))
	case amount > maxAmount:
		c.fail(invalid("Amount must be no more than %s", money(maxAmount, currency)).with("amount_too_large", "amount"))
	}
}

// money writes an amount as Stripe's messages do.
func money(amount int64, currency string) string {
	sign := ""
	if currency == "usd" {
		sign = "$"
	}
	return sign + decimal(amount, currency) + " " + currency
}

// decimal writes an amount in the unit of its currency, which is not always
// divided into a hundred.
func decimal(amount int64, currency string) string {
	if currency == "jpy" {
		return strconv.FormatInt(amount, 10)
	}
	return fmt.Sprintf("%d.%02d", amount/100, amount%100)
}

// methodTypes reads which payment methods the intent takes. With neither
// parameter the Dashboard's apply, since 2023-08-16.
func (c *call) methodTypes(in *Intent) {
	for _, kind := range c.list("payment_method_types") {
		if kind != "card" {
			c.fail(notEmulatedValue("payment_method_types", kind))
		}
		in.CardOnly = true
	}
	const enabled, redirects = "automatic_payment_methods[enabled]", "automatic_payment_methods[allow_redirects]"
	on, sent := c.boolean(enabled)
	if sent && !on {
		c.fail(notEmulatedValue(enabled, "false"))
	}
	in.NeverRedirects = c.oneOf(redirects, "always", "never") == "never"
	if _, given := c.values[redirects]; given && !sent {
		c.fail(invalid("Missing required param: %s.", enabled).with(codeParameterMissing, enabled))
	}
	if sent && in.CardOnly {
		c.fail(invalid("You may only specify one of these parameters: automatic_payment_methods, payment_method_types."))
	}
}

// texts reads the parameters that create, update and confirm have in common.
func (c *call) texts(in *Intent) {
	if value, ok := c.text("receipt_email", 800); ok {
		in.ReceiptEmail = value
	}
	if value, ok := c.text("description", 1000); ok {
		in.Description = value
	}
	if use := c.oneOf("setup_future_usage", "on_session", "off_session"); use != "" {
		in.SetupFutureUsage = use
	}
}

func (c *call) checkCustomer(id string) *apiError {
	if customer, ok := c.state.customers.get(id); id != "" && (!ok || customer.Deleted) {
		return missingInBody("customer", id, "customer")
	}
	return nil
}

// usable finds the payment method and checks that the intent may use it. A
// test token gives a fresh method.
func (c *call) usable(id string, in Intent) (PaymentMethod, *apiError) {
	method, ok := c.resolve(id)
	switch {
	case !ok:
		return method, invalid("No such PaymentMethod: '%s'; It's possible this PaymentMethod exists on one of your connected accounts, in which case you should retry this request on that connected account. Learn more at https://stripe.com/docs/connect/authentication", id).
			with(codeResourceMissing, "payment_method").beforeExecution()
	case method.Customer != "" && in.Customer == "":
		return method, invalid("The `payment_method` parameter supplied %s belongs to the Customer %s. Please include the Customer in the `customer` parameter on the PaymentIntent.", method.ID, method.Customer).
			with(codeParameterMissing, "source").withIntent(c.storedIntent(in)) // source, although it is sent as payment_method
	case method.Customer != "" && method.Customer != in.Customer:
		return method, invalid("The PaymentMethod %s does not belong to the Customer you supplied %s. Please use this PaymentMethod with the Customer that it belongs to instead.", method.ID, in.Customer).
			with("", "payment_method").withIntent(c.storedIntent(in)) // no code
	case method.Spent:
		return method, invalid(messageSpent)
	case method.test().debit && in.CardOnly:
		return method, invalid("The PaymentMethod provided (us_bank_account) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: card.").
			with("payment_intent_incompatible_payment_method", "payment_method")
	case method.test().debit && in.CaptureMethod == "manual":
		return method, invalid("The payment method us_bank_account does not support manual capture.").
			with("payment_intent_incompatible_payment_method", "payment_method")
	}
	return method, nil
}

// pathIntent finds the intent of the path.
func (c *call) pathIntent() (Intent, *apiError) {
	in, ok := c.state.intents.get(c.id)
	if !ok {
		return in, missingInPath("payment_intent", c.id, "intent")
	}
	return in, nil
}

func (c *call) retrieveIntent() work {
	return func() (object, *apiError) {
		in, e := c.pathIntent()
		if e != nil {
			return nil, e
		}
		return c.state.renderIntent(in), nil
	}
}

func (c *call) listIntents() work {
	p, created := c.page(), c.span("created")
	customer := c.filled("customer")
	return func() (object, *apiError) {
		if _, ok := c.state.customers.get(customer); customer != "" && !ok {
			return nil, missingInBody("customer", customer, "customer")
		}
		keep := func(in Intent) bool {
			return created.has(in.Created) && (customer == "" || in.Customer == customer)
		}
		return listOf(c, c.state.intents, "payment_intent", p, keep, c.state.renderIntent)
	}
}

// updateIntent changes an intent. No event tells of it: Stripe has none.
func (c *call) updateIntent() work {
	_, amountSent := c.values["amount"]
	amount := c.newAmount()
	customer, methodID := c.filled("customer"), c.filled("payment_method")
	c.texts(&Intent{})
	c.metadata(nil)
	return func() (object, *apiError) {
		in, e := c.pathIntent()
		if e != nil {
			return nil, e
		}
		if e := c.checkOpen(in); e != nil {
			return nil, e
		}
		if amountSent {
			in.Amount = amount
			c.checkAmount(in.Amount, in.Currency)
		}
		if customer != "" {
			if e := c.checkCustomer(customer); e != nil {
				return nil, e
			}
			in.Customer = customer
		}
		if methodID != "" {
			method, e := c.usable(methodID, in)
			if e != nil {
				return nil, e
			}
			in.PaymentMethod, in.Status = method.ID, needsConfirmation
		}
		c.texts(&in)
		in.Metadata = c.metadata(in.Metadata)
		if c.err != nil {
			return nil, c.err // the amount in this currency, too much metadata
		}
		c.state.intents.put(in.ID, in)
		return c.state.renderIntent(in), nil
	}
}

// checkOpen refuses changes that come too late. Metadata, description and
// receipt address can be changed at any time.
func (c *call) checkOpen(in Intent) *apiError {
	for _, name := range []string{"amount", "customer", "payment_method", "setup_future_usage"} {
		if _, sent := c.values[name]; !sent || in.Status == needsMethod || in.Status == needsConfirmation {
			continue
		}
		if in.Status == needsAction {
			return notEmulated(name) // Stripe takes it and drops the challenge
		}
		return c.notUpdatable(in, name).with(codeUnexpectedState, name)
	}
	return nil
}

func (c *call) notUpdatable(in Intent, name string) *apiError {
	return invalid("This PaymentIntent's %s could not be updated because it has a status of %s. You may only update the %s of a PaymentIntent with one of the following statuses: requires_payment_method, requires_confirmation, requires_action.", name, in.Status, name).
		with(codeUnexpectedState, "").withIntent(c.storedIntent(in))
}
