package sandbox

func (st *state) renderIntent(in Intent) object {
	types := []string{"card"}
	var automatic, configuration any
	if !in.CardOnly {
		// link is in Stripe's list; the sandbox has no payment method of that type.
		types = append(types, "link", "us_bank_account")
		configuration = object{"id": "pmc_sandbox", "parent": nil}
		// Without either parameter Stripe enables them since 2023-08-16.
		redirects := "always"
		if in.NeverRedirects {
			redirects = "never"
		}
		automatic = object{"enabled": true, "allow_redirects": redirects}
	}
	var canceledAt any
	if in.CanceledAt != 0 {
		canceledAt = in.CanceledAt
	}
	return object{
		"id": in.ID, "object": "payment_intent", "amount": in.Amount, "amount_capturable": in.AmountCapturable,
		"amount_details": object{"tip": object{}}, "amount_received": in.AmountReceived, "application": nil,
		"application_fee_amount": nil, "automatic_payment_methods": automatic, "canceled_at": canceledAt,
		"cancellation_reason": orNull(in.CancellationReason), "capture_method": in.CaptureMethod,
		"client_secret": in.ClientSecret, "confirmation_method": "automatic", "created": in.Created,
		"currency": in.Currency, "customer": orNull(in.Customer), "description": orNull(in.Description), "invoice": nil,
		"last_payment_error": st.renderFailure(in.LastError), "latest_charge": orNull(in.LatestCharge), "livemode": false,
		"metadata": in.Metadata, "next_action": in.nextAction(), "on_behalf_of": nil,
		"payment_method": orNull(in.PaymentMethod), "payment_method_configuration_details": configuration,
		"payment_method_options": object{"card": object{"installments": nil, "mandate_options": nil, "network": nil,
			"request_three_d_secure": "automatic"}},
		"payment_method_types": types, "processing": nil, "receipt_email": orNull(in.ReceiptEmail), "review": nil,
		"setup_future_usage": orNull(in.SetupFutureUsage), "shipping": nil, "statement_descriptor": nil,
		"statement_descriptor_suffix": nil, "status": in.Status, "transfer_data": nil, "transfer_group": nil,
	}
}

// nextAction is how the customer comes to the challenge: by a redirection if
// the confirmation had a return_url, else within the page by Stripe.js.
func (in Intent) nextAction() any {
	switch {
	case in.Status != needsAction:
		return nil
	case in.ReturnURL != "":
		return object{"type": "redirect_to_url", "redirect_to_url": object{"url": in.ChallengeURL, "return_url": in.ReturnURL}}
	}
	return object{"type": "use_stripe_sdk", "use_stripe_sdk": object{
		"type": "three_d_secure_redirect", "stripe_js": in.ChallengeURL}}
}

// renderFailure makes last_payment_error. Absent properties are left out.
func (st *state) renderFailure(f *Failure) any {
	if f == nil {
		return nil
	}
	method, _ := st.methods.get(f.PaymentMethod)
	rendered := object{"type": f.Type, "code": f.Code, "doc_url": docURL(f.Code), "message": f.Message,
		"payment_method": method.render()}
	for name, value := range map[string]string{"decline_code": f.DeclineCode, "param": f.Param, "charge": f.Charge} {
		if value != "" {
			rendered[name] = value
		}
	}
	return rendered
}
