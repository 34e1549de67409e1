package server_test

import (
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// A customer is whoever is charged: nobody but an admin gets a user another one,
// in whatever way it is tried.
func TestNobodyTakesAStrangersCustomer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	victim := s.objects()
	thief := s.objects().owner // who has a customer of their own
	for _, who := range []struct {
		name  string
		thief person
	}{{"a user who pays", thief}, {"a user who never paid", s.stranger}, {"a former admin", s.exadmin}} {
		before := s.user(who.thief.id)
		for _, customer := range []string{victim.customer, "cus_ofNobody"} {
			got := s.send(request{method: "PATCH", path: "/user/" + who.thief.id, token: who.thief.token, body: object{"customerId": customer}})
			got.problem(t, 403, "customer_forbidden")
			fresh := object{"userName": "A", "email": "fresh@example.com", "password": password, "customerId": customer}
			s.post("/user/register", "", fresh).problem(t, 400, "invalid_request")
			s.post("/user", who.thief.token, fresh).problem(t, 400, "invalid_request")
			for _, name := range []string{"customerId", "customer"} {
				s.post("/payment", who.thief.token, object{"cuid": "theft", name: customer}).problem(t, 400, "invalid_request")
				s.post("/payment/confirm", who.thief.token, object{"cuid": "access", "paymentId": victim.payment, "paymentMethodId": "pm_card_visa", name: customer}).
					problem(t, 400, "invalid_request")
			}
		}
		if after := s.user(who.thief.id); after != before {
			t.Errorf("%s has changed from %+v to %+v", who.name, before, after)
		}
	}
	// The creator may change the user, and yet not the customer.
	s.send(request{method: "PATCH", path: "/user/" + victim.owner.id, token: s.creator.token, body: object{"customerId": "cus_ofNobody"}}).
		problem(t, 403, "customer_forbidden")
}

// Events are signed, and even so only name what to look at: what they say of
// customers and users counts for nothing.
func TestEventsMoveNoCustomer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	victim, thief := s.objects(), s.objects()
	before := [2]store.User{s.user(victim.owner.id), s.user(thief.owner.id)}
	for _, e := range []object{
		{"id": "evt_1", "type": "customer.updated", "data": object{"object": object{
			"id": victim.customer, "object": "customer", "metadata": object{"userId": thief.owner.id}}}},
		{"id": "evt_2", "type": "payment_intent.created", "data": object{"object": object{
			"id": thief.payment, "object": "payment_intent", "customer": victim.customer, "metadata": object{"userId": victim.owner.id}}}},
		{"id": "evt_3", "type": "payment_intent.succeeded", "data": object{"object": object{
			"id": victim.payment, "object": "payment_intent", "customer": thief.customer, "metadata": object{"userId": thief.owner.id}}}},
	} {
		s.signed(webhookSecret, s.clock(), e).want(t, 204)
	}
	if after := [2]store.User{s.user(victim.owner.id), s.user(thief.owner.id)}; after != before {
		t.Errorf("events changed\n%+v\nto\n%+v", before, after)
	}
	s.get("/payment/"+victim.payment, thief.owner.token).problem(t, 404, "payment_not_found")
	s.get("/payment/"+thief.payment, victim.owner.token).problem(t, 404, "payment_not_found")
}

// Metadata can be written by all who have access to the Stripe account: a payment
// goes by the customer that it charges, whatever the metadata claims.
func TestMetadataMovesNoPayment(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	victim, thief := s.objects(), s.objects()
	// A payment of the victim that has no intent yet, for one to be foisted on it.
	s.fault(sandbox.Fault{Match: "POST /v1/payment_intents", Kind: sandbox.FaultRateLimit})
	s.post("/payment", victim.owner.token, object{"cuid": "waiting"}).problem(t, 503, "stripe_unavailable")
	waiting, err := s.store.PaymentByCUID(t.Context(), victim.owner.id, "waiting")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := func(form string) string {
		id := s.stripe("POST", "/v1/payment_intents", "amount=100&currency=usd&"+form).text(t, "id")
		s.event("payment_intent.created", id).want(t, 204)
		return id
	}
	claimsPayment := elsewhere("customer=" + thief.customer + "&metadata[paymentId]=" + waiting.ID + "&metadata[userId]=" + victim.owner.id + "&metadata[cuid]=waiting")
	claimsUser := elsewhere("customer=" + thief.customer + "&metadata[userId]=" + victim.owner.id)
	ofNobody := elsewhere("metadata[userId]=" + victim.owner.id)
	s.ahead.Add(int64(25 * time.Hour)) // past the life of idempotency keys: Stripe is searched
	s.reconcile()

	victim.owner.token = s.post("/user/login", "", object{"email": victim.owner.email, "password": password}).want(t, 201).text(t, "access_token")
	thief.owner.token = s.post("/user/login", "", object{"email": thief.owner.email, "password": password}).want(t, 201).text(t, "access_token")
	created := s.post("/payment", victim.owner.token, object{"cuid": "waiting"}).want(t, 201).object(t)
	if created["id"] == claimsPayment || created["amount"] != 2000.0 {
		t.Errorf("the victim's payment is %v, want one of its own", created)
	}
	for _, id := range []string{claimsPayment, claimsUser, ofNobody} {
		s.get("/payment/"+id, victim.owner.token).problem(t, 404, "payment_not_found")
	}
	// They charge the thief's own customer, whatever they claim.
	s.get("/payment/"+claimsUser, thief.owner.token).want(t, 200)
	s.get("/payment/"+claimsPayment, thief.owner.token).want(t, 200)
}

// A payment method that is attached to a customer charges that customer's card:
// nobody else can pay with it, and trying changes nobody's customer.
func TestNobodyPaysWithAStrangersCard(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	victim, thief := s.objects(), s.objects()
	card := s.stripe("GET", "/v1/payment_methods/pm_card_visa", "").text(t, "id")
	s.stripe("POST", "/v1/payment_methods/"+card+"/attach", "customer="+victim.customer)
	before := s.user(thief.owner.id)
	s.confirm(thief.owner, "access", thief.payment, card).problem(t, 422, "payment_method_unusable")
	if n := len(s.box.Charges()); n != 0 {
		t.Errorf("there are %d charges, want none", n)
	}
	if after := s.user(thief.owner.id); after != before {
		t.Errorf("the thief has changed from %+v to %+v", before, after)
	}
	s.confirm(victim.owner, "access", victim.payment, card).want(t, 201)
}

// An admin may attach a customer that Stripe has and no user has: not one that
// another user pays with, nor one that was made for another user.
func TestAdminAttachesWhatIsFree(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	it, other := s.objects(), s.objects()
	customer := func(form string) string { return s.stripe("POST", "/v1/customers", form).text(t, "id") }
	attach := func(id, customer string) answer {
		return s.send(request{method: "PATCH", path: "/user/" + id, token: s.admin.token, body: object{"customerId": customer}})
	}
	gone := customer("name=Gone")
	s.stripe("DELETE", "/v1/customers/"+gone, "")
	free := customer("name=Free&metadata[userId]=42") // which another program has written
	for _, tc := range []struct {
		name, customer string
		status         int
		code           string
	}{
		{"of another user", other.customer, 409, "customer_taken"},
		{"made for another user", customer("metadata[userId]=" + other.owner.id), 409, "customer_taken"},
		{"made for a user who is gone", customer("metadata[userId]=" + s.deleted.id), 409, "customer_taken"},
		{"deleted at Stripe", gone, 422, "customer_unknown"},
		{"unknown to Stripe", "cus_ofNobody", 422, "customer_unknown"},
	} {
		before := s.user(it.owner.id)
		attach(it.owner.id, tc.customer).problem(t, tc.status, tc.code)
		if after := s.user(it.owner.id); after != before {
			t.Errorf("a customer %s was refused and attached: %+v", tc.name, after)
		}
	}
	attach(it.owner.id, free).want(t, 200)
	// Stripe's copy does not say yet whose it is now; the database does.
	attach(other.owner.id, free).problem(t, 409, "customer_taken")
}

// user is the user as it is stored.
func (s *scene) user(id string) store.User {
	s.t.Helper()
	u, err := s.store.User(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return *u
}
