package stripeclient

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

type payerKey struct{}

// WithPayer marks the calls made with the context as those of a paying user. Calls
// of the same user wait for each other; users take turns, and go before unmarked
// calls, which are work in the background. Unmarked calls that fail never stop those
// of users.
func WithPayer(ctx context.Context, userID string) context.Context {
	return context.WithValue(ctx, payerKey{}, userID)
}

// payerOf returns the user, or "" for work in the background.
func payerOf(ctx context.Context) string {
	user, _ := ctx.Value(payerKey{}).(string)
	return user
}

// backgroundShare: while both wait, every tenth turn goes to the background.
const backgroundShare = 10

// queue limits requests in flight and per second. Payers come first, but the background
// gets a tenth of the turns, and at most three quarters of the places. Each payer has a
// line, and lines take turns, so nobody waits for another payer's backlog.
type queue struct {
	rate *rate.Limiter
	mu   sync.Mutex
	// free and freeForBackground are how many more requests, and background requests,
	// may be in flight.
	free, freeForBackground int
	// lines are those of the waiting payers; the first has the next turn.
	lines      []*line
	background line
	// payerTurns is the number of turns payers have had since the last background turn,
	// while background calls waited.
	payerTurns int
	// wake calls advance when the rate allows the next turn.
	wake *time.Timer
}

// line holds the waiting requests of one payer, or of the background, in order.
type line struct {
	user    string
	waiting []*turn
}

// turn is one request that waits. ready is closed when its turn comes.
type turn struct {
	user  string
	ready chan struct{}
}

func newQueue(r *rate.Limiter, places int) *queue {
	return &queue{rate: r, free: places, freeForBackground: places - places/4}
}

// enter waits up to patience for a turn. It returns leave, which ends the turn, or nil
// and when to retry. It returns at once if the wait would be too long.
func (q *queue) enter(ctx context.Context, user string, patience time.Duration) (leave func(), retryAfter time.Duration) {
	q.mu.Lock()
	if wait := q.estimate(user); wait > patience {
		q.mu.Unlock()
		return nil, wait
	}
	t := &turn{user: user, ready: make(chan struct{})}
	l := q.line(user)
	l.waiting = append(l.waiting, t)
	q.advance()
	q.mu.Unlock()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-t.ready:
		return func() { q.leave(t) }, 0
	case <-timer.C:
	case <-ctx.Done():
	}
	q.giveUp(t)
	return nil, retryHint
}

// line returns the user's line, and makes one if there is none.
func (q *queue) line(user string) *line {
	if user == "" {
		return &q.background
	}
	for _, l := range q.lines {
		if l.user == user {
			return l
		}
	}
	l := &line{user: user}
	q.lines = append(q.lines, l)
	return l
}

// estimate returns a lower bound for the wait of a new request of the user. Ahead of it
// are its own line and, from each other line, at most one request more than that. A
// background call is estimated from the background line, so the first one counts as
// having nobody ahead.
func (q *queue) estimate(user string) time.Duration {
	own := 0
	for _, l := range q.lines {
		if l.user == user {
			own = len(l.waiting)
		}
	}
	before := 0
	for _, l := range q.lines {
		before += min(len(l.waiting), own+1)
	}
	if user == "" {
		own = len(q.background.waiting)
		before = min(own*backgroundShare, own+before)
	}
	missing := float64(before+1) - q.rate.Tokens()
	return max(0, time.Duration(missing/float64(q.rate.Limit())*float64(time.Second)))
}

// advance starts the turns that can start now. q.mu is held.
func (q *queue) advance() {
	for q.free > 0 {
		background, some := q.next()
		if !some {
			return
		}
		token := q.rate.Reserve()
		if wait := token.Delay(); wait > 0 {
			token.Cancel()
			q.wakeAfter(wait)
			return
		}
		q.free--
		if background {
			q.freeForBackground--
			q.payerTurns = 0
			close(q.background.waiting[0].ready)
			q.background.waiting = q.background.waiting[1:]
			continue
		}
		q.payerTurns++
		first := q.lines[0]
		close(first.waiting[0].ready)
		first.waiting = first.waiting[1:]
		q.lines = q.lines[1:]
		if len(first.waiting) > 0 {
			q.lines = append(q.lines, first)
		}
	}
}

// next reports whether a request can have a turn, and whether it is a background one.
func (q *queue) next() (background, some bool) {
	waits := len(q.background.waiting) > 0 && q.freeForBackground > 0
	if len(q.background.waiting) == 0 {
		q.payerTurns = 0
	}
	if len(q.lines) > 0 && !(waits && q.payerTurns >= backgroundShare-1) {
		return false, true
	}
	return waits, waits
}

func (q *queue) wakeAfter(d time.Duration) {
	if q.wake != nil {
		q.wake.Stop()
	}
	q.wake = time.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.advance()
	})
}

// leave ends a turn.
func (q *queue) leave(t *turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	if t.user == "" {
		q.freeForBackground++
	}
	q.advance()
}

// giveUp takes a request out of its line, or ends its turn if that has just come.
func (q *queue) giveUp(t *turn) {
	q.mu.Lock()
	select {
	case <-t.ready:
		q.mu.Unlock()
		q.leave(t)
		return
	default:
	}
	defer q.mu.Unlock()
	l := q.line(t.user)
	l.waiting = slices.DeleteFunc(l.waiting, func(other *turn) bool { return other == t })
	if len(l.waiting) == 0 && t.user != "" {
		q.lines = slices.DeleteFunc(q.lines, func(other *line) bool { return other == l })
	}
}
