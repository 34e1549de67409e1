package server_test

import (
	"strings"
	"testing"
)

// What fuzzers of the running API have found, each once.

// The longest ids that the schema lets through are unknown like any other that is
// made up. (An admin's longest customerId was a 502, which blames the operator.)
func TestLongestIDsAreUnknown(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me, admin := a.register(), a.admin()
	longest := func(prefix string, length int) string { return prefix + strings.Repeat("0", length-len(prefix)) }
	a.send(request{method: "PATCH", path: "/user/" + me.id, token: admin.token, body: object{"customerId": longest("cus_", 255)}}).
		problem(t, 422, "customer_unknown")
	id := a.post("/payment", me.token, object{"cuid": "c"}).want(t, 201).text(t, "id")
	a.post("/payment/confirm", me.token, object{"cuid": "c", "paymentId": id, "paymentMethodId": longest("pm_", 128)}).
		problem(t, 422, "payment_method_unusable")
	a.post("/payment/confirm", me.token, object{"cuid": "c", "paymentId": longest("pi_", 255), "paymentMethodId": "pm_card_visa"}).
		problem(t, 404, "payment_not_found")
	a.get("/payment/"+longest("pi_", 255), me.token).problem(t, 404, "payment_not_found")
}
