package sandbox

import "strings"

// route is one operation of Stripe's API that is emulated.
type route struct {
	method, pattern string
	// returns is the type of the answer's object, for expansion; with list it
	// is the type of the list's objects.
	returns string
	list    bool
	// prepare reads the parameters and returns the work.
	prepare func(*call) work
	// refused names the parameters that Stripe has and the sandbox has not.
	refused string
}

// String is how inspectors and logs name the route, and what faults match.
func (r *route) String() string { return r.method + " " + r.pattern }

// path puts the ids into the pattern.
func (r *route) path(id, sub string) string {
	p := strings.Replace(r.pattern, "*", id, 1)
	return strings.Replace(p, "*", sub, 1)
}

// Parameters of Stripe's that several routes refuse.
const (
	refusedOfCustomers = "address balance cash_balance coupon default_source invoice_prefix invoice_settings next_invoice_sequence payment_method preferred_locales promotion_code shipping source tax tax_exempt tax_id_data test_clock"
	refusedOfIntents   = "application_fee_amount confirmation_method error_on_requires_action mandate mandate_data on_behalf_of payment_method_configuration payment_method_data payment_method_options radar_options shipping statement_descriptor statement_descriptor_suffix transfer_data transfer_group use_stripe_sdk"
)

// routes are all that is emulated. The first match counts.
var routes = []route{
	{"POST", "/v1/customers", "customer", false, (*call).createCustomer, refusedOfCustomers},
	{"GET", "/v1/customers", "customer", true, (*call).listCustomers, "test_clock"},
	{"GET", "/v1/customers/*", "customer", false, (*call).retrieveCustomer, ""},
	{"POST", "/v1/customers/*", "customer", false, (*call).updateCustomer, refusedOfCustomers},
	{"DELETE", "/v1/customers/*", "", false, (*call).deleteCustomer, ""},
	{"GET", "/v1/customers/*/payment_methods", "payment_method", true, (*call).listCustomerMethods, ""},
	{"GET", "/v1/customers/*/payment_methods/*", "payment_method", false, (*call).retrieveCustomerMethod, ""},

	{"POST", "/v1/payment_intents", "payment_intent", false, (*call).createIntent, refusedOfIntents},
	{"GET", "/v1/payment_intents", "payment_intent", true, (*call).listIntents, ""},
	{"GET", "/v1/payment_intents/*", "payment_intent", false, (*call).retrieveIntent, "client_secret"},
	{"POST", "/v1/payment_intents/*", "payment_intent", false, (*call).updateIntent, refusedOfIntents + " capture_method currency payment_method_types"},
	{"POST", "/v1/payment_intents/*/confirm", "payment_intent", false, (*call).confirmIntent, refusedOfIntents + " capture_method client_secret payment_method_types"},
	{"POST", "/v1/payment_intents/*/capture", "payment_intent", false, (*call).captureIntent, refusedOfIntents + " final_capture"},
	{"POST", "/v1/payment_intents/*/cancel", "payment_intent", false, (*call).cancelIntent, ""},

	{"GET", "/v1/payment_methods", "payment_method", true, (*call).listMethods, ""},
	{"GET", "/v1/payment_methods/*", "payment_method", false, (*call).retrieveMethod, ""},
	{"POST", "/v1/payment_methods/*/attach", "payment_method", false, (*call).attachMethod, ""},
	{"POST", "/v1/payment_methods/*/detach", "payment_method", false, (*call).detachMethod, ""},

	{"GET", "/v1/charges", "charge", true, (*call).listCharges, "transfer_group"},
	{"GET", "/v1/charges/*", "charge", false, (*call).retrieveCharge, ""},

	{"GET", "/v1/events", "event", true, (*call).listEvents, ""},
	{"GET", "/v1/events/*", "event", false, (*call).retrieveEvent, ""},
}
