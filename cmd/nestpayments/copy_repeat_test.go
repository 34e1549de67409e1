package main

import (
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

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
	must(t, from.DeleteUser(ctx, gone))
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
