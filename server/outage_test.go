package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// failingStore fails every call with err while it is set.
type failingStore struct {
	store.Store
	err atomic.Pointer[error]
	// later lets the next so many calls pass first.
	later atomic.Int32
}

func (f *failingStore) fail(err error, after int32) {
	f.later.Store(after)
	f.err.Store(&err)
}

func (f *failingStore) heal() { f.err.Store(nil) }

func (f *failingStore) fault() error {
	if err := f.err.Load(); err != nil && f.later.Add(-1) < 0 {
		return *err
	}
	return nil
}

func (f *failingStore) User(ctx context.Context, id string) (*store.User, error) {
	if err := f.fault(); err != nil {
		return nil, err
	}
	return f.Store.User(ctx, id)
}

func (f *failingStore) UserByEmail(ctx context.Context, key string) (*store.User, error) {
	if err := f.fault(); err != nil {
		return nil, err
	}
	return f.Store.UserByEmail(ctx, key)
}

func (f *failingStore) InsertUser(ctx context.Context, u *store.User) error {
	if err := f.fault(); err != nil {
		return err
	}
	return f.Store.InsertUser(ctx, u)
}

func (f *failingStore) PaymentByIntent(ctx context.Context, id string) (*store.Payment, error) {
	if err := f.fault(); err != nil {
		return nil, err
	}
	return f.Store.PaymentByIntent(ctx, id)
}

func (f *failingStore) Ping(ctx context.Context) error {
	if err := f.fault(); err != nil {
		return err
	}
	return f.Store.Ping(ctx)
}

func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	failing := &failingStore{}
	a := start(t, setup{wrap: func(s store.Store) store.Store { failing.Store = s; return failing }, noWebhooks: true})
	me := a.register()
	id := a.pay(me, "outage")
	a.get("/readyz", "").want(t, 200)

	failing.fail(fmt.Errorf("read user: %w", store.ErrUnavailable), 0)
	for name, r := range everything(me, id) {
		got := a.send(r)
		got.problem(t, 503, "database_unavailable")
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
	a.event("payment_intent.succeeded", id).problem(t, 503, "database_unavailable")
	a.get("/readyz", "").want(t, 503)
	a.get("/livez", "").want(t, 200)

	failing.heal()
	a.get("/readyz", "").want(t, 200)
	if got := a.confirm(me, "outage", id, "pm_card_visa").want(t, 201).text(t, "status"); got != "succeeded" {
		t.Errorf("status is %s after the outage", got)
	}
}

// What nobody foresaw is a 500 that tells nothing, and the log tells what it was.
func TestUnforeseenFailures(t *testing.T) {
	t.Parallel()
	failing := &failingStore{}
	a := start(t, setup{wrap: func(s store.Store) store.Store { failing.Store = s; return failing }, noWebhooks: true})
	me := a.register()
	id := a.pay(me, "outage")
	failing.fail(errors.New("disk on fire at 0xCAFE"), 0)
	for name, r := range everything(me, id) {
		got := a.send(r)
		p := got.problem(t, 500, "internal")
		if strings.Contains(string(got.body), "0xCAFE") {
			t.Errorf("%s: the answer tells the cause: %s", name, got.body)
		}
		if !strings.Contains(a.logs.String(), fmt.Sprint(p["instance"])) {
			t.Errorf("%s: the log does not know the request", name)
		}
	}
	a.event("payment_intent.succeeded", id).problem(t, 500, "internal")
	if !strings.Contains(a.logs.String(), "0xCAFE") {
		t.Error("the log does not tell the cause")
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	a := start(t, setup{wrap: func(s store.Store) store.Store { return &panickingStore{s} }, noWebhooks: true})
	a.post("/user/login", "", object{"email": "a@example.com", "password": password}).problem(t, 500, "internal")
	a.get("/livez", "").want(t, 200)
}

type panickingStore struct{ store.Store }

func (panickingStore) UserByEmail(context.Context, string) (*store.User, error) {
	panic("at the store")
}

// While Stripe does not answer, what needs it is a 503 and the rest works.
func TestStripeOutage(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "outage")
	a.fault(sandbox.Fault{Match: "* /v1/*", Kind: sandbox.FaultHTML502, Probability: 1})
	a.fault(sandbox.Fault{Match: "* /v1/*/*", Kind: sandbox.FaultHTML502, Probability: 1})
	a.fault(sandbox.Fault{Match: "* /v1/*/*/*", Kind: sandbox.FaultHTML502, Probability: 1})
	needs := map[string]bool{"PaymentController_createPayment": true, "PaymentController_confirmPayment": true}
	for name, r := range everything(me, id) {
		if name == "UserController_remove" || name == "UserController_changePassword" {
			continue // would take away what the others need
		}
		got := a.send(r)
		if needs[name] {
			got.problem(t, 503, "outcome_unknown")
			if got.header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", name)
			}
		} else if got.status >= 300 {
			t.Errorf("%s: status %d while Stripe is down: %s", name, got.status, got.body)
		}
	}
	a.event("payment_intent.succeeded", id).problem(t, 503, "outcome_unknown")
	admin := a.admin()
	a.send(request{method: "PATCH", path: "/user/" + me.id, token: admin.token, body: object{"customerId": "cus_other"}}).
		problem(t, 503, "outcome_unknown")
	a.box.ClearFaults()
	if got := a.confirm(me, "outage", id, "pm_card_visa").want(t, 201).text(t, "status"); got != "succeeded" {
		t.Errorf("status is %s after the outage", got)
	}
}

// A secret key that Stripe does not know is the operator's fault, not the
// client's.
func TestStripeRefusesTheServer(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "outage")
	a.serve(setup{stripeKey: "sk_test_wrong"})
	a.post("/payment", me.token, object{"cuid": "other"}).problem(t, 502, "stripe_refused")
	a.confirm(me, "outage", id, "pm_card_visa").problem(t, 502, "stripe_refused")
	a.event("payment_intent.succeeded", id).problem(t, 502, "stripe_refused")
	admin := a.admin()
	a.send(request{method: "PATCH", path: "/user/" + me.id, token: admin.token, body: object{"customerId": "cus_other"}}).
		problem(t, 502, "stripe_refused")
}

// A storm of logins is turned away, and the rest goes on.
func TestLoginStorm(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	a.serve(setup{change: func(c *server.Config) {
		c.Passwords = auth.HasherConfig{Workers: 1, Queue: 1, MaxWait: time.Millisecond}
	}})
	busy := make(chan answer, 8)
	for range cap(busy) {
		go func() { busy <- a.post("/user/login", "", object{"email": me.email, "password": password}) }()
	}
	refused := 0
	for range cap(busy) {
		if got := <-busy; got.status == 503 {
			got.problem(t, 503, "overloaded")
			refused++
		}
	}
	if refused == 0 {
		t.Error("eight logins at once were all served by one worker with a queue of one")
	}
	a.get("/user", me.token).want(t, 200)
}
