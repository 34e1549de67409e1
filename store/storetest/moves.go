package storetest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

// moveTests are of stores that are store.Movable.
var moveTests = []test{
	{"an empty store has size zero", movable(moveEmpty)},
	{"the size counts what there is", movable(moveSize)},
	{"all users and all payments come in ascending order of id, limit at a time", movable(movePages)},
	{"what is moved keeps every field and its version", movable(moveRoundTrip)},
	{"what was moved is updated by its version", movable(moveThenUpdate)},
	{"a move of what is there tells its error", movable(moveTaken)},
	{"a replacement takes the version that it is given", movable(moveReplace)},
	{"a replacement of another version is ErrStale and changes nothing", movable(moveReplaceStale)},
	{"a replacement keeps keys unique", movable(moveReplaceTaken)},
	{"a move of MaxPage documents is one call", movable(moveMaxPage)},
	{"a call with an ended context changes nothing", movable(moveEnded)},
}

// movable passes over stores that cannot move, such as one for tests.
func movable(run func(*testing.T, store.Movable)) func(*testing.T, store.Store) {
	return func(t *testing.T, s store.Store) {
		m, ok := s.(store.Movable)
		if !ok {
			t.Skip("not a store.Movable")
		}
		run(t, m)
	}
}

func wantSize(t *testing.T, s store.Movable, want store.Size) {
	t.Helper()
	if got, err := s.Size(t.Context()); err != nil || got != want {
		t.Errorf("Size: got %+v, %v, want %+v", got, err, want)
	}
}

func moveEmpty(t *testing.T, s store.Movable) {
	wantSize(t, s, store.Size{})
	if users, payments := allUsers(t, s, 10), allPayments(t, s, 10); len(users)+len(payments) != 0 {
		t.Errorf("got the users %v and the payments %v, want none", users, payments)
	}
}

func moveSize(t *testing.T, s store.Movable) {
	for n := range 5 {
		p := newPayment("u1", n)
		if n%2 == 0 {
			p.IntentID = ""
		}
		insertPayment(t, s, p)
	}
	insertUser(t, s, newUser(1))
	insertUser(t, s, fullUser(2))
	wantSize(t, s, store.Size{Users: 2, Payments: 5})
}

// allUsers and allPayments return all batches, and fail the test after an error.
func allUsers(t *testing.T, s store.Movable, limit int) (batches [][]*store.User) {
	t.Helper()
	for batch, err := range s.AllUsers(t.Context(), limit) {
		if err != nil {
			t.Fatalf("AllUsers: %v", err)
		}
		batches = append(batches, batch)
	}
	return batches
}

func allPayments(t *testing.T, s store.Movable, limit int) (batches [][]*store.Payment) {
	t.Helper()
	for batch, err := range s.AllPayments(t.Context(), limit) {
		if err != nil {
			t.Fatalf("AllPayments: %v", err)
		}
		batches = append(batches, batch)
	}
	return batches
}

func movePages(t *testing.T, s store.Movable) {
	users, payments := make([]store.User, 7), make([]store.Payment, 7)
	for _, n := range []int{4, 0, 6, 2, 5, 1, 3} {
		p := fullPayment([]string{"u1", "u2", ""}[n%3], 10*n)
		if n%2 == 1 {
			p.IntentID, p.Status = "", ""
		}
		u := fullUser(n)
		u.CustomerID = ""
		users[n], payments[n] = *insertUser(t, s, u), *insertPayment(t, s, p)
	}
	for limit, sizes := range map[int][]int{store.MaxPage: {7}, 7: {7}, 3: {3, 3, 1}, 1: {1, 1, 1, 1, 1, 1, 1}} {
		wantBatches(t, "AllUsers", allUsers(t, s, limit), users, sizes)
		wantBatches(t, "AllPayments", allPayments(t, s, limit), payments, sizes)
	}
	for batch := range s.AllPayments(t.Context(), 2) {
		if *batch[0] != payments[0] {
			t.Errorf("first batch: got %+v, want %+v", *batch[0], payments[0])
		}
		break // must release what it reads from
	}
	wantSize(t, s, store.Size{Users: 7, Payments: 7})
}

// wantBatches checks the documents of all batches, and how many are in each.
func wantBatches[T comparable](t *testing.T, name string, batches [][]*T, want []T, sizes []int) {
	t.Helper()
	var got []T
	var gotSizes []int
	for _, batch := range batches {
		gotSizes = append(gotSizes, len(batch))
		for _, doc := range batch {
			got = append(got, *doc)
		}
	}
	if !slices.Equal(got, want) || !slices.Equal(gotSizes, sizes) {
		t.Errorf("%s:\n got %v in batches of %v\nwant %v in batches of %v", name, got, gotSizes, want, sizes)
	}
}

func moveRoundTrip(t *testing.T, s store.Movable) {
	u, bare := fullUser(1), &store.User{ID: store.NewID(at(2)), EmailKey: "a@example.com", Version: 1}
	u.Version = 7
	p, pending := fullPayment(u.ID, 1), newPayment("nobody", 2)
	p.Version, pending.Version, pending.IntentID = 1<<40, 2, ""
	users, payments := []*store.User{u, bare}, []*store.Payment{p, pending}
	wantUsers, wantPayments := []store.User{*u, *bare}, []store.Payment{*p, *pending}
	wantErr(t, "MoveUsers", s.MoveUsers(t.Context(), users), nil)
	wantErr(t, "MovePayments", s.MovePayments(t.Context(), payments), nil)
	for i := range 2 {
		if *users[i] != wantUsers[i] || *payments[i] != wantPayments[i] {
			t.Errorf("the caller's documents after the move: got %+v and %+v", *users[i], *payments[i])
		}
		wantUser(t, s, wantUsers[i])
		wantPayment(t, s, wantPayments[i])
	}
}

func moveThenUpdate(t *testing.T, s store.Movable) {
	u, p := fullUser(1), fullPayment("u1", 1)
	u.Version, p.Version = 7, 9
	wantErr(t, "MoveUsers", s.MoveUsers(t.Context(), []*store.User{u}), nil)
	wantErr(t, "MovePayments", s.MovePayments(t.Context(), []*store.Payment{p}), nil)
	wantErr(t, "UpdateUser", s.UpdateUser(t.Context(), u), nil)
	wantErr(t, "UpdatePayment", s.UpdatePayment(t.Context(), p), nil)
	if u.Version != 8 || p.Version != 10 {
		t.Errorf("versions after an update: got %d and %d, want 8 and 10", u.Version, p.Version)
	}
	wantUser(t, s, *u)
	wantPayment(t, s, *p)
}

func moveTaken(t *testing.T, s store.Movable) {
	u, p := insertUser(t, s, fullUser(1)), insertPayment(t, s, fullPayment("u1", 1))
	sameEmail, sameCustomer := newUser(3), newUser(4)
	sameEmail.EmailKey, sameCustomer.CustomerID = u.EmailKey, u.CustomerID
	sameCUID, sameIntent := newPayment(p.UserID, 3), newPayment("u2", 4)
	sameCUID.CUID, sameIntent.IntentID = p.CUID, p.IntentID
	again := *u
	again.Version = 5

	for i, tt := range []struct {
		user *store.User
		want error
	}{{&again, store.ErrEmailTaken}, {sameEmail, store.ErrEmailTaken}, {sameCustomer, store.ErrCustomerTaken}} {
		wantErr(t, "MoveUsers", s.MoveUsers(t.Context(), []*store.User{newUser(20 + i), tt.user}), tt.want)
		wantErr(t, "MoveUsers of one", s.MoveUsers(t.Context(), []*store.User{tt.user}), tt.want)
	}
	for i, taken := range []*store.Payment{p, sameCUID, sameIntent} {
		wantErr(t, "MovePayments", s.MovePayments(t.Context(), []*store.Payment{newPayment("u3", 20+i), taken}), store.ErrPaymentExists)
		wantErr(t, "MovePayments of one", s.MovePayments(t.Context(), []*store.Payment{taken}), store.ErrPaymentExists)
	}
	twin := newUser(5)
	twin.EmailKey = newUser(6).EmailKey
	wantErr(t, "MoveUsers of two with one email", s.MoveUsers(t.Context(), []*store.User{twin, newUser(6)}), store.ErrEmailTaken)
	wantUser(t, s, *u)
	wantPayment(t, s, *p)
}

func moveReplace(t *testing.T, s store.Movable) {
	other := insertUser(t, s, newUser(2))
	u, p := insertUser(t, s, newUser(1)), insertPayment(t, s, newPayment("u1", 1))
	for _, version := range []int64{5, 3, 3, 8} {
		from, fromPayment := u.Version, p.Version
		id, paymentID := u.ID, p.ID
		u, p = fullUser(10+int(version)), fullPayment("u2", 10+int(version))
		u.ID, u.Version, p.ID, p.Version = id, version, paymentID, version
		wantErr(t, "ReplaceUser", s.ReplaceUser(t.Context(), u, from), nil)
		wantErr(t, "ReplacePayment", s.ReplacePayment(t.Context(), p, fromPayment), nil)
		wantUser(t, s, *u)
		wantPayment(t, s, *p)
	}
	wantUser(t, s, *other)
}

func moveReplaceStale(t *testing.T, s store.Movable) {
	u, p := insertUser(t, s, newUser(1)), insertPayment(t, s, newPayment("u1", 1))
	changed, changedPayment := *u, *p
	changed.Name, changed.Version, changedPayment.Amount, changedPayment.Version = "changed", 5, 1, 5
	for _, version := range []int64{0, 2, 5} {
		wantErr(t, "ReplaceUser", s.ReplaceUser(t.Context(), &changed, version), store.ErrStale)
		wantErr(t, "ReplacePayment", s.ReplacePayment(t.Context(), &changedPayment, version), store.ErrStale)
	}
	wantErr(t, "ReplaceUser of nobody", s.ReplaceUser(t.Context(), newUser(2), 1), store.ErrStale)
	wantErr(t, "ReplacePayment of none", s.ReplacePayment(t.Context(), newPayment("u1", 2), 1), store.ErrStale)
	wantUser(t, s, *u)
	wantPayment(t, s, *p)
}

func moveReplaceTaken(t *testing.T, s store.Movable) {
	u, p := insertUser(t, s, fullUser(1)), insertPayment(t, s, newPayment("u1", 1))
	second, secondPayment := insertUser(t, s, newUser(2)), insertPayment(t, s, newPayment("u1", 2))
	changed := *second
	changed.EmailKey = u.EmailKey
	wantErr(t, "ReplaceUser", s.ReplaceUser(t.Context(), &changed, 1), store.ErrEmailTaken)
	changed = *second
	changed.CustomerID = u.CustomerID
	wantErr(t, "ReplaceUser", s.ReplaceUser(t.Context(), &changed, 1), store.ErrCustomerTaken)
	changedPayment := *secondPayment
	changedPayment.IntentID = p.IntentID
	wantErr(t, "ReplacePayment", s.ReplacePayment(t.Context(), &changedPayment, 1), store.ErrPaymentExists)
	wantUser(t, s, *second)
	wantPayment(t, s, *secondPayment)
}

func moveMaxPage(t *testing.T, s store.Movable) {
	users, payments := make([]*store.User, store.MaxPage), make([]*store.Payment, store.MaxPage)
	for n := range store.MaxPage {
		users[n], payments[n] = newUser(n), newPayment("u1", n)
		users[n].Version, payments[n].Version = 2, 3
	}
	wantErr(t, "MoveUsers", s.MoveUsers(t.Context(), users), nil)
	wantErr(t, "MovePayments", s.MovePayments(t.Context(), payments), nil)
	got := allPayments(t, s, store.MaxPage)
	if len(got) != 1 || !slices.Equal(paymentIDs(got[0]), paymentIDs(payments)) {
		t.Errorf("AllPayments: got %d batches, want one of %d payments", len(got), store.MaxPage)
	}
	wantUser(t, s, *users[store.MaxPage-1])
	wantSize(t, s, store.Size{Users: store.MaxPage, Payments: store.MaxPage})
}

func firstError[T any](all iter.Seq2[T, error]) error {
	for _, err := range all {
		return err
	}
	return nil
}

func moveEnded(t *testing.T, s store.Movable) {
	u, p := insertUser(t, s, newUser(1)), insertPayment(t, s, newPayment("u1", 1))
	changed, changedPayment := *u, *p
	changed.Name, changedPayment.Amount = "changed", 1
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Size":           func() error { _, err := s.Size(ctx); return err },
		"AllUsers":       func() error { return firstError(s.AllUsers(ctx, 1)) },
		"AllPayments":    func() error { return firstError(s.AllPayments(ctx, 1)) },
		"MoveUsers":      func() error { return s.MoveUsers(ctx, []*store.User{newUser(2)}) },
		"MovePayments":   func() error { return s.MovePayments(ctx, []*store.Payment{newPayment("u1", 2)}) },
		"ReplaceUser":    func() error { return s.ReplaceUser(ctx, &changed, 1) },
		"ReplacePayment": func() error { return s.ReplacePayment(ctx, &changedPayment, 1) },
	} {
		if err := answer(t, name, call); !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got error %v, want %v or %v", name, err, context.Canceled, store.ErrUnavailable)
		}
	}
	wantUser(t, s, *u)
	wantPayment(t, s, *p)
	wantSize(t, s, store.Size{Users: 1, Payments: 1})
}
