package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// testMethod is what a test token stands for and how paying with it ends.
// Source: https://docs.stripe.com/testing
type testMethod struct {
	brand, last4, funding string
	// decline is how every charge ends, nil for success.
	decline *decline
	// failsAttach: the decline comes when it is attached to a customer, too.
	failsAttach bool
	// challenge is when the customer has to authenticate (3-D Secure).
	challenge challengeRule
	// blocked by Radar: the network is never asked.
	blocked bool
	// disputed: the charge succeeds, and the customer disputes it.
	disputed bool
	// debit is a bank account: the outcome is known days later.
	debit bool
}

type challengeRule int

const (
	challengeNever challengeRule = iota
	challengeAlways
	// challengeUnlessSetUp: not if it was set up for later use before.
	challengeUnlessSetUp
	// challengeOnSession: only while the customer is there.
	challengeOnSession
)

// decline is what an issuer says. Since 2025 declineCode is never empty for a
// card, in any version of the API: it repeats code where it was absent before.
// Source: https://docs.stripe.com/declines/codes, and recorded exchanges
type decline struct{ code, declineCode, message, param string }

var (
	declinedGeneric  = decline{"card_declined", "generic_decline", "Your card was declined.", ""}
	declinedFunds    = decline{"card_declined", "insufficient_funds", "Your card has insufficient funds.", ""}
	declinedLost     = decline{"card_declined", "lost_card", "Your card was declined.", ""}
	declinedStolen   = decline{"card_declined", "stolen_card", "Your card was declined.", ""}
	declinedVelocity = decline{"card_declined", "card_velocity_exceeded", "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.", ""}
	declinedFraud    = decline{"card_declined", "fraudulent", "Your card was declined.", ""}
	declinedExpired  = decline{"expired_card", "expired_card", "Your card has expired.", "exp_month"}
	declinedCVC      = decline{"incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "cvc"}
	declinedProcess  = decline{"processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit.", ""}
	declinedNoAuth   = decline{"authentication_required", "authentication_required", "Your card was declined. This transaction requires authentication.", ""}
	declinedDebit    = decline{"insufficient_funds", "", "The customer's account has insufficient funds to cover this payment.", ""}
)

// DebitToken is a bank debit whose payment stays in processing until Settle.
// It is the sandbox's own; Stripe has no such token.
const DebitToken = "pm_sandbox_debit" // #nosec G101 -- a name

func visa(last4 string) testMethod { return testMethod{brand: "visa", last4: last4, funding: "credit"} }

func declining(last4 string, d *decline) testMethod {
	m := visa(last4)
	m.decline, m.failsAttach = d, true
	return m
}

func challenging(last4 string, rule challengeRule, after *decline) testMethod {
	m := visa(last4)
	m.challenge, m.decline = rule, after
	return m
}

// testMethods are all test payment methods by token. Nothing here holds a card
// number: cards are known by token alone.
var testMethods = map[string]testMethod{
	"pm_card_visa":       visa("4242"),
	"pm_card_visa_debit": {brand: "visa", last4: "5556", funding: "debit"},
	"pm_card_mastercard": {brand: "mastercard", last4: "4444", funding: "credit"},
	"pm_card_amex":       {brand: "amex", last4: "8431", funding: "credit"},
	"pm_card_discover":   {brand: "discover", last4: "9424", funding: "credit"},
	"pm_card_jcb":        {brand: "jcb", last4: "0505", funding: "credit"},
	"pm_card_unionpay":   {brand: "unionpay", last4: "0005", funding: "credit"},

	"pm_card_chargeDeclined":                           declining("0002", &declinedGeneric),
	"pm_card_visa_chargeDeclined":                      declining("0002", &declinedGeneric),
	"pm_card_visa_chargeDeclinedInsufficientFunds":     declining("9995", &declinedFunds),
	"pm_card_visa_chargeDeclinedLostCard":              declining("9987", &declinedLost),
	"pm_card_visa_chargeDeclinedStolenCard":            declining("9979", &declinedStolen),
	"pm_card_visa_chargeDeclinedVelocityLimitExceeded": declining("6975", &declinedVelocity),
	"pm_card_chargeDeclinedExpiredCard":                declining("0069", &declinedExpired),
	"pm_card_chargeDeclinedIncorrectCvc":               declining("0127", &declinedCVC),
	"pm_card_chargeDeclinedProcessingError":            declining("0119", &declinedProcess),
	"pm_card_chargeCustomerFail":                       {brand: "visa", last4: "0341", funding: "credit", decline: &declinedGeneric},
	"pm_card_radarBlock":                               {brand: "visa", last4: "0019", funding: "credit", decline: &declinedFraud, blocked: true},
	"pm_card_createDispute":                            {brand: "visa", last4: "0259", funding: "credit", disputed: true},

	"pm_card_authenticationRequired":                                challenging("3184", challengeAlways, nil),
	"pm_card_authenticationRequiredOnSetup":                         challenging("3155", challengeUnlessSetUp, nil),
	"pm_card_authenticationRequiredSetupForOffSession":              challenging("0446", challengeOnSession, nil),
	"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": challenging("3178", challengeAlways, &declinedFunds),
	"pm_card_threeDSecure2Required":                                 challenging("3220", challengeAlways, nil),
	"pm_card_threeDSecureRequired":                                  challenging("3063", challengeAlways, nil),
	"pm_card_threeDSecureRequiredChargeDeclined":                    challenging("1629", challengeAlways, &declinedGeneric),
	"pm_card_threeDSecureRequiredProcessingError":                   challenging("1280", challengeAlways, &declinedProcess),

	DebitToken: {last4: "6789", debit: true},
}

// isToken tells a test token from the id of a payment method, which has no
// second underscore.
func isToken(id string) bool {
	_, ok := testMethods[id]
	return ok
}

// looksLikeToken is true for what Stripe may well have as a token.
func looksLikeToken(id string) bool {
	return strings.HasPrefix(id, "pm_card_") || strings.HasPrefix(id, "pm_usBankAccount_")
}

// test is the behaviour of the method's token.
func (m PaymentMethod) test() testMethod { return testMethods[m.Token] }

// fingerprint is the same for all methods of one card or account, 16 letters and
// digits.
func (t testMethod) fingerprint() string {
	sum := sha256.Sum256([]byte(t.brand + t.last4))
	return hex.EncodeToString(sum[:8])
}

// wire is the method's type in Stripe's API.
func (t testMethod) wire() string {
	if t.debit {
		return "us_bank_account"
	}
	return "card"
}

// challenges reports whether the customer must authenticate.
func (m PaymentMethod) challenges(offSession bool) bool {
	switch m.test().challenge {
	case challengeAlways:
		return true
	case challengeUnlessSetUp:
		return !m.SetUp
	case challengeOnSession:
		return !offSession
	}
	return false
}

// failed is the decline as the last error of an intent.
func (d decline) failed(charge, method string) *Failure {
	return &Failure{Type: typeCard, Code: d.code, DeclineCode: d.declineCode, Message: d.message, Param: d.param,
		Charge: charge, PaymentMethod: method}
}
