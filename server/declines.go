package server

// genericDecline is the sentence for a decline whose reason is not known, or must
// not be shown.
const genericDecline = "The payment was declined. Contact your bank, or use another payment method."

// declineSentences are what a shop can show to a payer, by Stripe's decline code or,
// for a decline without one, its error code. All codes of
// https://docs.stripe.com/declines/codes that are missing here get genericDecline,
// because their reason is not known or would help a thief: Stripe asks to present
// fraudulent, lost_card, merchant_blacklist and stolen_card like generic_decline,
// and pickup_card, restricted_card, security_violation and do_not_try_again say as
// much.
var declineSentences = sentences(map[string][]string{
	"The card has insufficient funds. Try another card.": {"insufficient_funds"},
	"The card has reached its limit. Try another card, or contact your bank.": {
		"card_velocity_exceeded", "withdrawal_count_limit_exceeded",
	},
	"The card has expired. Try another card.": {"expired_card"},
	"The card number is not correct. Check it, or try another card.": {
		"incorrect_number", "invalid_number",
	},
	"The security code of the card is not correct. Check it and try again.": {
		"incorrect_cvc", "invalid_cvc",
	},
	"The expiry date of the card is not correct. Check it and try again.": {
		"invalid_expiry_month", "invalid_expiry_year",
	},
	"The billing address does not match the card. Check it and try again.": {
		"incorrect_address", "incorrect_zip",
	},
	"The PIN is not correct. Check it and try again.":  {"incorrect_pin", "invalid_pin"},
	"The PIN was entered too often. Try another card.": {"pin_try_exceeded"},
	"The card needs its PIN. Insert it and enter the PIN, or try another card.": {
		"offline_pin_required", "online_or_offline_pin_required",
	},
	"Your bank asks you to confirm the payment. Try again and follow its instructions.": {
		"authentication_not_handled", "authentication_required", "mobile_device_authentication_required", "payment_intent_authentication_failure",
	},
	"The card cannot be used for this payment. Try another card.": {
		"card_not_supported", "invalid_account", "new_account_information_available", "not_permitted", "service_not_allowed", "transaction_not_allowed",
	},
	"The card cannot pay in this currency. Try another card.":                      {"currency_not_supported"},
	"The bank does not allow this amount. Contact your bank, or try another card.": {"invalid_amount"},
	"A payment of the same amount was made a moment ago. Check whether you have paid already.": {
		"duplicate_transaction",
	},
	"The bank could not process the payment. Try again in a moment, or try another card.": {
		"approve_with_id", "issuer_not_available", "processing_error", "reenter_transaction", "try_again_later",
	},
	"The card is a test card. Use a real card.": {"live_mode_test_card", "testmode_decline"},
})

// sentences turns a table of codes by sentence into one of sentences by code.
func sentences(codes map[string][]string) map[string]string {
	table := map[string]string{}
	for sentence, all := range codes {
		for _, code := range all {
			table[code] = sentence
		}
	}
	return table
}

// declineSentence is the detail of a decline with this code.
func declineSentence(code string) string {
	if sentence, known := declineSentences[code]; known {
		return sentence
	}
	return genericDecline
}
