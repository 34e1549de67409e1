package sandbox

import "net/http"

const messageSpent = "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first."

// resolve finds a payment method, or makes a fresh one of a test token. ok is
// false if there is none such.
func (c *call) resolve(id string) (method PaymentMethod, ok bool) {
	if !isToken(id) {
		method, ok = c.state.methods.get(id)
		if !ok && looksLikeToken(id) {
			c.log.Warn("not emulated: a test payment method of that name")
		}
		return method, ok
	}
	method = PaymentMethod{ID: newID("pm_"), Token: id, Created: c.at}
	c.state.methods.put(method.ID, method)
	return method, true
}

// pathMethod is resolve for the id in the path.
func (c *call) pathMethod(id string) (PaymentMethod, *apiError) {
	method, ok := c.resolve(id)
	if !ok {
		return method, missingInPath("PaymentMethod", id, "payment_method")
	}
	return method, nil
}

// retrieveMethod answers the GET of a token with a fresh method, as Stripe
// does: a GET that creates.
func (c *call) retrieveMethod() work {
	return func() (object, *apiError) {
		method, e := c.pathMethod(c.id)
		if e != nil {
			return nil, e
		}
		return method.render(), nil
	}
}

func (c *call) attachMethod() work {
	customerID := c.required("customer")
	return func() (object, *apiError) {
		method, e := c.pathMethod(c.id)
		if e != nil {
			return nil, e
		}
		customer, ok := c.state.customers.get(customerID)
		if !ok || customer.Deleted {
			return nil, missingInBody("customer", customerID, "customer")
		}
		switch {
		case method.Customer == customerID:
			return method.render(), nil
		case method.Customer != "":
			return nil, invalid("The payment method you provided has already been attached to a customer.")
		case method.Spent:
			return nil, invalid(messageSpent)
		case method.test().failsAttach:
			return nil, attachDeclined(*method.test().decline)
		}
		method.Customer, method.Checked = customerID, true
		c.state.methods.put(method.ID, method)
		c.emit(c.cause, "payment_method.attached", method.render(), nil)
		return method.render(), nil
	}
}

// attachDeclined is the refusal of a card that is to be attached. Where a decline at
// confirm leaves out param, this one sends it as "".
func attachDeclined(d decline) *apiError {
	return &apiError{status: http.StatusPaymentRequired, kind: typeCard, code: d.code, declineCode: d.declineCode,
		message: d.message, param: d.param, emptyParam: d.param == ""}
}

func (c *call) detachMethod() work {
	return func() (object, *apiError) {
		method, ok := c.state.methods.get(c.id)
		if !ok {
			return nil, missingInPath("PaymentMethod", c.id, "payment_method")
		}
		if method.Customer == "" {
			return nil, invalid("The payment method you provided is not attached to a customer so detachment is impossible.").beforeExecution()
		}
		before := method.Customer
		method.Customer, method.Spent = "", true
		c.state.methods.put(method.ID, method)
		c.emit(c.cause, "payment_method.detached", method.render(), object{"customer": before})
		return method.render(), nil
	}
}

// listMethods lists those of a customer. Without a customer the list is empty.
func (c *call) listMethods() work {
	customer := c.filled("customer")
	return c.methodsOf(customer, func() *apiError { return c.checkCustomer(customer) })
}

func (c *call) listCustomerMethods() work {
	return c.methodsOf(c.id, func() *apiError {
		_, e := c.liveCustomer()
		return e
	})
}

func (c *call) methodsOf(customer string, check func() *apiError) work {
	p := c.page()
	kind := c.oneOf("type", "card", "us_bank_account")
	return func() (object, *apiError) {
		if e := check(); e != nil {
			return nil, e
		}
		keep := func(m PaymentMethod) bool {
			return customer != "" && m.Customer == customer && (kind == "" || m.test().wire() == kind)
		}
		return listOf(c, c.state.methods, "PaymentMethod", p, keep, PaymentMethod.render)
	}
}

func (c *call) retrieveCustomerMethod() work {
	return func() (object, *apiError) {
		if _, e := c.liveCustomer(); e != nil {
			return nil, e
		}
		method, ok := c.state.methods.get(c.sub)
		switch {
		case !ok:
			return nil, missingInPath("PaymentMethod", c.sub, "payment_method")
		case method.Customer != c.id:
			e := invalid("The PaymentMethod %s does not belong to the Customer %s.", c.sub, c.id).with("", "customer") // no code
			e.status = http.StatusNotFound
			return nil, e
		}
		return method.render(), nil
	}
}

func (m PaymentMethod) render() object {
	test := m.test()
	rendered := object{
		"id": m.ID, "object": "payment_method", "billing_details": billingDetails(), "created": m.Created,
		"customer": orNull(m.Customer), "livemode": false, "metadata": object{}, "type": test.wire(),
	}
	if test.debit {
		rendered["us_bank_account"] = object{
			"account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
			"financial_connections_account": nil, "fingerprint": test.fingerprint(), "last4": test.last4,
			"networks":       object{"preferred": "ach", "supported": []string{"ach"}},
			"routing_number": "110000000", "status_details": object{},
		}
		return rendered
	}
	check := "unchecked"
	if m.Checked {
		check = "pass"
	}
	rendered["card"] = object{
		"brand": test.brand, "checks": cardChecks(check), "country": "US", "exp_month": 8, "exp_year": expiryYear(m.Created),
		"fingerprint": test.fingerprint(), "funding": test.funding, "generated_from": nil, "last4": test.last4,
		"networks":             object{"available": []string{test.brand}, "preferred": nil},
		"three_d_secure_usage": object{"supported": true}, "wallet": nil,
	}
	return rendered
}

func billingDetails() object {
	return object{
		"address": object{"city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil},
		"email":   nil, "name": nil, "phone": nil,
	}
}

func cardChecks(securityCode string) object {
	return object{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": securityCode}
}
