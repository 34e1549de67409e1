package auth

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// queue lets a bounded number of callers run at once, and a bounded number wait.
//
// The waiting callers are served in rounds, one of each address in a round, and
// within a round in the order in which they came. A full queue still takes a caller
// who would be served before the last one in it; that one is sent away. So a caller
// waits for at most one hash of each other address, however many callers that
// address has, and one address alone can use the whole queue.
type queue struct {
	workers, places int

	mu      sync.Mutex
	running int
	// round is that of the waiting caller who was let in last.
	round int
	// waiting is sorted by round, then by arrival. It is empty while a worker is
	// free.
	waiting []*waiter
}

type waiter struct {
	address string
	round   int
	// turn receives nil when the caller may run, and ErrBusy when it is sent away.
	turn chan error
}

// acquire takes a worker, or waits for one. Call release after it, unless it
// returns an error: ErrBusy, or the context's.
func (q *queue) acquire(ctx context.Context, address string, maxWait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	w, err := q.enter(address)
	if w == nil {
		return err
	}
	timeout := time.NewTimer(maxWait)
	defer timeout.Stop()
	select {
	case err := <-w.turn:
		return err
	case <-timeout.C:
		err = ErrBusy
	case <-ctx.Done():
		err = fmt.Errorf("wait to hash password: %w", ctx.Err())
	}
	q.leave(w)
	return err
}

// enter takes a worker, and returns neither a waiter nor an error, or takes a place
// in the queue. ErrBusy.
func (q *queue) enter(address string) (*waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running < q.workers {
		q.running++
		return nil, nil
	}
	w := &waiter{address: address, round: q.nextRound(address), turn: make(chan error, 1)}
	if len(q.waiting) == q.places {
		last := q.waiting[len(q.waiting)-1]
		if last.round <= w.round {
			return nil, ErrBusy
		}
		q.remove(last)
		last.turn <- ErrBusy
	}
	i, _ := slices.BinarySearchFunc(q.waiting, w.round+1, func(w *waiter, round int) int { return w.round - round })
	q.waiting = slices.Insert(q.waiting, i, w)
	return w, nil
}

// nextRound is the first round in which nobody of the address is waiting.
func (q *queue) nextRound(address string) int {
	round := q.round
	for _, w := range q.waiting {
		if w.address == address {
			round = max(round, w.round)
		}
	}
	return round + 1
}

// leave gives up waiting. If the caller's turn came at the same moment, it passes on
// to the next.
func (q *queue) leave(w *waiter) {
	q.mu.Lock()
	waits := q.remove(w)
	q.mu.Unlock()
	if !waits && <-w.turn == nil {
		q.release()
	}
}

// remove reports whether the caller was waiting.
func (q *queue) remove(w *waiter) bool {
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// release passes the worker on to the next caller, or frees it.
func (q *queue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running--
		return
	}
	next := q.waiting[0]
	q.remove(next)
	q.round = next.round
	next.turn <- nil
}

// load returns how many callers run, and how many wait.
func (q *queue) load() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, len(q.waiting)
}
