package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
)

// stopwatch is a clock that goes when it is told to.
type stopwatch struct{ now atomic.Pointer[time.Time] }

func newStopwatch() *stopwatch {
	s := &stopwatch{}
	now := time.Now()
	s.now.Store(&now)
	return s
}

func (s *stopwatch) time() time.Time { return *s.now.Load() }

func (s *stopwatch) pass(d time.Duration) {
	now := s.time().Add(d)
	s.now.Store(&now)
}

// limit puts a server in place that takes so many requests a minute and has not
// seen anybody yet.
func (a *api) limit(perMinute int, clock *stopwatch, proxies ...string) {
	a.t.Helper()
	a.serve(setup{change: func(c *server.Config) {
		c.RequestLimit, c.Clock, c.TrustedProxies = perMinute, clock.time, proxies
	}})
}

// left checks the headers of the limit.
func (g answer) left(t *testing.T, limit, remaining, reset int) answer {
	t.Helper()
	for name, want := range map[string]int{"RateLimit-Limit": limit, "RateLimit-Remaining": remaining, "RateLimit-Reset": reset} {
		if got := g.header.Get(name); got != strconv.Itoa(want) {
			t.Errorf("%s is %q, want %d", name, got, want)
		}
	}
	return g
}

// refused checks that a request was refused, and for how long.
func (g answer) refused(t *testing.T, wait string) answer {
	t.Helper()
	g.problem(t, 429, "rate_limited")
	if got := g.header.Get("Retry-After"); got != wait {
		t.Errorf("Retry-After is %q, want %q", got, wait)
	}
	return g
}

func TestRequestLimitCountsDownRefusesAndFillsUp(t *testing.T) {
	t.Parallel()
	a, clock := start(t, setup{noWebhooks: true}), newStopwatch()
	me := a.register()
	a.limit(6, clock)
	read := func() answer { return a.get("/user", me.token) }

	for n := range 6 {
		read().want(t, 200).left(t, 6, 5-n, 10*(n+1))
	}
	read().refused(t, "10").left(t, 6, 0, 60)
	clock.pass(4 * time.Second)
	read().refused(t, "6").left(t, 6, 0, 56)
	clock.pass(6 * time.Second)
	read().want(t, 200).left(t, 6, 0, 60)
	read().refused(t, "10")
	clock.pass(time.Hour)
	read().want(t, 200).left(t, 6, 5, 10)
}

func TestRequestLimitIsOnEveryOperationButTheWebhook(t *testing.T) {
	t.Parallel()
	a, clock := start(t, setup{noWebhooks: true}), newStopwatch()
	me := a.register()
	a.limit(1, clock)
	a.get("/user", me.token).want(t, 200)
	a.get("/user", "").problem(t, 401, "unauthenticated")
	for _, r := range everything(me, "pi_1") {
		a.send(r).refused(t, "60")
	}
	for range 3 {
		a.event("payment_intent.invented_tomorrow", "pi_1").want(t, 204)
		if limit := a.get("/livez", "").want(t, 200).header.Values("RateLimit-Limit"); limit != nil {
			t.Errorf("what is not limited says that it is: %q", limit)
		}
	}
}

// Whatever else an address asks for counts as well, before anything is done for it.
// Readiness has a count of its own, or a flood could take the server out of its
// balancer; liveness is always answered.
func TestRequestLimitIsOnEverythingElse(t *testing.T) {
	t.Parallel()
	for _, r := range []request{
		{method: "GET", path: "/docs"}, {method: "HEAD", path: "/docs"}, {method: "GET", path: "/openapi.json"},
		{method: "GET", path: "/openapi.yaml"}, {method: "GET", path: "/.well-known/jwks.json"}, {method: "GET", path: "/nope"}, {method: "POST", path: "/nope/a/b"},
		{method: "GET", path: "/user/"}, {method: "PUT", path: "/user"}, {method: "PUT", path: "/user/1"}, {method: "DELETE", path: "/docs"},
		{method: "OPTIONS", path: "/user"}, {method: "OPTIONS", path: "/user/1"}, {method: "OPTIONS", path: "/docs"}, {method: "OPTIONS", path: "/webhook/stripe"},
		{method: "GET", path: "/webhook/stripe"}, {method: "GET", path: "/"}, {method: "GET", path: "/problems"}, {method: "GET", path: "/problems/internal"},
		{method: "GET", path: "/readyz"}, {method: "POST", path: "/readyz"},
		{method: "OPTIONS", path: "/user", header: http.Header{"Origin": {shop}, "Access-Control-Request-Method": {"POST"}}},
	} {
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			t.Parallel()
			a, clock := start(t, setup{noWebhooks: true}), newStopwatch()
			a.limit(2, clock)
			for range 2 {
				if got := a.send(r); got.status == 429 {
					t.Fatal("refused too soon")
				}
			}
			got := a.send(r).want(t, 429)
			if r.method != "HEAD" {
				got.problem(t, 429, "rate_limited")
			}
			if wait := got.header.Get("Retry-After"); wait != "30" {
				t.Errorf("Retry-After is %q, want 30", wait)
			}
			a.get("/livez", "").want(t, 200)
			if r.path != "/readyz" {
				a.get("/readyz", "").want(t, 200)
			}
			clock.pass(30 * time.Second)
			if got := a.send(r); got.status == 429 {
				t.Error("refused although a request is free again")
			}
		})
	}
}

// A failure is an answer too, whatever fails first.
func TestFailuresCountAndSaySo(t *testing.T) {
	t.Parallel()
	a, clock := start(t, setup{noWebhooks: true}), newStopwatch()
	me := a.register()
	a.limit(60, clock)
	for n, r := range []struct {
		request
		want int
	}{
		{request{method: "GET", path: "/user", header: http.Header{"Accept": {"text/html"}}}, 406},
		{request{method: "GET", path: "/user?limit=0"}, 400},
		{request{method: "GET", path: "/payment/pi_nobodys"}, 404},
		{request{method: "POST", path: "/payment", body: "text", header: http.Header{"Content-Type": {"text/plain"}}}, 415},
		{request{method: "POST", path: "/payment/confirm", body: "{"}, 400},
	} {
		r.token = me.token
		a.send(r.request).want(t, r.want).left(t, 60, 59-n, n+1)
	}
	a.get("/user", "no token").want(t, 401).left(t, 60, 59, 1)
}

func TestEachSenderIsCountedApart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		first, second func(ada, ben person) request
		same          bool
	}{
		{"the same user", as("ada", "192.0.2.1"), as("ada", "192.0.2.1"), true},
		{"the same user at another address", as("ada", "192.0.2.1"), as("ada", "192.0.2.2"), true},
		{"two users at one address", as("ada", "192.0.2.1"), as("ben", "192.0.2.1"), false},
		{"a user and the user's address", as("ada", "192.0.2.1"), as("", "192.0.2.1"), false},
		{"the same address", as("", "192.0.2.1"), as("", "192.0.2.1"), true},
		{"the same address with a token that is not good", as("", "192.0.2.1"), as("nobody", "192.0.2.1"), true},
		{"two addresses", as("", "192.0.2.1"), as("", "192.0.2.2"), false},
		{"two addresses with the same bad token", as("nobody", "192.0.2.1"), as("nobody", "192.0.2.2"), false},
		{"an address that the client put in front", as("", "198.51.100.1, 192.0.2.1"), as("", "198.51.100.2, 192.0.2.1"), true},
		{"one network of IPv6", as("", "2001:db8::1"), as("", "2001:db8::ffff:1"), true},
		{"two networks of IPv6", as("", "2001:db8::1"), as("", "2001:db8:0:1::1"), false},
		{"IPv4 written as IPv6", as("", "192.0.2.1"), as("", "::ffff:192.0.2.1"), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, clock := start(t, setup{noWebhooks: true}), newStopwatch()
			ada, ben := a.register(), a.register()
			a.limit(1, clock, "127.0.0.0/8")
			a.send(tc.first(ada, ben))
			if got := a.send(tc.second(ada, ben)).status == 429; got != tc.same {
				t.Errorf("the second request was refused: %t, want %t", got, tc.same)
			}
		})
	}
}

// as is a request of a person who comes through a proxy, which writes the header.
func as(who, forwarded string) func(ada, ben person) request {
	return func(ada, ben person) request {
		token := map[string]string{"ada": ada.token, "ben": ben.token, "nobody": "no.good.token"}[who]
		return request{method: "GET", path: "/user", token: token, header: http.Header{"X-Forwarded-For": {forwarded}}}
	}
}

// Without proxies nothing that a client writes makes it somebody else.
func TestForwardedHeadersDoNotEvadeTheRequestLimit(t *testing.T) {
	t.Parallel()
	a, clock := start(t, setup{noWebhooks: true}), newStopwatch()
	a.limit(1, clock)
	for i, want := range []int{401, 429, 429, 429} {
		address := fmt.Sprintf("192.0.2.%d", i)
		a.send(request{method: "GET", path: "/user", header: http.Header{
			"X-Forwarded-For": {address}, "X-Real-Ip": {address}, "Forwarded": {"for=" + address},
		}}).want(t, want)
	}
}
