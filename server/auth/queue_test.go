package auth

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// startFrom hashes in the background for an address, and returns when it runs, waits
// or was refused.
func (g gate) startFrom(ctx context.Context, address, password string) <-chan error {
	result := make(chan error, 1)
	go func() {
		_, err := g.For(netip.MustParseAddr(address)).Hash(ctx, password)
		result <- err
	}()
	synctest.Wait()
	return result
}

// finish lets so many hashes end, one by one.
func (g gate) finish(hashes int) {
	for range hashes {
		g.leave <- struct{}{}
		synctest.Wait()
	}
}

// begun returns the passwords of the hashes that have begun, in order.
func (g gate) begun() (passwords []string) {
	for len(g.started) > 0 {
		passwords = append(passwords, <-g.started)
	}
	return passwords
}

const (
	attacker   = "192.0.2.1"
	accomplice = "2001:db8::1"
	victim     = "198.51.100.7"
)

// One address that fills the queue delays another by one hash of its own, and takes
// no place away from it.
func TestOneAddressCannotFillTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, HasherConfig{Workers: 1, Queue: 8})
		var attack []<-chan error
		for i := range 90 {
			attack = append(attack, g.startFrom(t.Context(), attacker, fmt.Sprint("attack ", i)))
		}
		g.load(t, 1, 8)
		other := g.startFrom(t.Context(), victim, "victim")
		g.load(t, 1, 8)
		wantResult(t, attack[8], ErrBusy) // its last caller in the queue made room
		g.finish(9)
		if got := slices.Index(g.begun(), "victim"); got > 2 {
			t.Errorf("hashed as number %d, want behind the one that runs and one more at most", got+1)
		}
		wantResult(t, other, nil)
		for i, result := range attack {
			switch {
			case i < 8:
				wantResult(t, result, nil)
			case i > 8:
				wantResult(t, result, ErrBusy)
			}
		}
	})
}

func TestAddressesAreServedInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, HasherConfig{Workers: 1, Queue: 20})
		first := g.startFrom(t.Context(), attacker, "a0")
		var results []<-chan error
		for _, c := range []struct{ address, password string }{
			{attacker, "a1"}, {attacker, "a2"}, {attacker, "a3"}, {accomplice, "b1"}, {accomplice, "b2"}, {victim, "c1"},
			{"2001:db8::ffff", "b3"}, // the same /64
		} {
			results = append(results, g.startFrom(t.Context(), c.address, c.password))
		}
		g.finish(2)
		// Who comes while a round is under way is in the next, and so not ahead of
		// those of it.
		results = append(results, g.startFrom(t.Context(), "203.0.113.5", "d1"))
		g.finish(7)
		want := []string{"a0", "a1", "b1", "c1", "a2", "b2", "d1", "a3", "b3"}
		if got := g.begun(); !slices.Equal(got, want) {
			t.Errorf("hashed in the order %q, want %q", got, want)
		}
		for _, result := range append(results, first) {
			wantResult(t, result, nil)
		}
		g.load(t, 0, 0)
	})
}

// A full queue of many addresses refuses the newcomer who would be served last.
func TestAFullQueueOfManyAddressesIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, HasherConfig{Workers: 1, Queue: 3})
		var results []<-chan error
		for i := range 4 {
			results = append(results, g.startFrom(t.Context(), fmt.Sprint("192.0.2.", i), "x"))
		}
		wantResult(t, g.startFrom(t.Context(), "192.0.2.9", "y"), ErrBusy)
		wantResult(t, g.startFrom(t.Context(), "192.0.2.1", "y"), ErrBusy)
		close(g.leave)
		for _, result := range results {
			wantResult(t, result, nil)
		}
	})
}

// A caller who gives up at the moment of its turn leaves the worker to the next.
func TestATurnThatComesTooLatePassesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{workers: 1, places: 5}
		if err := q.acquire(t.Context(), attacker, time.Second); err != nil {
			t.Fatal(err)
		}
		late, err1 := q.enter(attacker)
		next, err2 := q.enter(victim)
		if late == nil || next == nil || err1 != nil || err2 != nil {
			t.Fatalf("got %v, %v, %v, %v, want both to wait", late, err1, next, err2)
		}
		q.release() // the turn of late
		q.leave(late)
		if err := <-next.turn; err != nil {
			t.Errorf("the next caller got %v, want its turn", err)
		}
		q.release()
		if running, waiting := q.load(); running != 0 || waiting != 0 {
			t.Errorf("%d run and %d wait, want none", running, waiting)
		}
	})
}
