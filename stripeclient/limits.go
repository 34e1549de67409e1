package stripeclient

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

// retryHint is how long callers are told to wait when nothing better is known.
// Stripe documents no Retry-After.
const retryHint = time.Second

// Why a request was not sent.
var (
	errBreakerOpen = errors.New("the circuit breaker is open")
	errNoTurn      = errors.New("our own limit on requests to Stripe")
)

// limits keeps us from overrunning Stripe, and Stripe's outages from tying up
// our callers: a queue for turns, and two circuit breakers. Work in the background
// has its own, because a call that only it makes can fail while payments work.
type limits struct {
	queue              *queue
	payers, background *breaker
}

func newLimits(cfg Config) *limits {
	return &limits{
		queue:      newQueue(rate.NewLimiter(rate.Limit(cfg.RatePerSecond), cfg.Burst), cfg.MaxInFlight),
		payers:     newBreaker(cfg),
		background: newBreaker(cfg),
	}
}

// breakerOf returns the breaker for a call with this context.
func (l *limits) breakerOf(ctx context.Context) *breaker {
	if payerOf(ctx) == "" {
		return l.background
	}
	return l.payers
}

// breaker is a circuit breaker that knows when it lets a request through again.
type breaker struct {
	*gobreaker.CircuitBreaker[struct{}]
	// openUntil is that time, in nanoseconds since 1970.
	openUntil atomic.Int64
}

func newBreaker(cfg Config) *breaker {
	b := &breaker{}
	b.CircuitBreaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout: cfg.BreakerCooldown,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			return n.ConsecutiveFailures >= uint32(cfg.BreakerFailures) // #nosec G115 -- validated
		},
		IsSuccessful: isUp,
		// A caller who gives up says nothing about Stripe.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.openUntil.Store(time.Now().Add(cfg.BreakerCooldown).UnixNano())
			}
		},
	})
	return b
}

// isUp reports whether the outcome of an attempt shows that Stripe is working. A
// saved server error does: the saving is working. So does an answer that is larger
// than we take: it was our decision not to read it.
func isUp(err error) bool {
	var e *Error
	return !errors.As(err, &e) || e.Kind != KindUnknown || e.Replayed || errors.Is(e.cause, errTooLarge)
}

// run calls send when the limits admit it. It waits for at most half of the
// time that ctx has left, so that the other half is for the request; then,
// and at once while the breaker is open, the error is KindOverloaded.
func (l *limits) run(ctx context.Context, op string, send func() *Error) *Error {
	b := l.breakerOf(ctx)
	if b.State() == gobreaker.StateOpen {
		return b.brokenOff(op)
	}
	if ctx.Err() != nil {
		return &Error{Kind: KindUnknown, Op: op, cause: ctx.Err()}
	}
	deadline, _ := ctx.Deadline()
	leave, retryAfter := l.queue.enter(ctx, payerOf(ctx), time.Until(deadline)/2)
	if leave == nil {
		return refusal(ctx, op, retryAfter)
	}
	defer leave()
	var failure *Error
	_, err := b.Execute(func() (struct{}, error) {
		if failure = send(); failure != nil {
			return struct{}{}, failure
		}
		return struct{}{}, nil
	})
	if err != nil && failure == nil {
		return b.brokenOff(op)
	}
	return failure
}

// refusal is the error of a request that was not sent.
func refusal(ctx context.Context, op string, retryAfter time.Duration) *Error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &Error{Kind: KindUnknown, Op: op, cause: ctx.Err()}
	}
	return &Error{Kind: KindOverloaded, Op: op, RetryAfter: retryAfter, cause: errNoTurn}
}

// brokenOff is the error while the breaker is open, and half-open with its one
// request under way.
func (b *breaker) brokenOff(op string) *Error {
	rest := time.Until(time.Unix(0, b.openUntil.Load()))
	if rest <= 0 {
		rest = retryHint
	}
	return &Error{Kind: KindOverloaded, Op: op, RetryAfter: rest, cause: errBreakerOpen}
}
