// Package upgrade_test runs the previous release and this one side by side on one
// MongoDB database, as replicas do during a rolling upgrade: each reads and changes
// what the other wrote.
package upgrade_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// erasedByThePreviousRelease are the fields that are younger than the previous release.
// It replaces whole documents, so its updates erase them. This is the price of an
// upgrade from it: operators are told to keep the time short in which both run. A
// newer field belongs here only if losing it for that time is harmless.
//
//   - passwordSetBy and rootCreator: the user counts as one that an older program made.
//   - session: access tokens that were ended work again until they expire.
//   - syncFailures: the update of the Stripe customer is tried sooner.
//   - fieldOfALaterRelease: what this test adds.
var erasedByThePreviousRelease = []string{"fieldOfALaterRelease", "passwordSetBy", "rootCreator", "session", "syncFailures"}

const password = "correct horse battery"

func TestThePreviousReleaseAndThisOneShareADatabase(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	releases := []release{s.previous, s.current}
	for i := range 6 {
		first, second := releases[i%2], releases[(i+1)%2]
		t.Run(fmt.Sprintf("%s first, %d", first.name, i), func(t *testing.T) {
			u := register(t, first, fmt.Sprintf("ada%d@example.com", i))
			second.do(t, "PATCH", "/user/"+u.id, u.token, object{"userName": "Grace"}, 200)
			if got := first.do(t, "GET", "/user/"+u.id, u.token, nil, 200)["userName"]; got != "Grace" {
				t.Errorf("name after the other's change: got %v, want Grace", got)
			}
			second.do(t, "POST", "/user/login", "", object{"email": u.email, "password": password}, 201)
			for n := range 3 {
				payOnce(t, first, second, u, fmt.Sprintf("cuid-%d-%d", i, n), n)
			}
		})
	}
	wantOneChargeEach(t, s.box, 6*3)
}

// payOnce creates a payment at one release and confirms it at both at once.
func payOnce(t *testing.T, first, second release, u user, cuid string, n int) {
	t.Helper()
	created := first.do(t, "POST", "/payment", u.token, object{"cuid": cuid}, 201)
	again := second.do(t, "POST", "/payment", u.token, object{"cuid": cuid}, 201)
	if created["id"] != again["id"] || created["amount"] != again["amount"] {
		t.Errorf("%s: created twice: got %v and %v, want the same payment", cuid, created, again)
	}
	confirm := object{"cuid": cuid, "paymentId": created["id"], "paymentMethodId": "pm_card_visa"}
	if n == 1 { // declined first
		declined := object{"cuid": cuid, "paymentId": created["id"], "paymentMethodId": "pm_card_visa_chargeDeclined"}
		second.do(t, "POST", "/payment/confirm", u.token, declined, 402)
	}
	var confirming sync.WaitGroup
	for _, r := range []release{first, second} {
		confirming.Go(func() { r.confirm(t, u.token, confirm) })
	}
	confirming.Wait()
	for _, r := range []release{first, second} {
		got := r.do(t, "GET", "/payment/"+created["id"].(string), u.token, nil, 200)
		if got["status"] != "succeeded" {
			t.Errorf("%s: status at the %s: got %v, want succeeded", cuid, r.name, got["status"])
		}
	}
}

func wantOneChargeEach(t *testing.T, box *sandbox.Sandbox, payments int) {
	t.Helper()
	charged := map[string]int{}
	for _, c := range box.Charges() {
		if c.Status == "succeeded" {
			charged[c.Intent]++
		}
	}
	if len(charged) != payments || len(box.Intents()) != payments {
		t.Errorf("got %d payments charged of %d intents, want %d of both", len(charged), len(box.Intents()), payments)
	}
	for intent, n := range charged {
		if n != 1 {
			t.Errorf("%s: charged %d times, want once", intent, n)
		}
	}
}

// What an update erases is known: nothing if this release does it.
func TestUpdatesDuringAnUpgradeEraseNothingUnexpected(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	for _, tt := range []struct {
		by     release
		erased []string
	}{{s.current, nil}, {s.previous, erasedByThePreviousRelease}} {
		t.Run(tt.by.name, func(t *testing.T) {
			u := register(t, s.current, "eve@"+tt.by.name+".example.com")
			payment := s.current.do(t, "POST", "/payment", u.token, object{"cuid": "c"}, 201)
			younger := bson.D{{Key: "syncFailures", Value: 1}, {Key: "fieldOfALaterRelease", Value: "x"},
				{Key: "rootCreator", Value: "x"}, {Key: "passwordSetBy", Value: "x"}}
			s.set(t, "users", bson.D{{Key: "email", Value: u.email}}, younger)
			s.set(t, "payments", bson.D{{Key: "intentId", Value: payment["id"]}}, bson.D{{Key: "fieldOfALaterRelease", Value: "x"}})
			// Not before: the token has the session in which it was made.
			wantErased(t, tt.erased, s, "users", bson.D{{Key: "email", Value: u.email}}, func() {
				tt.by.do(t, "PATCH", "/user/"+u.id, u.token, object{"userName": "Grace"}, 200)
			})
			wantErased(t, tt.erased, s, "payments", bson.D{{Key: "intentId", Value: payment["id"]}}, func() {
				tt.by.do(t, "POST", "/payment/confirm", u.token, object{"cuid": "c", "paymentId": payment["id"], "paymentMethodId": "pm_card_visa"}, 201)
			})
		})
	}
}

// wantErased checks which fields of a document are gone after a change: those of
// expected that it had. checkAt goes when a payment is settled, syncFailures when
// the Stripe customer is up to date.
func wantErased(t *testing.T, expected []string, s *system, collection string, filter bson.D, change func()) {
	t.Helper()
	before := s.document(t, collection, filter)
	change()
	after := s.document(t, collection, filter)
	for _, field := range slices.Sorted(maps.Keys(before)) {
		_, kept := after[field]
		if want := !slices.Contains(expected, field); kept != want && field != "checkAt" && field != "syncAt" {
			t.Errorf("%s.%s after the update: got it kept %t, want %t", collection, field, kept, want)
		}
	}
}
