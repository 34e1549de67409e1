package sqlite

import (
	"context"
	"errors"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

// takeAll takes every reader, as calls would that are under way, and returns what
// gives them back.
func takeAll(t *testing.T, s *Store) (giveBack func()) {
	t.Helper()
	var taken []*reader
	for range cap(s.readers.idle) {
		r, err := s.readers.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, r)
	}
	return func() {
		for _, r := range taken {
			s.readers.idle <- r
		}
	}
}

// awaited is a context that cancels itself when somebody waits for its end.
type awaited struct {
	context.Context
	cancel func()
}

func (a awaited) Done() <-chan struct{} {
	a.cancel()
	return a.Context.Done()
}

func TestAReadWaitsForAConnectionNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	giveBack := takeAll(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Ping(awaited{ctx, cancel}) }()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Ping: got error %v, want %v", err, context.Canceled)
	}
	giveBack()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping afterwards: %v", err)
	}
}

func TestCloseWaitsForReadsAndTurnsAwayThoseThatWait(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	giveBack := takeAll(t, s)
	waiting, closed := make(chan error, 1), make(chan error, 1)
	go func() { waiting <- s.Ping(t.Context()) }()
	go func() { closed <- s.Close() }()
	if err := <-waiting; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping: got error %v, want %v", err, store.ErrUnavailable)
	}
	select {
	case err := <-closed:
		t.Errorf("Close: got %v before the reads had ended", err)
	default:
	}
	giveBack()
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
}

// A reader that stopped in the middle would hold the log back for good, and answer
// the next call with rows of this one.
func TestAReadThatFailsLeavesItsConnectionUsable(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	for n := range 3 {
		if err := s.InsertUser(t.Context(), newUser(n)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * cap(s.readers.idle) {
		func() {
			defer func() { _ = recover() }()
			_ = s.readers.read(t.Context(), listUsers, func(row) { panic("in the first row") }, "", int64(10))
		}()
	}
	for range cap(s.readers.idle) {
		list, err := s.ListUsers(t.Context(), store.UserQuery{Limit: 10})
		if err != nil || len(list) != 3 {
			t.Errorf("ListUsers: got %d users, %v, want 3", len(list), err)
		}
	}
}

// Reading the user is on the way of every request. A context that can be cancelled
// must not cost a goroutine, nor the description of the columns an allocation each.
func TestAReadAllocatesLittle(t *testing.T) {
	s := openNew(t)
	u := newUser(1)
	if err := s.InsertUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	const most = 26
	got := testing.AllocsPerRun(100, func() {
		if _, err := s.User(t.Context(), u.ID); err != nil {
			t.Error(err)
		}
	})
	if got > most {
		t.Errorf("User: got %v allocations, want %d at most", got, most)
	}
}
