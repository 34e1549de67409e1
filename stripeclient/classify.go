package stripeclient

import (
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v76"
)

// kindOfCode maps Stripe's error codes to kinds. classify decides which of code,
// type and status wins. A code that is not listed is classified by type, status and
// param.
//
// account_closed and no_account are about our account, unless the answer is a card
// error or names the payment method: then they are about the customer's bank account.
// Source: https://docs.stripe.com/error-codes
var kindOfCode = map[stripe.ErrorCode]Kind{
	stripe.ErrorCodeResourceMissing:              KindNotFound,
	stripe.ErrorCodePaymentIntentUnexpectedState: KindUnexpectedState,
	stripe.ErrorCodeIntentInvalidState:           KindUnexpectedState,

	stripe.ErrorCodeLockTimeout:         KindBusy,
	stripe.ErrorCodeIdempotencyKeyInUse: KindBusy,
	stripe.ErrorCodeRateLimit:           KindOverloaded,
	codeIntentRateLimit:                 KindOverloaded,

	stripe.ErrorCodeAPIKeyExpired:         KindRefused,
	stripe.ErrorCodePlatformAPIKeyExpired: KindRefused,
	stripe.ErrorCodeSecretKeyRequired:     KindRefused,

	stripe.ErrorCodeAccountClosed:                                    KindAccount,
	stripe.ErrorCodeAccountCountryInvalidAddress:                     KindAccount,
	stripe.ErrorCodeAccountErrorCountryChangeRequiresAdditionalSteps: KindAccount,
	stripe.ErrorCodeAccountInformationMismatch:                       KindAccount,
	stripe.ErrorCodeAccountInvalid:                                   KindAccount,
	stripe.ErrorCodeApplicationFeesNotAllowed:                        KindAccount,
	stripe.ErrorCodeBalanceInsufficient:                              KindAccount,
	stripe.ErrorCodeCountryUnsupported:                               KindAccount,
	stripe.ErrorCodeNoAccount:                                        KindAccount,
	stripe.ErrorCodeNotAllowedOnStandardAccount:                      KindAccount,
	stripe.ErrorCodePaymentMethodConfigurationFailures:               KindAccount,
	stripe.ErrorCodePaymentMethodUnactivated:                         KindAccount,
	stripe.ErrorCodePlatformAccountRequired:                          KindAccount,
	stripe.ErrorCodeStateUnsupported:                                 KindAccount,
	stripe.ErrorCodeTestmodeChargesOnly:                              KindAccount,
	stripe.ErrorCodeTransfersNotAllowed:                              KindAccount,
	codeCapabilityMissing:                                            KindAccount,

	stripe.ErrorCodeAmountTooLarge:      KindInvalid,
	stripe.ErrorCodeAmountTooSmall:      KindInvalid,
	stripe.ErrorCodeInvalidChargeAmount: KindInvalid,

	stripe.ErrorCodeAuthenticationRequired:                 KindPaymentMethod,
	stripe.ErrorCodeDebitNotAuthorized:                     KindPaymentMethod,
	stripe.ErrorCodeInsufficientFunds:                      KindPaymentMethod,
	stripe.ErrorCodeInvalidSourceUsage:                     KindPaymentMethod,
	stripe.ErrorCodePaymentIntentAuthenticationFailure:     KindPaymentMethod,
	stripe.ErrorCodePaymentIntentIncompatiblePaymentMethod: KindPaymentMethod,
	stripe.ErrorCodePaymentIntentMandateInvalid:            KindPaymentMethod,
	stripe.ErrorCodePaymentIntentPaymentAttemptExpired:     KindPaymentMethod,
	stripe.ErrorCodePaymentIntentPaymentAttemptFailed:      KindPaymentMethod,
	stripe.ErrorCodeReferToCustomer:                        KindPaymentMethod,
	stripe.ErrorCodeSEPAUnsupportedAccount:                 KindPaymentMethod,
	stripe.ErrorCodeTokenAlreadyUsed:                       KindPaymentMethod,
	stripe.ErrorCodeTokenInUse:                             KindPaymentMethod,
}

// Codes that stripe-go v76 does not list.
const (
	// codeIntentRateLimit: the intent was changed or confirmed too often.
	codeIntentRateLimit stripe.ErrorCode = "payment_intent_rate_limit_exceeded"
	// codeCapabilityMissing: the account lacks a capability that the call needs.
	codeCapabilityMissing stripe.ErrorCode = "storer_capability_missing"
)

// classify returns the kind of Stripe's answer to the call op: the card is declined;
// the payment method, the request, the account or the key is refused; or the error is
// temporary.
// Source: https://docs.stripe.com/api/errors
func classify(op string, status int, a *stripe.Error) Kind {
	if status >= 500 || status == http.StatusRequestTimeout || status == http.StatusFailedDependency {
		return KindUnknown
	}
	code := kindOfCode[a.Code] // KindUnknown if the code is not listed
	switch {
	case a.Type == stripe.ErrorTypeCard && (a.Code == stripe.ErrorCodeAccountClosed || a.Code == stripe.ErrorCodeNoAccount):
		return KindDeclined
	case code == KindAccount && namesPaymentMethod(op, a):
		return KindPaymentMethod
	case code == KindAccount, code == KindRefused, code == KindBusy, code == KindOverloaded:
		return code
	case a.Type == stripe.ErrorTypeCard:
		return KindDeclined
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return KindRefused
	case status == http.StatusConflict:
		return KindBusy
	case status == http.StatusTooManyRequests:
		return KindOverloaded
	case a.Type == stripe.ErrorTypeAPI:
		return KindUnknown
	case a.Type == stripe.ErrorTypeIdempotency:
		return KindKeyReused
	case code != KindUnknown:
		return code
	case status == http.StatusPaymentRequired && a.Type == "":
		return KindDeclined
	case objectsToPaymentMethod(op, status, a):
		return KindPaymentMethod
	}
	return KindInvalid
}

// objectsToPaymentMethod reports whether an answer without a code of the table
// is about the payment method.
//
// A payment method that was used up by an earlier payment is refused without
// code and param. At confirm the payment method is the only parameter, so such
// a refusal is about it.
func objectsToPaymentMethod(op string, status int, a *stripe.Error) bool {
	code := string(a.Code)
	return namesPaymentMethod(op, a) ||
		strings.HasPrefix(code, "payment_method_") || strings.HasPrefix(code, "bank_account_") ||
		op == opConfirm && status == http.StatusBadRequest && code == "" && a.Param == ""
}

// namesPaymentMethod reports whether Stripe names the payment method as the
// parameter at fault. Stripe calls the parameter "source" if the payment method belongs
// to a customer and the intent has no customer.
func namesPaymentMethod(op string, a *stripe.Error) bool {
	return a.Param == "payment_method" || strings.HasPrefix(a.Param, "payment_method[") ||
		op == opConfirm && a.Param == "source"
}
