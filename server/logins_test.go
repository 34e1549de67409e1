package server_test

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
)

// exhaust fails to log in to as many accounts as one address may.
func (a *api) exhaust(address string, accounts int) {
	a.t.Helper()
	for i := range accounts {
		a.fail(1, address, fmt.Sprintf("nobody%d@example.org", i))
	}
}

// Failures on other accounts behind a shared address do not lock out those who log
// in from there.
func TestAnAccountThatLogsInFromAnAddressIsNotLockedOutThere(t *testing.T) {
	t.Parallel()
	const accounts = 30 // the default
	a := startThrottled(t, throttled(auth.ThrottleConfig{}))
	regular, newcomer, signedUp := a.register(), a.register(), "signed-up@example.com"
	a.login(someAddress, regular.email, password).want(t, 201)
	a.signUp(someAddress, signedUp).want(t, 201)
	a.exhaust(someAddress, accounts)
	for range 3 {
		a.login(someAddress, regular.email, password).want(t, 201)
		a.login(someAddress, signedUp, password).want(t, 201)
		a.login(someAddress, newcomer.email, password).tooMany(t, loginWindow)
	}
	a.login(otherAddress, newcomer.email, password).want(t, 201)

	// A login is remembered for two weeks at least, and for four at most.
	a.ahead.Add(int64(14 * 24 * time.Hour))
	a.exhaust(someAddress, accounts)
	a.login(someAddress, signedUp, password).want(t, 201)
	a.ahead.Add(int64(28 * 24 * time.Hour))
	a.exhaust(someAddress, accounts)
	a.login(someAddress, signedUp, password).tooMany(t, loginWindow)
}

// A failed sign-up with the address of somebody else is no login.
func TestASignUpThatFailsIsNotRemembered(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{}))
	me := a.register()
	a.signUp(someAddress, me.email).problem(t, 409, "email_taken")
	a.exhaust(someAddress, 30)
	a.login(someAddress, me.email, password).tooMany(t, loginWindow)
}

// Behind an address that has failed too often, nobody learns which accounts exist or
// log in from there: a wrong password is answered alike, after the same calls to the
// database and the same hashes, however often it is tried.
func TestALimitedAddressTellsNothingAboutAccounts(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: 3}))
	regular, stranger := a.register(), a.register()
	a.login(someAddress, regular.email, password).want(t, 201)
	a.exhaust(someAddress, 30)
	const tries = 6
	var seen [3][]string
	before := len(a.logged("UserController_login", 31))
	for i, email := range []string{regular.email, stranger.email, "nobody@example.org"} {
		for n := range tries {
			a.login(someAddress, email, "not the password").tooMany(t, loginWindow)
			all := a.logged("UserController_login", before+i*tries+n+1)
			seen[i] = append(seen[i], fmt.Sprint("store calls: ", all[len(all)-1]["storeCalls"]))
		}
	}
	if !reflect.DeepEqual(seen[0], seen[1]) || !reflect.DeepEqual(seen[0], seen[2]) {
		t.Errorf("the database was asked differently:\n%v who logs in there\n%v of another account\n%v of none", seen[0], seen[1], seen[2])
	}
	if seen[0][0] == seen[0][tries-1] {
		t.Errorf("%v: the limit of failures on one account was not reached", seen[0])
	}
	// By then the account itself is limited, as anywhere.
	a.login(someAddress, regular.email, password).tooMany(t, loginWindow)
	a.login(otherAddress, regular.email, password).want(t, 201)
}

// The right password of an account that does not log in from a limited address is
// answered as a wrong one is.
func TestALimitedAddressTellsNothingAboutPasswords(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{}))
	me := a.register()
	a.exhaust(someAddress, 30)
	type told struct {
		status int
		calls  any
	}
	var seen []told
	for i, guess := range []string{"not the password", password} {
		got := a.login(someAddress, me.email, guess)
		all := a.logged("UserController_login", 31+i)
		seen = append(seen, told{got.status, all[len(all)-1]["storeCalls"]})
	}
	if seen[0] != seen[1] || seen[0].status != 429 {
		t.Errorf("a wrong and a right password: got %v, want the same 429", seen)
	}
}

func TestSuccessfulLoginsAreLimited(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Logins: 5}))
	me, other := a.register(), a.register()
	count := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			status := a.login(someAddress, me.email, password).status
			mu.Lock()
			defer mu.Unlock()
			count[status]++
		})
	}
	wg.Wait()
	if count[201] != 5 || count[429] != 11 {
		t.Errorf("16 logins at once: got %v, want 5 times 201 and 11 times 429", count)
	}
	a.login(someAddress, me.email, "not the password").tooMany(t, loginWindow)
	a.login(someAddress, other.email, password).want(t, 201)
	a.login(otherAddress, me.email, password).want(t, 201)
	a.ahead.Add(int64(loginWindow))
	a.login(someAddress, me.email, password).want(t, 201)
}

// 90 connections of one address that log in without a pause keep the password queue
// full. Others still log in.
func TestOneAddressDoesNotStarveTheLoginsOfOthers(t *testing.T) {
	t.Parallel()
	s := throttled(auth.ThrottleConfig{Tries: 1e6, Logins: 1e6})
	change := s.change
	s.change = func(c *server.Config) {
		change(c)
		c.Passwords = auth.HasherConfig{Workers: 1, Queue: 64, MaxWait: time.Minute, Params: auth.Params{MemoryKiB: 4096, Time: 1, Threads: 1}}
	}
	a := startThrottled(t, s)
	me, attacker := a.register(), a.register()
	var stop atomic.Bool
	var refused atomic.Int64
	var wg sync.WaitGroup
	for range 90 {
		wg.Go(func() {
			for !stop.Load() {
				if a.login(someAddress, attacker.email, "not the password").status == 503 {
					refused.Add(1)
				}
			}
		})
	}
	defer func() {
		stop.Store(true)
		wg.Wait()
	}()
	eventually(t, "a full queue", func() bool { return refused.Load() > 0 })
	var slowest time.Duration
	for range 10 {
		began := time.Now()
		a.login(otherAddress, me.email, password).want(t, 201)
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("10 logins beside 90 connections of another address: all succeeded, the slowest in %v; the others were refused %d times", slowest, refused.Load())
}
