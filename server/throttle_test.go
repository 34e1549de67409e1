package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// throttled is a setup with these limits, behind a proxy that says where a
// request comes from.
func throttled(limits auth.ThrottleConfig) setup {
	return setup{noWebhooks: true, change: func(c *server.Config) {
		c.Throttle = limits
		c.TrustedProxies = []string{"127.0.0.0/8", "::1/128"}
	}}
}

// startThrottled starts a system at the beginning of a window, so that no window
// ends during a test.
func startThrottled(t *testing.T, s setup) *api {
	t.Helper()
	a := start(t, s)
	a.ahead.Store(int64(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + time.Second))))
	return a
}

// from sends a request as if from this address.
func (a *api) from(address string, r request) answer {
	a.t.Helper()
	r.header = http.Header{"X-Forwarded-For": {address}}
	return a.send(r)
}

func (a *api) login(address, email, password string) answer {
	a.t.Helper()
	return a.from(address, request{method: "POST", path: "/user/login", body: object{"email": email, "password": password}})
}

// fail fails to log in so many times.
func (a *api) fail(times int, address, email string) {
	a.t.Helper()
	for range times {
		a.login(address, email, "not the password").problem(a.t, 401, "invalid_credentials")
	}
}

// tooMany fails the test unless the answer is a 429 that says to wait for
// somewhat less than the window.
func (g answer) tooMany(t *testing.T, window time.Duration) {
	t.Helper()
	g.problem(t, 429, "too_many_requests")
	wait, err := strconv.Atoi(g.header.Get("Retry-After"))
	if most := int(window / time.Second); err != nil || wait < most/2 || wait > most {
		t.Errorf("Retry-After is %q, want nearly the %d seconds of the window", g.header.Get("Retry-After"), most)
	}
}

const loginWindow = 15 * time.Minute

func TestGuessingAPasswordIsThrottled(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: 3}))
	me, other := a.register(), a.register()
	a.fail(3, "192.0.2.1", me.email)
	a.login("192.0.2.1", me.email, "not the password").tooMany(t, loginWindow)
	a.login("192.0.2.1", me.email, password).tooMany(t, loginWindow)
	a.login("192.0.2.1", strings.ToUpper(me.email), password).tooMany(t, loginWindow)

	// Others are not concerned, nor is what needs no login.
	a.login("192.0.2.1", other.email, password).want(t, 201)
	a.login("192.0.2.2", me.email, password).want(t, 201)
	a.get("/user", me.token).want(t, 200)

	a.ahead.Add(int64(loginWindow))
	a.login("192.0.2.1", me.email, password).want(t, 201)
}

// The wait that Retry-After names is long enough, and not longer than needed.
func TestRetryAfterKeepsItsPromise(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: 1}))
	me := a.register()
	a.fail(1, "192.0.2.1", me.email)
	refused := a.login("192.0.2.1", me.email, password)
	refused.tooMany(t, loginWindow)
	wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
	if err != nil {
		t.Fatal(err)
	}
	a.ahead.Add(int64(time.Duration(wait-60) * time.Second))
	a.login("192.0.2.1", me.email, password).want(t, 429)
	a.ahead.Add(int64(60 * time.Second))
	a.login("192.0.2.1", me.email, password).want(t, 201)
}

func TestTheRightPasswordForgetsFailures(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: 3, Accounts: 2, Addresses: 2}))
	me := a.register()
	for range 5 {
		a.fail(2, "192.0.2.1", me.email)
		a.login("192.0.2.1", me.email, password).want(t, 201)
	}
	// Only its own failures: not those of others on the account, nor those of the
	// address on other accounts.
	a.fail(1, "192.0.2.2", me.email)
	a.fail(1, "192.0.2.3", me.email)
	a.login("192.0.2.1", me.email, password).want(t, 201)
	a.login("192.0.2.2", me.email, password).tooMany(t, loginWindow)
	other := a.register()
	a.fail(1, "192.0.2.1", "nobody1@example.org")
	a.fail(1, "192.0.2.1", "nobody2@example.org")
	a.login("192.0.2.1", other.email, password).tooMany(t, loginWindow)
}

// An attacker with any number of addresses who hammers on one account costs its
// owner nothing: the right password is taken from an address that is not the
// attacker's, new or known.
func TestNobodyIsLockedOut(t *testing.T) {
	t.Parallel()
	const addresses = 20 // the default
	a := startThrottled(t, throttled(auth.ThrottleConfig{}))
	me := a.register()
	victim, abroad := "198.51.100.7", "2001:db8:7::7"
	a.login(victim, me.email, password).want(t, 201)
	for i := range addresses {
		a.fail(1, fmt.Sprintf("192.0.2.%d", i), me.email)
	}
	// The attack has been noticed: what has failed is refused, and every new
	// address of the attacker has one try.
	for i := range 3 * addresses {
		address := fmt.Sprintf("203.0.113.%d", i)
		a.fail(1, address, me.email)
		a.login(address, me.email, "another guess").tooMany(t, loginWindow)
	}
	a.login("192.0.2.1", me.email, "another guess").tooMany(t, loginWindow)
	for _, address := range []string{victim, abroad} {
		for range 3 {
			a.login(address, me.email, password).want(t, 201)
		}
	}
	// A typing error costs nothing where the account has logged in before, and
	// elsewhere the rest of the window.
	a.fail(1, victim, me.email)
	a.login(victim, me.email, password).want(t, 201)
	a.fail(1, "198.51.100.8", me.email)
	a.login("198.51.100.8", me.email, password).tooMany(t, loginWindow)
	a.login(abroad, me.email, password).want(t, 201)
	a.ahead.Add(int64(loginWindow))
	a.login(victim, me.email, password).want(t, 201)
}

func TestOneAddressTriesOnlySoManyAccounts(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Accounts: 5}))
	me := a.register()
	for i := range 5 {
		a.fail(1, "192.0.2.1", fmt.Sprintf("somebody%d@example.org", i))
	}
	a.login("192.0.2.1", "somebody5@example.org", "not the password").tooMany(t, loginWindow)
	a.login("192.0.2.1", me.email, password).tooMany(t, loginWindow)
	// What it has tried it may try again, up to that account's own limit.
	a.fail(1, "192.0.2.1", "somebody0@example.org")
	a.login("192.0.2.2", me.email, password).want(t, 201)
}

// A 429 comes at the same moment for an account that exists and one that does
// not, and says the same.
func TestThrottlingTellsNothing(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: 3, Addresses: 3}))
	me := a.register()
	type told struct {
		status int
		body   string
	}
	see := func(email string) (all []told) {
		tell := func(address, password string) {
			got := a.login(address, email, password)
			o := got.object(t)
			delete(o, "instance")
			all = append(all, told{got.status, fmt.Sprint(o)})
		}
		for range 5 {
			tell("192.0.2.1", "not the password")
		}
		for i := range 5 {
			tell(fmt.Sprintf("192.0.2.%d", 10+i), "not the password")
			tell(fmt.Sprintf("192.0.2.%d", 10+i), "not the password")
		}
		return all
	}
	known, unknown := see(me.email), see("nobody@example.org")
	if fmt.Sprint(known) != fmt.Sprint(unknown) {
		t.Errorf("a known and an unknown email differ:\n%v\n%v", known, unknown)
	}
	if last := known[len(known)-1].status; last != 429 {
		t.Errorf("the last answer is %d: nothing was throttled", last)
	}
}

// An address is an IPv4 address or an IPv6 /64; while an account is under attack,
// an IPv6 /48.
func TestWhatCountsAsOneAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, first, second string
		addresses           int
		same                bool
	}{
		{"one IPv4 address", "192.0.2.1", "192.0.2.1", 20, true},
		{"its form in IPv6", "192.0.2.1", "::ffff:192.0.2.1", 20, true},
		{"neighbours in IPv4", "192.0.2.1", "192.0.2.2", 20, false},
		{"one IPv6 /64", "2001:db8::1", "2001:db8::ffff:0:0:1", 20, true},
		{"another IPv6 /64", "2001:db8::1", "2001:db8:0:1::1", 20, false},
		{"another IPv6 /64 of the /48 under attack", "2001:db8::1", "2001:db8:0:1::1", 1, true},
		{"another IPv6 /48 under attack", "2001:db8::1", "2001:db8:1::1", 1, false},
		{"neighbours in IPv4 under attack", "192.0.2.1", "192.0.2.2", 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: 1, Addresses: tc.addresses}))
			a.fail(1, tc.first, "nobody@example.org")
			want := 401
			if tc.same {
				want = 429
			}
			a.login(tc.second, "nobody@example.org", "not the password").want(t, want)
		})
	}
}

// Of guesses at once no more than the limit are told that they were wrong.
func TestGuessesAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	const limit = 5
	a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: limit}))
	me := a.register()
	told := make([]int, 4*limit)
	var wg sync.WaitGroup
	for i := range told {
		wg.Go(func() { told[i] = a.login("192.0.2.1", me.email, "not the password").status })
	}
	wg.Wait()
	count := map[int]int{}
	for _, status := range told {
		count[status]++
	}
	if count[401] != limit || count[429] != len(told)-limit {
		t.Errorf("%d guesses at once were answered %v, want %d times 401 and else 429", len(told), count, limit)
	}
}

// overtaken lets others do something while a password is being checked: meanwhile
// before the user is read, afterwards once the user has been read.
type overtaken struct {
	store.Store
	meanwhile, afterwards func()
}

func (o *overtaken) UserByEmail(ctx context.Context, key string) (*store.User, error) {
	if o.meanwhile != nil {
		run := o.meanwhile
		o.meanwhile = nil
		run()
	}
	u, err := o.Store.UserByEmail(ctx, key)
	if o.afterwards != nil {
		run := o.afterwards
		o.afterwards = nil
		run()
	}
	return u, err
}

func TestAGuessThatWasOvertakenLearnsNothing(t *testing.T) {
	t.Parallel()
	for _, guess := range []string{password, "not the password"} {
		between := &overtaken{}
		s := throttled(auth.ThrottleConfig{Tries: 2})
		s.wrap = func(db store.Store) store.Store { between.Store = db; return between }
		a := startThrottled(t, s)
		me := a.register()
		between.meanwhile = func() { a.fail(2, "192.0.2.1", me.email) }
		a.login("192.0.2.1", me.email, guess).tooMany(t, loginWindow)
	}
}

// What is throttled costs no hash, and does not even read the user.
func TestThrottledLoginsDoNoWork(t *testing.T) {
	t.Parallel()
	failing := &failingStore{}
	s := throttled(auth.ThrottleConfig{Tries: 1})
	s.wrap = func(db store.Store) store.Store { failing.Store = db; return failing }
	a := startThrottled(t, s)
	me := a.register()
	a.fail(1, "192.0.2.1", me.email)
	failing.fail(fmt.Errorf("read user: %w", store.ErrUnavailable), 0)
	a.login("192.0.2.1", me.email, password).tooMany(t, loginWindow)
	a.login("192.0.2.2", me.email, password).problem(t, 503, "database_unavailable")
}
