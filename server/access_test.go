package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// accessTable is who may do what: the status that each kind of caller gets from
// each operation on one user and one payment, both the owner's. A star says that
// the answer shows that user or payment.
//
// The first eleven kinds of caller have no token that counts:
//
//	none       no Authorization header
//	garbage    no token at all
//	expired    an hour ago
//	early      issued in an hour
//	issuer     of another issuer
//	audience   for another audience
//	hs256      HMAC with the published public key as its secret
//	unsigned   the algorithm none
//	tampered   the owner's token, made to say that it is the admin's
//	dropped    signed with a key that the server no longer has
//	deleted    the token of a user who has been deleted since
//
// The others are who they say they are:
//
//	retired    the owner, whose token a key signed that only verifies by now
//	owner      the user itself; the payment is the owner's
//	creator    who created that user with POST /user
//	stranger   a user with no part in it
//	admin      an admin
//	exadmin    an admin until a moment ago
const accessTable = `
operation                         none garbage expired early issuer audience hs256 unsigned tampered dropped deleted  retired owner creator stranger admin exadmin
UserController_create             401  401     401     401   401    401      401   401      401      401     401      201     201   201     201      201   201
UserController_findAll            401  401     401     401   401    401      401   401      401      401     401      200*    200*  200*    200      200*  200
UserController_findOne            401  401     401     401   401    401      401   401      401      401     401      200*    200*  200*    404      200*  404
UserController_update             401  401     401     401   401    401      401   401      401      401     401      200*    200*  200*    404      200*  404
UserController_remove             401  401     401     401   401    401      401   401      401      401     401      200*    200*  200*    404      200*  404
UserController_register           201  201     201     201   201    201      201   201      201      201     201      201     201   201     201      201   201
UserController_login              201  201     201     201   201    201      201   201      201      201     201      201     201   201     201      201   201
PaymentController_getPayments     401  401     401     401   401    401      401   401      401      401     401      200*    200*  200     200      200   200
PaymentController_getPayment      401  401     401     401   401    401      401   401      401      401     401      200*    200*  404     404      404   404
PaymentController_createPayment   401  401     401     401   401    401      401   401      401      401     401      201*    201*  201     201      201   201
PaymentController_confirmPayment  401  401     401     401   401    401      401   401      401      401     401      201*    201*  404     404      404   404
WebhookController_stripe          400  400     400     400   400    400      400   400      400      400     400      400     400   400     400      400   400
`

// access is the table, by operation and caller.
func access(t *testing.T) (callers []string, want map[string]map[string]string) {
	t.Helper()
	rows := strings.Split(strings.TrimSpace(accessTable), "\n")
	callers = strings.Fields(rows[0])[1:]
	want = map[string]map[string]string{}
	for _, row := range rows[1:] {
		cells := strings.Fields(row)
		if len(cells) != len(callers)+1 || want[cells[0]] != nil {
			t.Fatalf("a row with cells missing, or a second one: %s", row)
		}
		want[cells[0]] = map[string]string{}
		for i, caller := range callers {
			want[cells[0]][caller] = cells[i+1]
		}
	}
	return callers, want
}

func TestAccessTableHasEveryOperation(t *testing.T) {
	t.Parallel()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	var spec []string
	for _, item := range c.spec.Paths.Map() {
		for _, op := range item.Operations() {
			spec = append(spec, op.OperationID)
		}
	}
	slices.Sort(spec)
	_, want := access(t)
	for _, operation := range spec {
		if want[operation] == nil {
			t.Errorf("the table does not say who may call %s: add a row", operation)
		}
	}
	for operation := range want {
		if !slices.Contains(spec, operation) {
			t.Errorf("the table has %s, the spec has not", operation)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	callers, want := access(t)
	for operation, row := range want {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			for _, caller := range callers {
				// Fresh objects for each: some operations take them away.
				it := s.objects()
				r := it.request(operation)
				r.header = s.credentials(caller, it)
				answer := s.send(r)
				got := fmt.Sprint(answer.status)
				if bytes.Contains(answer.body, []byte(it.owner.id)) || bytes.Contains(answer.body, []byte(it.payment)) {
					got += "*"
				}
				if got != row[caller] {
					t.Errorf("%s gets %s, want %s: %s", caller, got, row[caller], answer.body)
				}
				if answer.status == 401 {
					code := "unauthenticated"
					if caller == "expired" {
						code = "token_expired"
					}
					answer.problem(t, 401, code)
				}
			}
		})
	}
}

// A stranger's 404 is the same for what exists and for what does not: the same
// answer, byte for byte, from the same number of reads and calls to Stripe.
func TestNobodyCanTellForeignFromMissing(t *testing.T) {
	t.Parallel()
	callers, want := access(t)
	for operation, row := range want {
		if !slices.Contains(slices.Collect(maps.Values(row)), "404") {
			continue
		}
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			it := s.objects()
			missing := it
			missing.owner.id, missing.payment = store.NewID(time.Now()), "pi_"+strings.Repeat("0", len(it.payment)-3)
			for _, caller := range callers {
				if row[caller] != "404" {
					continue
				}
				for i, body := range bodiesOn(operation, it) {
					ask := func(it objects) (string, int64) {
						r := it.request(operation)
						r.header = s.credentials(caller, it)
						r.header.Set("X-Request-Id", "the-same")
						if body != nil {
							r.body = body(it)
						}
						before := s.cost()
						answer := s.send(r)
						answer.want(t, 404)
						answer.header.Del("Date")
						return fmt.Sprint(answer.header, "\n", string(answer.body)), s.cost() - before
					}
					foreign, foreignCost := ask(it)
					none, noneCost := ask(missing)
					if foreign != none {
						t.Errorf("%s, body %d: a foreign object answers\n%s\nand a missing one\n%s", caller, i, foreign, none)
					}
					if foreignCost != noneCost {
						t.Errorf("%s, body %d: a foreign object costs %d reads and calls, a missing one %d", caller, i, foreignCost, noneCost)
					}
				}
			}
		})
	}
}

// bodiesOn are the bodies that an operation on one object is tried with. nil is
// that of objects.request.
func bodiesOn(operation string, it objects) []func(objects) any {
	always := func(body any) func(objects) any { return func(objects) any { return body } }
	switch operation {
	case "UserController_update":
		return []func(objects) any{
			nil, always(object{}), always(object{"email": it.owner.email}), always(object{"userName": "right\u202eleft"}),
			always(object{"customerId": "cus_ofNobody"}), always(object{"customerId": it.customer}),
		}
	case "PaymentController_confirmPayment":
		confirm := func(cuid, method string) func(objects) any {
			return func(it objects) any {
				return object{"cuid": cuid, "paymentId": it.payment, "paymentMethodId": method}
			}
		}
		return []func(objects) any{nil, confirm("another", "pm_card_visa"), confirm("access", "pm_unknown")}
	}
	return []func(objects) any{nil}
}

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
	s.get("/payment/"+claimsUser, thief.owner.token).want(t, 200)
	s.get("/payment/"+claimsPayment, thief.owner.token).problem(t, 404, "payment_not_found")
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
	free := customer("name=Free")
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

// scene is a system whose every kind of caller is there.
type scene struct {
	*api
	reads                                      *countingStore
	creator, stranger, admin, exadmin, deleted person
}

func newScene(t *testing.T) *scene {
	t.Helper()
	ring := testRing(t)
	keys, err := auth.ParseKeys(ring.signing.pem, ring.retired.public)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{reads: &countingStore{}}
	s.api = start(t, setup{
		noWebhooks: true,
		wrap:       func(db store.Store) store.Store { s.reads.Store = db; return s.reads },
		change:     func(c *server.Config) { c.Keys = keys },
	})
	s.creator, s.stranger, s.admin, s.exadmin, s.deleted = s.register(), s.register(), s.api.admin(), s.api.admin(), s.register()
	u, err := s.store.User(t.Context(), s.exadmin.id)
	if err != nil {
		t.Fatal(err)
	}
	u.Admin = false
	if err := s.store.UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	s.send(request{method: "DELETE", path: "/user/" + s.deleted.id, token: s.deleted.token}).want(t, 200)
	return s
}

// cost is how many reads and calls to Stripe there were.
func (s *scene) cost() int64 {
	n := s.reads.n.Load()
	for _, calls := range s.box.Requests() {
		n += int64(calls)
	}
	return n
}

// objects are a user, created by the creator, and a payment of that user.
type objects struct {
	owner             person
	payment, customer string
}

func (s *scene) objects() objects {
	s.t.Helper()
	email := fmt.Sprintf("person%d@example.com", people.Add(1))
	id := s.post("/user", s.creator.token, object{"userName": "Owner", "email": email, "password": password}).want(s.t, 201).text(s.t, "userId")
	token := s.post("/user/login", "", object{"email": email, "password": password}).want(s.t, 201).text(s.t, "access_token")
	it := objects{owner: person{id: id, email: email, token: token}}
	it.payment = s.pay(it.owner, "access")
	it.customer = s.get("/user/"+id, token).text(s.t, "customerId")
	return it
}

// request is a good request for the operation on these objects, without a token.
func (it objects) request(operation string) request {
	fresh := object{"userName": "Fresh", "email": fmt.Sprintf("person%d@example.com", people.Add(1)), "password": password}
	r, known := map[string]request{
		"UserController_create":            {method: "POST", path: "/user", body: fresh},
		"UserController_register":          {method: "POST", path: "/user/register", body: fresh},
		"UserController_login":             {method: "POST", path: "/user/login", body: object{"email": it.owner.email, "password": password}},
		"UserController_findAll":           {method: "GET", path: "/user"},
		"UserController_findOne":           {method: "GET", path: "/user/" + it.owner.id},
		"UserController_update":            {method: "PATCH", path: "/user/" + it.owner.id, body: object{"userName": "Changed"}},
		"UserController_remove":            {method: "DELETE", path: "/user/" + it.owner.id},
		"PaymentController_getPayments":    {method: "GET", path: "/payment"},
		"PaymentController_getPayment":     {method: "GET", path: "/payment/" + it.payment},
		"PaymentController_createPayment":  {method: "POST", path: "/payment", body: object{"cuid": "access"}},
		"PaymentController_confirmPayment": {method: "POST", path: "/payment/confirm", body: object{"cuid": "access", "paymentId": it.payment, "paymentMethodId": "pm_card_visa"}},
		// No token stands in for Stripe's signature.
		"WebhookController_stripe": {method: "POST", path: "/webhook/stripe", body: object{"id": "evt_1", "type": "payment_intent.succeeded"}},
	}[operation]
	if !known {
		panic("access_test.go has no request for " + operation + ": add one that the operation takes")
	}
	return r
}

// credentials are the Authorization header of a caller.
func (s *scene) credentials(caller string, it objects) http.Header {
	ring := testRing(s.t)
	now := time.Now()
	good := jwt.MapClaims{
		"iss": "nest-payments", "aud": "nest-payments", "sub": it.owner.id, "jti": "forged",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	signed := func(key testKey, changes jwt.MapClaims) string {
		claims := maps.Clone(good)
		maps.Copy(claims, changes)
		return forge(s.t, key, jwt.SigningMethodRS256, key.private, claims)
	}
	var token string
	switch caller {
	case "none":
		return http.Header{}
	case "garbage":
		token = "garbage"
	case "expired":
		token = signed(ring.signing, jwt.MapClaims{"iat": now.Add(-2 * time.Hour).Unix(), "exp": now.Add(-time.Hour).Unix()})
	case "early":
		token = signed(ring.signing, jwt.MapClaims{"iat": now.Add(time.Hour).Unix(), "exp": now.Add(2 * time.Hour).Unix()})
	case "issuer":
		token = signed(ring.signing, jwt.MapClaims{"iss": "somebody-else"})
	case "audience":
		token = signed(ring.signing, jwt.MapClaims{"aud": "something-else"})
	case "hs256":
		token = forge(s.t, ring.signing, jwt.SigningMethodHS256, ring.signing.public, good)
	case "unsigned":
		token = forge(s.t, ring.signing, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good)
	case "tampered":
		parts := strings.Split(it.owner.token, ".")
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			s.t.Fatal(err)
		}
		claims = bytes.ReplaceAll(claims, []byte(it.owner.id), []byte(s.admin.id))
		token = parts[0] + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + parts[2]
	case "dropped":
		token = signed(ring.dropped, nil)
	case "deleted":
		token = s.deleted.token
	case "retired":
		token = signed(ring.retired, nil)
	case "owner":
		token = it.owner.token
	case "creator":
		token = s.creator.token
	case "stranger":
		token = s.stranger.token
	case "admin":
		token = s.admin.token
	case "exadmin":
		token = s.exadmin.token
	default:
		s.t.Fatalf("the table has an unknown caller %q", caller)
	}
	return http.Header{"Authorization": {"Bearer " + token}}
}

// forge makes a token that is like one of ours but for the method and claims.
func forge(t testing.TB, named testKey, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"], token.Header["typ"] = named.kid, "at+jwt"
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// countingStore counts what is read of users and payments.
type countingStore struct {
	store.Store
	n atomic.Int64
}

func (c *countingStore) User(ctx context.Context, id string) (*store.User, error) {
	c.n.Add(1)
	return c.Store.User(ctx, id)
}

func (c *countingStore) UserByEmail(ctx context.Context, key string) (*store.User, error) {
	c.n.Add(1)
	return c.Store.UserByEmail(ctx, key)
}

func (c *countingStore) UserByCustomer(ctx context.Context, id string) (*store.User, error) {
	c.n.Add(1)
	return c.Store.UserByCustomer(ctx, id)
}

func (c *countingStore) PaymentByCUID(ctx context.Context, userID, cuid string) (*store.Payment, error) {
	c.n.Add(1)
	return c.Store.PaymentByCUID(ctx, userID, cuid)
}

func (c *countingStore) PaymentByIntent(ctx context.Context, id string) (*store.Payment, error) {
	c.n.Add(1)
	return c.Store.PaymentByIntent(ctx, id)
}

func (c *countingStore) UpdateUser(ctx context.Context, u *store.User) error {
	c.n.Add(1)
	return c.Store.UpdateUser(ctx, u)
}

func (c *countingStore) UpdatePayment(ctx context.Context, p *store.Payment) error {
	c.n.Add(1)
	return c.Store.UpdatePayment(ctx, p)
}
