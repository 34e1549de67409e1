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
// calls, which are work in the background.
func WithPayer(ctx context.Context, userID string) context.Context {
	return context.WithValue(ctx, payerKey{}, userID)
}

// payerOf returns the user, or "" for work in the background.
func payerOf(ctx context.Context) string {
	user, _ := ctx.Value(payerKey{}).(string)
	return user
}

// backgroundShare: while both wait, one turn in so many is the background's.
const backgroundShare = 10

// queue gives out turns to send a request: at most so many at a time, and no more
// than the rate. Payers go before the background, which keeps a tenth of the turns,
// and never takes the last quarter of the places under way. Each payer has a line,
// and the lines take turns, so that nobody waits for another's backlog.
type queue struct {
	rate *rate.Limiter
	mu   sync.Mutex
	// free is how many more requests may be under way; of those of the background,
	// freeForBackground.
	free, freeForBackground int
	// lines are those of the payers who wait; the first has the next turn.
	lines      []*line
	background line
	// passed is how many payers had a turn while the background waited.
	payerTurns int
	// wake calls advance when the rate allows the next turn.
	wake *time.Timer
}

// line is who waits, in order.
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

// enter waits for a turn, for as long as patience at most, and returns a function
// that ends it; or nil, and after what time it makes sense to try again. It does not
// wait if it can be seen that the turn would come too late.
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

// estimate is how long the rate alone makes a new request of the user wait. Before
// it are those of its own line, and as many of each other line.
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

// advance gives out the turns that can be given out now. q.mu is held.
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

// next reports whether somebody can have a turn, and whether that is the background.
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
