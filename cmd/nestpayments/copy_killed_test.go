//go:build !race

// The race detector makes of these seconds minutes, and other tests show it what they
// do. make test runs them without it.

package main

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

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

func (k killed) AllUsers(ctx context.Context, limit int) iter.Seq2[[]*store.User, error] {
	return eachCall(k, k.Movable.AllUsers(ctx, limit))
}

func (k killed) AllPayments(ctx context.Context, limit int) iter.Seq2[[]*store.Payment, error] {
	return eachCall(k, k.Movable.AllPayments(ctx, limit))
}

// eachCall takes each batch for a call.
func eachCall[T any](k killed, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for batch, err := range all {
			if err = k.do(func() error { return err }); !yield(batch, err) || err != nil {
				return
			}
		}
	}
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

func (k killed) DeleteUser(ctx context.Context, u *store.User) error {
	return k.do(func() error { return k.Movable.DeleteUser(ctx, u) })
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
