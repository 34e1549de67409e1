package server_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// scene is a system whose every kind of caller is there.
type scene struct {
	*api
	reads                                      *countingStore
	creator, stranger, admin, exadmin, deleted person
}

func newScene(t *testing.T) *scene {
	t.Helper()
	ring := testRing(t)
	keys, err := auth.LoadKeys(ring.signing.pem, ring.retired.public)
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
	it := objects{owner: s.create(s.creator)}
	it.payment = s.pay(it.owner, "access")
	it.customer = s.get("/user/"+it.owner.id, it.owner.token).text(s.t, "customerId")
	return it
}

// request is a good request for the operation on these objects, without a token.
func (it objects) request(operation string) request {
	r, known := goodRequests(it.owner, it.payment, "access")[operation]
	if !known {
		panic("requests_test.go has no request for " + operation + ": add one that the operation takes")
	}
	r.token = ""
	return r
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
