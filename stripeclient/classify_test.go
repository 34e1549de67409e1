package stripeclient

import (
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

func TestRefusalsAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		// op is "confirm intent" if empty, typ is "invalid_request_error".
		op     string
		status int
		typ    string
		codes  string // separated by spaces; each must be of the kind
		param  string
		want   Kind
	}{
		// The card.
		{status: 402, typ: "card_error", codes: "card_declined expired_card incorrect_cvc processing_error authentication_required new_code", want: KindDeclined},
		{status: 402, typ: "card_error", param: "cvc", want: KindDeclined},
		{status: 402, typ: "card_error", param: "payment_method", want: KindDeclined},
		{status: 402, typ: "-", want: KindDeclined},
		{status: 400, typ: "card_error", codes: "card_decline_rate_limit_exceeded incorrect_number", want: KindDeclined},
		{status: 429, typ: "card_error", codes: "card_decline_rate_limit_exceeded", want: KindDeclined},
		{status: 402, typ: "card_error", codes: "payment_method_provider_decline insufficient_funds", want: KindDeclined},

		{status: 402, typ: "card_error", codes: "account_closed no_account", want: KindDeclined},
		{status: 402, typ: "card_error", codes: "account_closed no_account", param: "payment_method", want: KindDeclined},

		// The payment method.
		{status: 400, want: KindPaymentMethod},                                              // used up
		{status: 400, param: "payment_method", want: KindPaymentMethod},                     // another customer's
		{status: 400, codes: "parameter_missing", param: "source", want: KindPaymentMethod}, // a customer's, for an intent without
		{status: 400, codes: "payment_intent_incompatible_payment_method payment_method_currency_mismatch payment_method_unexpected_state payment_method_unsupported_type payment_method_new bank_account_unverified", want: KindPaymentMethod},
		{status: 400, codes: "payment_intent_invalid_parameter new_code livemode_mismatch account_closed", param: "payment_method", want: KindPaymentMethod},
		{status: 400, param: "payment_method[card]", want: KindPaymentMethod},

		// The account.
		{status: 400, codes: "testmode_charges_only account_closed country_unsupported account_invalid payment_method_unactivated", want: KindAccount},
		{status: 402, codes: "testmode_charges_only", want: KindAccount},
		{status: 402, typ: "card_error", codes: "testmode_charges_only", want: KindAccount},
		{status: 403, codes: "account_invalid testmode_charges_only", want: KindAccount},
		{op: "create intent", status: 400, codes: "country_unsupported", want: KindAccount},

		// The key.
		{status: 401, want: KindRefused},
		{status: 401, codes: "api_key_expired", want: KindRefused},
		{status: 403, want: KindRefused},
		{status: 403, param: "payment_method", want: KindRefused},
		{status: 400, codes: "platform_api_key_expired api_key_expired secret_key_required", want: KindRefused},

		// The request.
		{status: 400, codes: "amount_too_small amount_too_large", param: "amount", want: KindInvalid},
		{status: 400, codes: "parameter_unknown parameter_missing new_code", param: "metadata[a]", want: KindInvalid},
		{status: 400, codes: "new_code livemode_mismatch tls_version_unsupported", want: KindInvalid},
		{status: 400, param: "customer", want: KindInvalid},
		{status: 404, want: KindInvalid}, // a wrong address
		{op: "create intent", status: 400, want: KindInvalid},
		{op: "create customer", status: 400, codes: "email_invalid", param: "email", want: KindInvalid},
		{op: "create customer", status: 400, codes: "parameter_missing", param: "source", want: KindInvalid},

		// The state.
		{status: 404, codes: "resource_missing", param: "intent", want: KindNotFound},
		{status: 400, codes: "resource_missing", param: "payment_method", want: KindNotFound},
		{status: 400, codes: "payment_intent_unexpected_state intent_invalid_state", want: KindUnexpectedState},
		{status: 400, codes: "payment_intent_unexpected_state", param: "payment_method", want: KindUnexpectedState},
		{status: 400, typ: "idempotency_error", want: KindKeyReused},

		// The moment.
		{status: 409, typ: "idempotency_error", codes: "idempotency_key_in_use", want: KindBusy},
		{status: 409, want: KindBusy},
		{status: 400, codes: "lock_timeout idempotency_key_in_use", want: KindBusy},
		{status: 429, codes: "lock_timeout", want: KindBusy},
		{status: 429, codes: "rate_limit new_code", want: KindOverloaded},
		{status: 429, want: KindOverloaded},
		{status: 400, codes: "rate_limit payment_intent_rate_limit_exceeded", want: KindOverloaded},
		{status: 429, codes: "payment_intent_rate_limit_exceeded", want: KindOverloaded},
		{status: 402, typ: "card_error", codes: "payment_intent_rate_limit_exceeded", want: KindOverloaded},

		// Stripe's faults.
		{status: 500, typ: "api_error", want: KindUnknown},
		{status: 500, codes: "rate_limit testmode_charges_only", want: KindUnknown},
		{status: 424, typ: "api_error", want: KindUnknown},
		{status: 400, typ: "api_error", want: KindUnknown},
	}
	for _, tt := range tests {
		for _, code := range strings.Split(tt.codes, " ") {
			a := &stripe.Error{Type: stripe.ErrorType(tt.typ), Code: stripe.ErrorCode(code), Param: tt.param}
			switch tt.typ {
			case "":
				a.Type = stripe.ErrorTypeInvalidRequest
			case "-":
				a.Type = ""
			}
			op := tt.op
			if op == "" {
				op = opConfirm
			}
			if got := classify(op, tt.status, a); got != tt.want {
				t.Errorf("%s: %d %s code=%q param=%q: got %v, want %v", op, tt.status, a.Type, code, tt.param, got, tt.want)
			}
		}
	}
}
