package server_test

import "fmt"

// goodRequests is a request for each operation that it takes: from me, and about the
// payment with that id and cuid, which are mine. Those that need a token have mine.
func goodRequests(me person, payment, cuid string) map[string]request {
	fresh := func() object {
		return object{"userName": "Fresh", "email": fmt.Sprintf("person%d@example.com", people.Add(1)), "password": password}
	}
	return map[string]request{
		"UserController_create":            {method: "POST", path: "/user", token: me.token, body: fresh()},
		"UserController_register":          {method: "POST", path: "/user/register", body: fresh()},
		"UserController_login":             {method: "POST", path: "/user/login", body: object{"email": me.email, "password": password}},
		"UserController_findAll":           {method: "GET", path: "/user", token: me.token},
		"UserController_findOne":           {method: "GET", path: "/user/" + me.id, token: me.token},
		"UserController_update":            {method: "PATCH", path: "/user/" + me.id, token: me.token, body: object{"userName": "Changed"}},
		"UserController_changePassword":    {method: "POST", path: "/user/password", token: me.token, body: object{"currentPassword": password, "newPassword": "another " + password}},
		"UserController_remove":            {method: "DELETE", path: "/user/" + me.id, token: me.token},
		"PaymentController_getPayments":    {method: "GET", path: "/payment", token: me.token},
		"PaymentController_getPayment":     {method: "GET", path: "/payment/" + payment, token: me.token},
		"PaymentController_createPayment":  {method: "POST", path: "/payment", token: me.token, body: object{"cuid": cuid}},
		"PaymentController_confirmPayment": {method: "POST", path: "/payment/confirm", token: me.token, body: object{"cuid": cuid, "paymentId": payment, "paymentMethodId": "pm_card_visa"}},
		// Good but for Stripe's signature.
		"WebhookController_stripe": {method: "POST", path: "/webhook/stripe", body: object{"id": "evt_1", "type": "payment_intent.succeeded"}},
	}
}

// everything is one good request for each operation but the webhook, about a payment
// with the cuid outage.
func everything(me person, payment string) map[string]request {
	all := goodRequests(me, payment, "outage")
	delete(all, "WebhookController_stripe")
	return all
}
