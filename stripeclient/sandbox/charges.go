package sandbox

import (
	"cmp"
	"time"
)

func (c *call) listCharges() work {
	p, created := c.page(), c.span("created")
	intent, customer := c.filled("payment_intent"), c.filled("customer")
	return func() (object, *apiError) {
		keep := func(ch Charge) bool {
			return created.has(ch.Created) && (intent == "" || ch.Intent == intent) && (customer == "" || ch.Customer == customer)
		}
		return listOf(c, c.state.charges, "charge", p, keep, c.state.renderCharge)
	}
}

func (c *call) retrieveCharge() work {
	return func() (object, *apiError) {
		charge, ok := c.state.charges.get(c.id)
		if !ok {
			return nil, missingInPath("charge", c.id, "id")
		}
		return c.state.renderCharge(charge), nil
	}
}

func (st *state) renderCharge(ch Charge) object {
	method, _ := st.methods.get(ch.PaymentMethod)
	return object{
		"id": ch.ID, "object": "charge", "amount": ch.Amount, "amount_captured": ch.AmountCaptured,
		"amount_refunded": ch.AmountRefunded, "application": nil, "application_fee": nil, "application_fee_amount": nil,
		"balance_transaction": nil, "billing_details": billingDetails(), "calculated_statement_descriptor": "SANDBOX",
		"captured": ch.Captured, "created": ch.Created, "currency": ch.Currency, "customer": orNull(ch.Customer),
		"description": orNull(ch.Description), "disputed": ch.Disputed, "failure_balance_transaction": nil,
		"failure_code": orNull(ch.FailureCode), "failure_message": orNull(ch.FailureMessage), "fraud_details": object{},
		"invoice": nil, "livemode": false, "metadata": ch.Metadata, "on_behalf_of": nil, "outcome": ch.outcome(),
		"paid": ch.Status == "succeeded", "payment_intent": orNull(ch.Intent), "payment_method": orNull(ch.PaymentMethod),
		"payment_method_details": ch.methodDetails(method), "radar_options": object{}, "receipt_email": nil, "receipt_number": nil, "receipt_url": nil,
		"refunded": ch.Status == "succeeded" && ch.AmountRefunded == ch.Amount, "review": nil, "shipping": nil,
		"source_transfer": nil, "statement_descriptor": nil, "statement_descriptor_suffix": nil, "status": ch.Status,
		"transfer_data": nil, "transfer_group": nil,
	}
}

// outcome is what the network and Radar said.
func (ch Charge) outcome() any {
	switch {
	case ch.Blocked:
		return object{"network_status": "not_sent_to_network", "reason": "highest_risk_level", "risk_level": "highest",
			"risk_score": 79, "seller_message": "Stripe blocked this payment as too risky.", "type": "blocked"}
	case ch.Status == "failed":
		reason := cmp.Or(ch.DeclineCode, ch.FailureCode)
		message := "The bank returned the decline code `" + reason + "`."
		if reason == declinedGeneric.declineCode {
			message = "The bank did not return any further details with this decline."
		}
		return object{"network_status": "declined_by_network", "reason": reason, "risk_level": "normal",
			"risk_score": 20, "seller_message": message, "type": "issuer_declined"}
	}
	return object{"network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "risk_score": 20,
		"seller_message": "Payment complete.", "type": "authorized"}
}

func (ch Charge) methodDetails(method PaymentMethod) object {
	test := method.test()
	if test.debit {
		return object{"type": test.wire(), test.wire(): object{
			"account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
			"fingerprint": test.fingerprint(), "last4": test.last4, "routing_number": "110000000"}}
	}
	var secure any
	if ch.Authenticated {
		secure = object{"authentication_flow": "challenge", "electronic_commerce_indicator": "05", "result": "authenticated",
			"result_reason": nil, "transaction_id": nil, "version": "2.2.0"}
	}
	return object{"type": test.wire(), test.wire(): object{
		"amount_authorized": ch.Amount, "brand": test.brand, "checks": cardChecks(ch.securityCheck()), "country": "US", "exp_month": 8,
		"exp_year": expiryYear(method.Created), "extended_authorization": object{"status": "disabled"}, "fingerprint": test.fingerprint(),
		"funding": test.funding, "incremental_authorization": object{"status": "unavailable"}, "installments": nil,
		"last4": test.last4, "mandate": nil, "multicapture": object{"status": "unavailable"}, "network": test.brand,
		"network_token":  object{"used": false},
		"overcapture":    object{"maximum_amount_capturable": ch.Amount, "status": "unavailable"},
		"three_d_secure": secure, "wallet": nil}}
}

// securityCheck is what the issuer said of the card's security code.
func (ch Charge) securityCheck() string {
	switch {
	case ch.FailureCode == declinedCVC.code:
		return "fail"
	case ch.Status == "failed":
		return "unchecked"
	}
	return "pass"
}

// expiryYear of a test card is next year.
func expiryYear(created int64) int { return time.Unix(created, 0).UTC().Year() + 1 }

// dispute is the object of charge.dispute.created. It cannot be retrieved.
func (ch Charge) dispute(at int64, brand string) object {
	evidence := object{}
	for _, name := range []string{
		"access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
		"cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
		"customer_purchase_ip", "customer_signature", "duplicate_charge_documentation",
		"duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy",
		"refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
		"shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation",
		"shipping_tracking_number", "uncategorized_file", "uncategorized_text",
	} {
		evidence[name] = nil
	}
	return object{
		"id": newID("dp_"), "object": "dispute", "amount": ch.Amount, "balance_transactions": []object{}, "charge": ch.ID,
		"created": at, "currency": ch.Currency, "evidence": evidence,
		"evidence_details":     object{"due_by": at + 9*24*3600, "has_evidence": false, "past_due": false, "submission_count": 0},
		"is_charge_refundable": false, "livemode": false, "metadata": object{}, "payment_intent": orNull(ch.Intent),
		"payment_method_details": object{"card": object{"brand": brand, "network_reason_code": "10.4"}, "type": "card"},
		"reason":                 "fraudulent", "status": "needs_response",
	}
}
