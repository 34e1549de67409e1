package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// Replicas count together.
func TestReplicasShareTheCounts(t *testing.T) {
	t.Parallel()
	s := throttled(auth.ThrottleConfig{Tries: 2, SignUps: 2})
	a := startThrottled(t, s)
	me := a.register()
	a.fail(1, "192.0.2.1", me.email)
	a.serve(s)
	a.fail(1, "192.0.2.1", me.email)
	a.serve(s)
	a.login("192.0.2.1", me.email, password).tooMany(t, loginWindow)
}

// countsFail fails one of the calls that throttling makes.
type countsFail struct {
	store.Store
	call string
}

func (c *countsFail) fault(call string) error {
	if c.call == call {
		return fmt.Errorf("sqlite: %w", store.ErrUnavailable)
	}
	return nil
}

func (c *countsFail) CountAttempt(ctx context.Context, a store.Attempt, limit int) (bool, error) {
	if err := c.fault("CountAttempt"); err != nil {
		return false, err
	}
	return c.Store.CountAttempt(ctx, a, limit)
}

func (c *countsFail) Attempts(ctx context.Context, key string) (int, error) {
	if err := c.fault("Attempts"); err != nil {
		return 0, err
	}
	return c.Store.Attempts(ctx, key)
}

func (c *countsFail) AttemptKeys(ctx context.Context, q store.AttemptQuery) (int, error) {
	call := "AttemptKeys of an account"
	if q.Address != "" {
		call = "AttemptKeys of an address"
	} else if q.Site != "" {
		call = "AttemptKeys of a site"
	}
	if err := c.fault(call); err != nil {
		return 0, err
	}
	return c.Store.AttemptKeys(ctx, q)
}

func (c *countsFail) ForgetAttempts(ctx context.Context, key string) error {
	if err := c.fault("ForgetAttempts"); err != nil {
		return err
	}
	return c.Store.ForgetAttempts(ctx, key)
}

func (c *countsFail) PruneAttempts(ctx context.Context, now time.Time, limit int) (int, error) {
	if err := c.fault("PruneAttempts"); err != nil {
		return 0, err
	}
	return c.Store.PruneAttempts(ctx, now, limit)
}

// Without counts nobody is let in: an attacker who slows the database down gains
// nothing.
func TestThrottlingNeedsTheDatabase(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		call     string
		password string
		attacked bool
	}{
		{"Attempts", password, false},
		{"AttemptKeys of an address", password, false},
		{"AttemptKeys of an account", password, false},
		{"AttemptKeys of a site", password, true},
		{"CountAttempt", "not the password", false},
		{"PruneAttempts", "not the password", false},
		{"ForgetAttempts", password, false},
	} {
		t.Run(tc.call, func(t *testing.T) {
			t.Parallel()
			faulty := &countsFail{}
			s := throttled(auth.ThrottleConfig{Addresses: 2})
			s.wrap = func(db store.Store) store.Store { faulty.Store = db; return faulty }
			a := startThrottled(t, s)
			me := a.register()
			a.fail(1, "192.0.2.1", me.email)
			if tc.attacked {
				a.fail(1, "192.0.2.2", me.email)
				a.fail(1, "192.0.2.3", me.email)
			}
			a.serve(s) // its first count prunes
			faulty.call = tc.call
			address := "192.0.2.1"
			if tc.attacked || tc.call == "AttemptKeys of an address" { // not asked of an address that has failed
				address = "192.0.2.4"
			}
			got := a.login(address, me.email, tc.password)
			got.problem(t, 503, "database_unavailable")
			faulty.call = ""
			a.login("192.0.2.5", me.email, password).want(t, 201)
		})
	}
	t.Run("sign-ups", func(t *testing.T) {
		t.Parallel()
		faulty := &countsFail{}
		a := start(t, setup{noWebhooks: true, wrap: func(db store.Store) store.Store { faulty.Store = db; return faulty }})
		me := a.register()
		faulty.call = "CountAttempt"
		body := object{"userName": "A", "email": "fresh@example.com", "password": password}
		a.post("/user/register", "", body).problem(t, 503, "database_unavailable")
		a.post("/user", me.token, body).problem(t, 503, "database_unavailable")
		a.send(request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: object{"email": "fresh@example.com"}}).
			problem(t, 503, "database_unavailable")
		faulty.call = "Attempts" // the address of a sign-up is not remembered
		a.post("/user/register", "", body).want(t, 201)
	})
}

// counted is a store that notes what is counted and how often it is written to.
type counted struct {
	store.Store
	mu       sync.Mutex
	attempts []store.Attempt
	forgets  int
	pruned   int
}

func (c *counted) CountAttempt(ctx context.Context, a store.Attempt, limit int) (bool, error) {
	c.mu.Lock()
	c.attempts = append(c.attempts, a)
	c.mu.Unlock()
	return c.Store.CountAttempt(ctx, a, limit)
}

func (c *counted) ForgetAttempts(ctx context.Context, key string) error {
	c.mu.Lock()
	c.forgets++
	c.mu.Unlock()
	return c.Store.ForgetAttempts(ctx, key)
}

func (c *counted) PruneAttempts(ctx context.Context, now time.Time, limit int) (int, error) {
	n, err := c.Store.PruneAttempts(ctx, now, limit)
	c.mu.Lock()
	c.pruned += n
	c.mu.Unlock()
	return n, err
}

func (c *counted) writes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.attempts) + c.forgets
}

func startCounted(t *testing.T, limits auth.ThrottleConfig) (*api, *counted) {
	t.Helper()
	c := &counted{}
	s := throttled(limits)
	s.wrap = func(db store.Store) store.Store { c.Store = db; return c }
	return startThrottled(t, s), c
}

func TestHowOftenThrottlingWrites(t *testing.T) {
	t.Parallel()
	a, c := startCounted(t, auth.ThrottleConfig{Tries: 2})
	me := a.register()
	for _, step := range []struct {
		name, address, password string
		status, writes          int
	}{
		{"the first good login from an address", "192.0.2.1", password, 201, 2},
		{"a good login", "192.0.2.1", password, 201, 1},
		{"a failure", "192.0.2.1", "not the password", 401, 1},
		{"a good login after it", "192.0.2.1", password, 201, 2},
		{"another good login", "192.0.2.1", password, 201, 1},
		{"a failure elsewhere", "192.0.2.2", "not the password", 401, 1},
		{"the last failure there", "192.0.2.2", "not the password", 401, 1},
		{"a refused one", "192.0.2.2", "not the password", 429, 0},
	} {
		before := c.writes()
		a.login(step.address, me.email, step.password).want(t, step.status)
		if got := c.writes() - before; got != step.writes {
			t.Errorf("%s: %d writes, want %d", step.name, got, step.writes)
		}
	}
	before := c.writes()
	a.get("/user", me.token).want(t, 200)
	a.get("/payment", me.token).want(t, 200)
	if got := c.writes() - before; got != 0 {
		t.Errorf("operations that are not throttled made %d writes", got)
	}
}

// Nothing that is counted names anybody, and nothing links one window to the
// next.
func TestCountsAreHashes(t *testing.T) {
	t.Parallel()
	a, c := startCounted(t, auth.ThrottleConfig{})
	me := a.register()
	seen := map[string]int{}
	for range 2 {
		a.fail(1, "192.0.2.77", me.email)
		a.from("192.0.2.77", request{method: "POST", path: "/user/register",
			body: object{"userName": "A", "email": me.email, "password": password}}).want(t, 409)
		a.ahead.Add(int64(time.Hour))
	}
	for _, at := range c.attempts {
		for _, value := range []string{at.Key, at.Account, at.Site, at.Address} {
			if value == "" {
				continue
			}
			if len(value) != 43 || strings.Contains(value, "@") || strings.Contains(value, "192.0.2.77") {
				t.Errorf("stored value %q is not a SHA-256", value)
			}
			seen[value]++
		}
	}
	if len(seen) != 12 { // 4 of each failure, 1 of each registration, 2 of the one that succeeded
		t.Errorf("%d different values in %d attempts, want 12: %v", len(seen), len(c.attempts), seen)
	}
}

// Old counts go, faster than new ones come.
func TestOldCountsAreRemoved(t *testing.T) {
	t.Parallel()
	a, c := startCounted(t, auth.ThrottleConfig{Accounts: 1000, SignUps: 1e6})
	const old = 100
	for i := range old {
		a.fail(1, "192.0.2.1", fmt.Sprintf("nobody%d@example.org", i))
	}
	if c.pruned != 0 {
		t.Fatalf("%d counts were removed in their own window", c.pruned)
	}
	a.ahead.Add(int64(loginWindow))
	for i := range 64 {
		a.fail(1, "192.0.2.1", fmt.Sprintf("nobody%d@example.org", i))
	}
	if c.pruned != old {
		t.Errorf("%d counts were removed after 64 more, want %d", c.pruned, old)
	}
}
