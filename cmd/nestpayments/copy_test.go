package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
	"github.com/nestpayments/nestpayments/store/sqlite"
)

// noon is the time of the first document; its milliseconds are to be kept.
var noon = time.Date(2024, time.February, 29, 12, 0, 0, 678*int(time.Millisecond), time.UTC)

func moved(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

// testUser and testPayment have a value in every field, or with an odd n in those
// alone that every document has.
func testUser(n int) *store.User {
	u := &store.User{
		ID: store.NewID(moved(n)), Name: "Zoë 李", Email: fmt.Sprintf("User%d@Example.com", n),
		EmailKey: fmt.Sprintf("user%d@example.com", n), PasswordHash: "$argon2id$hunter2", CreatedAt: moved(n), UpdatedAt: moved(n + 1), Version: 1,
	}
	if n%2 == 0 {
		u.CustomerID, u.CustomerAttempt, u.CreatedBy = fmt.Sprint("cus_", n), 3, store.NewID(noon)
		u.RootCreator, u.PasswordSetBy, u.Session, u.SyncFailures = u.CreatedBy, u.CreatedBy, 2, 1
		u.Admin, u.SyncAt, u.Version = true, moved(n+2), int64(n+2)
	}
	return u
}

func testPayment(userID string, n int) *store.Payment {
	p := &store.Payment{ID: store.NewID(moved(n)), UserID: userID, CUID: fmt.Sprint("cuid-", n), Amount: int64(n), Currency: "usd", CreatedAt: moved(n), UpdatedAt: moved(n), Version: 1}
	if n%2 == 0 {
		p.IntentID, p.CustomerID, p.Status, p.PaymentMethod = fmt.Sprint("pi_", n), "cus_1", "succeeded", "pm_1"
		p.Attempt, p.ConfirmAttempt, p.DeclineCode, p.ErrorCode = 2, 3, "insufficient_funds", "card_declined"
		p.CheckAt, p.Version = moved(n+1), int64(n+2)
	}
	return p
}

// fillStore adds n users with a payment each, as many payments of users who are
// gone, and the cursor of the reconciler.
func fillStore(t testing.TB, db store.Movable, n int) {
	t.Helper()
	var us []*store.User
	var ps []*store.Payment
	for i := range n {
		us = append(us, testUser(i))
		ps = append(ps, testPayment(us[i].ID, 2*i), testPayment(store.NewID(noon), 2*i+1))
	}
	for page := range slices.Chunk(us, store.MaxPage) {
		must(t, db.MoveUsers(t.Context(), page))
	}
	for page := range slices.Chunk(ps, store.MaxPage) {
		must(t, db.MovePayments(t.Context(), page))
	}
	setCursor(t, db, "evt_1")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func setCursor(t testing.TB, db store.Movable, cursor string) {
	t.Helper()
	_, ok, err := db.AcquireLease(t.Context(), reconcilerLease, "server", time.Now(), time.Minute)
	if !ok {
		err = errors.Join(err, errors.New("the lease is held"))
	}
	must(t, errors.Join(err, db.SaveCursor(t.Context(), reconcilerLease, "server", cursor), db.ReleaseLease(t.Context(), reconcilerLease, "server")))
}

// contents is all that a copy moves.
type contents struct {
	cursor   string
	users    []store.User
	payments []store.Payment
}

func contentsOf(t testing.TB, db store.Movable) (all contents) {
	t.Helper()
	for page, err := range db.AllUsers(t.Context(), store.MaxPage) {
		must(t, err)
		for _, u := range page {
			all.users = append(all.users, *u)
		}
	}
	for page, err := range db.AllPayments(t.Context(), store.MaxPage) {
		must(t, err)
		for _, p := range page {
			all.payments = append(all.payments, *p)
		}
	}
	var ok bool
	var err error
	all.cursor, ok, err = db.AcquireLease(t.Context(), reconcilerLease, "server", time.Now(), time.Minute)
	if err != nil || !ok {
		t.Fatalf("the lease after a copy: got %v, %v, want it to be free", ok, err)
	}
	must(t, db.ReleaseLease(t.Context(), reconcilerLease, "server"))
	return all
}

// wantCopy checks that the target has what the source has.
func wantCopy(t testing.TB, from, to store.Movable) {
	t.Helper()
	a, b := contentsOf(t, from), contentsOf(t, to)
	if a.cursor != b.cursor {
		t.Errorf("cursor: got %q, want %q", b.cursor, a.cursor)
	}
	if !slices.Equal(a.users, b.users) {
		t.Errorf("users:\n got %+v\nwant %+v", b.users, a.users)
	}
	if !slices.Equal(a.payments, b.payments) {
		t.Errorf("payments:\n got %+v\nwant %+v", b.payments, a.payments)
	}
}

func openSQLite(t testing.TB, path string) store.Movable {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func newSQLite(t testing.TB) store.Movable {
	t.Helper()
	return openSQLite(t, filepath.Join(t.TempDir(), "data.db"))
}

func newMongo(t testing.TB) store.Movable {
	t.Helper()
	db, err := mongo.Open(t.Context(), mongotest.Start(t), nil)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// copyAll runs the copier on small pages and returns what it printed.
func copyAll(ctx context.Context, c copier) (string, error) {
	var out bytes.Buffer
	c.out, c.page = output{&out}, 3
	err := c.run(ctx)
	return out.String(), err
}

func TestARoundTripThroughMongoDBIsIdentical(t *testing.T) {
	t.Parallel()
	first, second, third, fourth := newSQLite(t), newMongo(t), newMongo(t), newSQLite(t)
	fillStore(t, first, 10)
	for _, step := range []copier{{from: first, to: second}, {from: second, to: third}, {from: third, to: fourth}} {
		out, err := copyAll(t.Context(), step)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !strings.Contains(out, "verified: 10 users and 20 payments") {
			t.Errorf("got output\n%s\nwant it to tell what was verified", out)
		}
		wantCopy(t, first, step.to)
	}
}
