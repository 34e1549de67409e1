package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// signUp registers as if from this address.
func (a *api) signUp(address, email string) answer {
	a.t.Helper()
	return a.from(address, request{method: "POST", path: "/user/register", body: object{"userName": "A", "email": email, "password": password}})
}

// createUser has the user create another, as if from this address.
func (a *api) createUser(address string, by person, email string) answer {
	a.t.Helper()
	return a.from(address, request{method: "POST", path: "/user", token: by.token, body: object{"userName": "A", "email": email, "password": password}})
}

// changeEmail changes the address of the user, as if from this network address.
func (a *api) changeEmail(address string, by person, id, email string) answer {
	a.t.Helper()
	return a.from(address, request{method: "PATCH", path: "/user/" + id, token: by.token, body: object{"email": email}})
}

func TestSignUpsAreThrottledByAddress(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{SignUps: 3}))
	a.signUp("192.0.2.1", "first@example.com").want(t, 201)
	a.signUp("192.0.2.1", "first@example.com").problem(t, 409, "email_taken")
	a.signUp("192.0.2.1", "second@example.com").want(t, 201)
	a.signUp("192.0.2.1", "third@example.com").tooMany(t, time.Hour)
	a.signUp("192.0.2.2", "third@example.com").want(t, 201)
	a.ahead.Add(int64(time.Hour))
	a.signUp("192.0.2.1", "fourth@example.com").want(t, 201)
}

// An IPv6 /48 is one site, whichever of its /64s is used, for registrations, creations
// and changes of an email address.
func TestSignUpsAreThrottledBySite(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{SignUps: 3}))
	me := a.register()
	a.signUp("2001:db8:1:1::1", "a@example.com").want(t, 201)
	a.createUser("2001:db8:1:2::1", me, "b@example.com").want(t, 201)
	a.changeEmail("2001:db8:1:3::1", me, me.id, "c@example.com").want(t, 200)
	a.signUp("2001:db8:1:4::1", "d@example.com").tooMany(t, time.Hour)
	a.createUser("2001:db8:1:5::1", me, "d@example.com").tooMany(t, time.Hour)
	a.changeEmail("2001:db8:1:6::1", me, me.id, "d@example.com").tooMany(t, time.Hour)
	a.signUp("2001:db8:2:1::1", "d@example.com").want(t, 201)
}

func TestCreatedUsersAreThrottledByCaller(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{SignUps: 2}))
	me, other := a.register(), a.register()
	a.createUser("192.0.2.1", me, "first@example.com").want(t, 201)
	a.createUser("192.0.2.2", me, "second@example.com").want(t, 201)
	a.createUser("192.0.2.3", me, "third@example.com").tooMany(t, time.Hour)
	a.createUser("192.0.2.3", other, "third@example.com").want(t, 201)
}

// multiply creates users by users who were created before, 95 times, and returns how
// many it got. Each request comes from the address of its number.
func (a *api) multiply(first person, address func(int) string) int {
	a.t.Helper()
	tree := []person{first}
	for i := range 95 {
		by := tree[i/3%len(tree)]
		email := fmt.Sprintf("tree%d-%d@example.com", people.Add(1), i)
		if got := a.createUser(address(i), by, email); got.status == 201 {
			id := got.text(a.t, "userId")
			token := a.login(fmt.Sprintf("203.0.113.%d", i), email, password).want(a.t, 201).text(a.t, "access_token")
			tree = append(tree, person{id: id, email: email, token: token})
		} else {
			got.problem(a.t, 429, "too_many_requests")
		}
	}
	return len(tree) - 1
}

func TestCreatedUsersDoNotMultiplySignUps(t *testing.T) {
	t.Parallel()
	const limit = 30 // the default
	oneAddress := func(int) string { return "192.0.2.1" }
	manyAddresses := func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }
	for name, address := range map[string]func(int) string{"from one address": oneAddress, "from many addresses": manyAddresses} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startThrottled(t, throttled(auth.ThrottleConfig{}))
			me, other := a.register(), a.register()
			got := a.multiply(me, address)
			t.Logf("95 creations by one user and the users that it led to: %d were made", got)
			if got != limit {
				t.Errorf("%d users were created, want %d", got, limit)
			}
			a.createUser("192.0.2.99", other, "of-another@example.com").want(t, 201)
		})
	}
}

// Registrations and creations from one address count together.
func TestRegistrationsAndCreationsFromOneAddressCountTogether(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{SignUps: 4}))
	me := a.register()
	a.signUp("192.0.2.1", "a@example.com").want(t, 201)
	a.createUser("192.0.2.1", me, "b@example.com").want(t, 201)
	a.changeEmail("192.0.2.1", me, me.id, "c@example.com").want(t, 200)
	a.signUp("192.0.2.1", "d@example.com").want(t, 201)
	a.signUp("192.0.2.1", "e@example.com").tooMany(t, time.Hour)
	a.createUser("192.0.2.1", me, "e@example.com").tooMany(t, time.Hour)
	a.changeEmail("192.0.2.1", me, me.id, "e@example.com").tooMany(t, time.Hour)
	a.signUp("192.0.2.2", "e@example.com").want(t, 201)
}

// The chain of creators is stored, and users from before it was stored count with
// their creator.
func TestTheRootOfCreatorsIsStored(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{SignUps: 3}))
	me := a.register()
	child := a.createUser("192.0.2.1", me, "child@example.com").want(t, 201).text(t, "userId")
	token := a.login("192.0.2.1", "child@example.com", password).want(t, 201).text(t, "access_token")
	grandchild := a.createUser("192.0.2.1", person{token: token}, "grandchild@example.com").want(t, 201).text(t, "userId")
	for id, want := range map[string]string{me.id: "", child: me.id, grandchild: me.id} {
		if u := a.user(id); u.RootCreator != want {
			t.Errorf("the root of %s is %q, want %q", id, u.RootCreator, want)
		}
	}
	u := a.user(child)
	u.RootCreator = ""
	if err := a.store.UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	a.createUser("192.0.2.2", person{token: token}, "late@example.com").want(t, 201)
	a.createUser("192.0.2.2", me, "later@example.com").tooMany(t, time.Hour)
}

// user reads a user from the store.
func (a *api) user(id string) *store.User {
	a.t.Helper()
	u, err := a.store.User(a.t.Context(), id)
	if err != nil {
		a.t.Fatal(err)
	}
	return u
}

// Whether somebody has an address is told to a user 30 times an hour, by whatever
// request and from whatever network, and not 200 times.
func TestChangesOfAnEmailTellLittleAboutAccounts(t *testing.T) {
	t.Parallel()
	const limit = 30 // the default
	a := startThrottled(t, throttled(auth.ThrottleConfig{}))
	me, other := a.register(), a.register()
	verdicts := 0
	for i := range 200 {
		got := a.changeEmail(fmt.Sprintf("198.51.100.%d", i), me, me.id, other.email)
		if got.status == 409 {
			verdicts++
			continue
		}
		got.tooMany(t, time.Hour)
	}
	t.Logf("200 changes to an address that is taken: %d were answered", verdicts)
	if verdicts != limit {
		t.Errorf("%d verdicts, want %d", verdicts, limit)
	}
	// Refused alike: an address that is free, and the creation of a user.
	a.changeEmail("192.0.2.1", me, me.id, "free@example.com").tooMany(t, time.Hour)
	a.createUser("192.0.2.2", me, "free@example.com").tooMany(t, time.Hour)
	// What tells nothing is not counted.
	a.changeEmail("192.0.2.1", me, me.id, " "+me.email).want(t, 200)
	a.from("192.0.2.1", request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: object{"userName": "B"}}).want(t, 200)
	a.changeEmail("192.0.2.1", other, other.id, "other-now@example.com").want(t, 200)
}

// A user who changes the addresses of users they created is counted as the caller.
func TestChangesOfCreatedUsersCountForTheCaller(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{SignUps: 3}))
	me := a.register()
	child := a.createUser("192.0.2.1", me, "child@example.com").want(t, 201).text(t, "userId")
	a.changeEmail("192.0.2.2", me, child, "one@example.com").want(t, 200)
	a.changeEmail("192.0.2.3", me, child, "two@example.com").want(t, 200)
	a.changeEmail("192.0.2.4", me, child, "three@example.com").tooMany(t, time.Hour)
}
