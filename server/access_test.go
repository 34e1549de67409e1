package server_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
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
UserController_changePassword     401  401     401     401   401    401      401   401      401      401     401      201     201   201     201      201   201
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
				if operation == "UserController_changePassword" && answer.status == 201 {
					s = newScene(t) // this caller's token has ended
				}
				got := fmt.Sprint(answer.status)
				if bytes.Contains(answer.body, []byte(it.owner.id)) || bytes.Contains(answer.body, []byte(it.payment)) {
					got += "*"
				}
				if got != row[caller] {
					t.Errorf("%s gets %s, want %s: %s", caller, got, row[caller], answer.body)
				}
				if answer.status == 401 {
					code := "token_invalid"
					switch caller {
					case "none":
						code = "unauthenticated"
					case "expired":
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
