package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/sqlite"
)

// killed is a database whose user is killed after so many calls: at every call
// from then on nothing happens, and leases stay as they are.
type killed struct {
	store.Movable
	left *atomic.Int64
	// last is what becomes of the last call.
	last func(call func() error) error
}

var errKilled = errors.New("killed")

func (k killed) do(call func() error) error {
	switch left := k.left.Add(-1); {
	case left == 0:
		return k.last(call)
	case left < 0:
		return errKilled
	}
	return call()
}

func (k killed) ListUsers(ctx context.Context, q store.UserQuery) (us []*store.User, err error) {
	err = k.do(func() error { us, err = k.Movable.ListUsers(ctx, q); return err })
	return us, err
}

func (k killed) ListAllPayments(ctx context.Context, after string, limit int) (ps []*store.Payment, err error) {
	err = k.do(func() error { ps, err = k.Movable.ListAllPayments(ctx, after, limit); return err })
	return ps, err
}

func (k killed) MoveUsers(ctx context.Context, us []*store.User) error {
	return k.do(func() error { return k.Movable.MoveUsers(ctx, us) })
}

func (k killed) MovePayments(ctx context.Context, ps []*store.Payment) error {
	return k.do(func() error { return k.Movable.MovePayments(ctx, ps) })
}

func (k killed) ReplaceUser(ctx context.Context, u *store.User, version int64) error {
	return k.do(func() error { return k.Movable.ReplaceUser(ctx, u, version) })
}

func (k killed) ReplacePayment(ctx context.Context, p *store.Payment, version int64) error {
	return k.do(func() error { return k.Movable.ReplacePayment(ctx, p, version) })
}

func (k killed) DeleteUser(ctx context.Context, id string) error {
	return k.do(func() error { return k.Movable.DeleteUser(ctx, id) })
}

func (k killed) SaveCursor(ctx context.Context, name, holder, cursor string) error {
	return k.do(func() error { return k.Movable.SaveCursor(ctx, name, holder, cursor) })
}

func (k killed) ReleaseLease(ctx context.Context, name, holder string) error {
	return k.do(func() error { return k.Movable.ReleaseLease(ctx, name, holder) })
}

// killEverywhere copies to a copy of the database file target again and again,
// killed a call later each time, and each time lets a second run complete what
// the first has left.
func killEverywhere(t *testing.T, from store.Movable, target string) {
	file, err := os.ReadFile(target)
	must(t, err)
	for _, last := range []func(call func() error, cancel func()) error{
		func(func() error, func()) error { return errKilled },
		func(call func() error, _ func()) error { return errors.Join(call(), errKilled) },
		// Told to stop, it may not even take a database's word that it is read out.
		func(call func() error, cancel func()) error { cancel(); return call() },
	} {
		calls := int64(1)
		for killAt(t, from, file, calls, last) {
			calls++
		}
		if calls < 20 {
			t.Fatalf("the copy took %d calls: it tried next to nothing", calls)
		}
	}
}

// killAt tells whether the copy was killed, and not done before.
func killAt(t *testing.T, from store.Movable, file []byte, calls int64, last func(call func() error, cancel func()) error) bool {
	path := filepath.Join(t.TempDir(), "target.db")
	must(t, os.WriteFile(path, file, 0o600))
	to, err := sqlite.Open(t.Context(), path)
	must(t, err)
	defer to.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	left := &atomic.Int64{}
	left.Store(calls)
	k := killed{left: left, last: func(call func() error) error { return last(call, cancel) }}
	fromKilled, toKilled := k, k
	fromKilled.Movable, toKilled.Movable = from, to
	_, err = copyAll(ctx, copier{from: fromKilled, to: toKilled, remove: true})
	if err == nil { // done before, or told to stop when it was
		wantCopy(t, from, to)
		return left.Load() <= 0
	}
	if !errors.Is(err, errKilled) && !errors.Is(err, context.Canceled) {
		t.Fatalf("killed at call %d: got error %v, want %v", calls, err, errKilled)
	}
	if out, err := copyAll(t.Context(), copier{from: from, to: to, remove: true}); err != nil {
		t.Fatalf("after one that was killed at call %d: %v\n%s", calls, err, out)
	}
	wantCopy(t, from, to)
	return true
}

func TestACopyThatIsKilledAtAnyCallCompletesWhenRunAgain(t *testing.T) {
	t.Parallel()
	from := newSQLite(t)
	fillStore(t, from, 10)
	path := filepath.Join(t.TempDir(), "empty.db")
	empty, err := sqlite.Open(t.Context(), path)
	must(t, err)
	must(t, empty.Close())
	killEverywhere(t, from, path)
}

// changeAll makes the source differ from a copy in every way that a server can.
func changeAll(t *testing.T, from store.Movable) {
	ctx := t.Context()
	user := func(n int) *store.User {
		u, err := from.UserByEmail(ctx, testUser(n).EmailKey)
		must(t, err)
		return u
	}
	// Two swap their addresses and customers, so that neither can come first.
	a, b := user(2), user(8)
	parked := *a
	parked.EmailKey, parked.CustomerID = "elsewhere@example.com", ""
	must(t, from.UpdateUser(ctx, &parked))
	oldKey, oldCustomer := b.EmailKey, b.CustomerID
	b.EmailKey, b.CustomerID = a.EmailKey, a.CustomerID
	must(t, from.UpdateUser(ctx, b))
	parked.EmailKey, parked.CustomerID = oldKey, oldCustomer
	must(t, from.UpdateUser(ctx, &parked))
	// One passes an address on to a user with a smaller id.
	giver, taker := user(9), user(3)
	freed := giver.EmailKey
	giver.EmailKey = "new@example.com"
	taker.EmailKey = freed
	must(t, from.UpdateUser(ctx, giver))
	must(t, from.UpdateUser(ctx, taker))
	// One is deleted, and the address registered again.
	gone := user(4)
	must(t, from.DeleteUser(ctx, gone.ID))
	again := testUser(30)
	again.EmailKey, again.CustomerID = gone.EmailKey, gone.CustomerID
	must(t, from.InsertUser(ctx, again))

	due, err := from.PaymentsToCheck(ctx, moved(1000), 1)
	must(t, err)
	due[0].CheckAt, due[0].Status, due[0].UpdatedAt = time.Time{}, "canceled", moved(1001)
	must(t, from.UpdatePayment(ctx, due[0]))
	must(t, from.InsertPayment(ctx, testPayment(again.ID, 1000)))
	setCursor(t, from, "evt_2")
}

func TestARepeatedCopyFollowsTheSource(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) store.Movable{"SQLite": newSQLite, "MongoDB": newMongo} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := copier{from: newSQLite(t), to: open(t)}
			fillStore(t, c.from, 10)
			if out, err := copyAll(t.Context(), c); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			changeAll(t, c.from)
			out, err := copyAll(t.Context(), c)
			if err == nil || !strings.Contains(err.Error(), "--delete") || !strings.Contains(out, "only in the target") {
				t.Fatalf("with a user who is gone: got %v, want it to name --delete\n%s", err, out)
			}
			c.remove = true
			if out, err := copyAll(t.Context(), c); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			wantCopy(t, c.from, c.to)
		})
	}
}

func TestARepeatedCopyThatIsKilledAtAnyCallCompletes(t *testing.T) {
	t.Parallel()
	from := newSQLite(t)
	fillStore(t, from, 10)
	path := filepath.Join(t.TempDir(), "copy.db")
	to, err := sqlite.Open(t.Context(), path)
	must(t, err)
	if out, err := copyAll(t.Context(), copier{from: from, to: to}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	must(t, to.Close())
	changeAll(t, from)
	killEverywhere(t, from, path)
}

// A server that runs on the source has its lease.
func TestACopyAheadLeavesTheCursorAndIsCompletedLater(t *testing.T) {
	t.Parallel()
	c := copier{from: newSQLite(t), to: newSQLite(t), ahead: true}
	fillStore(t, c.from, 10)
	ctx := t.Context()
	if _, ok, err := c.from.AcquireLease(ctx, reconcilerLease, "server", time.Now(), time.Hour); !ok || err != nil {
		t.Fatalf("AcquireLease: got %v, %v", ok, err)
	}
	out, err := copyAll(ctx, c)
	if err != nil || !strings.Contains(out, "not verified") {
		t.Fatalf("got %v, want no error and to be told that it is not verified\n%s", err, out)
	}
	cursor, ok, err := c.to.AcquireLease(ctx, reconcilerLease, "server", time.Now(), time.Minute)
	if cursor != "" || !ok || err != nil {
		t.Errorf("the target's lease: got %q, %v, %v, want it to be free and without a cursor", cursor, ok, err)
	}
	must(t, c.to.ReleaseLease(ctx, reconcilerLease, "server"))
	changeAllButLease(t, c.from)
	c.ahead, c.remove = false, true
	if _, err := copyAll(ctx, c); err == nil || !strings.Contains(err.Error(), "the source is in use") {
		t.Errorf("without --ahead: got %v, want it to say that the source is in use", err)
	}
	must(t, c.from.ReleaseLease(ctx, reconcilerLease, "server"))
	if out, err := copyAll(ctx, c); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantCopy(t, c.from, c.to)
}

// changeAllButLease changes one user, under a server that has the lease.
func changeAllButLease(t *testing.T, from store.Movable) {
	u, err := from.UserByEmail(t.Context(), testUser(1).EmailKey)
	must(t, err)
	u.Name = "changed"
	must(t, from.UpdateUser(t.Context(), u))
}
