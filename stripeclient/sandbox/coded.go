package sandbox

import "slices"

// Faults of the API that answer with an error code of Stripe's, of the same
// name, and execute nothing. They are not saved under the idempotency key.
const (
	// FaultEmailInvalid strikes only calls that send an email.
	FaultEmailInvalid FaultKind = "email_invalid"
	// FaultAmountTooSmall, as when the amount is converted for the settlement.
	FaultAmountTooSmall FaultKind = "amount_too_small"
	// FaultIntentRateLimit: too many calls on one intent within an hour.
	FaultIntentRateLimit FaultKind = "payment_intent_rate_limit_exceeded"
	// What the operator of the account must settle.
	FaultTestmodeOnly       FaultKind = "testmode_charges_only"
	FaultAccountClosed      FaultKind = "account_closed"
	FaultCountryUnsupported FaultKind = "country_unsupported"
	FaultKeyExpired         FaultKind = "platform_api_key_expired"
)

// codedRefusals are the messages and parameters of those faults. Stripe
// documents what the codes mean; which status comes with them is not
// established, and is 400 here.
// Source: https://docs.stripe.com/error-codes
var codedRefusals = map[FaultKind]struct{ message, param string }{
	FaultEmailInvalid:       {"Invalid email address", "email"},
	FaultAmountTooSmall:     {"Amount must convert to at least 50 cents.", "amount"},
	FaultIntentRateLimit:    {"This PaymentIntent has received too many requests. Wait before you try again.", ""},
	FaultTestmodeOnly:       {"Your account cannot currently make live charges. Activate your account in the Dashboard.", ""},
	FaultAccountClosed:      {"The account is closed.", ""},
	FaultCountryUnsupported: {"The country of the account is not supported.", ""},
	FaultKeyExpired:         {"The API key provided by your Connect platform has expired.", ""},
}

// codedRefusal is the error of such a fault, nil for another kind.
func (k FaultKind) codedRefusal() *apiError {
	coded, ok := codedRefusals[k]
	if !ok {
		return nil
	}
	return invalid("%s", coded.message).with(string(k), coded.param)
}

// possibleFaults are the kinds that can strike the call.
func (c *call) possibleFaults() []FaultKind {
	if c.values.Get("email") != "" {
		return apiFaults
	}
	return slices.DeleteFunc(slices.Clone(apiFaults), func(k FaultKind) bool { return k == FaultEmailInvalid })
}
