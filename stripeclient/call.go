package stripeclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// The pause before the second attempt is at most firstPause; it doubles from
// attempt to attempt up to maxPause.
const (
	firstPause = 500 * time.Millisecond
	maxPause   = 4 * time.Second
)

// request is one call, in as many attempts as it takes.
type request struct {
	op string
	// key is the idempotency key of a write, the same in all attempts; empty
	// for a read.
	key string
	// send makes one attempt. It returns stripe-go's error, or errUnreadable
	// if the answer does not hold what was asked for.
	send func(ctx context.Context, b stripe.Backend) error
}

// outcome is how an attempt, and in the end the call, came out.
type outcome struct {
	// err is nil if the call was done.
	err       *Error
	replayed  bool
	requestID string
	// again: another attempt makes sense.
	again bool
}

// do makes the call and reports whether its answer is a saved one.
func (c *Client) do(ctx context.Context, r request) (replayed bool, err error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	start := time.Now()
	o, sent := c.attemptAll(ctx, r)
	if c.observe != nil {
		result := "ok"
		if o.err != nil {
			result = o.err.Kind.String()
		}
		c.observe(ctx, Call{
			Op: r.op, Outcome: result, Duration: time.Since(start), Attempts: sent,
			RequestID:    o.requestID,
			PayerBreaker: c.limits.payers.State().String(), BackgroundBreaker: c.limits.background.State().String(),
		})
	}
	if o.err != nil {
		return false, o.err
	}
	return o.replayed, nil
}

// bound gives a context without deadline one that all attempts fit in.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(c.attempts)*(c.timeout+maxPause))
}

// attemptAll sends the request until an attempt settles it, and returns the
// outcome of the last one and how many were sent.
func (c *Client) attemptAll(ctx context.Context, r request) (last outcome, sent int) {
	unsure := false
	for {
		o, admitted := c.attempt(ctx, r)
		if !admitted && sent > 0 {
			return last.orCancelled(ctx), sent
		}
		if !admitted {
			return o, 0
		}
		sent++
		if o.err == nil {
			return o, sent
		}
		// Once an attempt to change something may have had its effect, an
		// answer that says nothing about it leaves the call unknown.
		unsure = unsure || r.key != "" && o.err.Kind == KindUnknown
		if unsure && !o.err.Kind.settles() {
			o.err.Kind = KindUnknown
		}
		last = o
		if !o.again || sent >= c.attempts || !pause(ctx, backoff(sent)) {
			return last.orCancelled(ctx), sent
		}
	}
}

// attempt sends the request once, if the limits admit it.
func (c *Client) attempt(ctx context.Context, r request) (o outcome, admitted bool) {
	err := c.limits.run(ctx, r.op, func() *Error {
		admitted = true
		attemptCtx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		x := &exchange{next: c.transport}
		err := r.send(attemptCtx, x.backend(c.baseURL))
		o.requestID = x.requestID()
		if err == nil {
			o.replayed = x.replayed()
			return nil
		}
		e := x.failure(r, err)
		if x.err != nil && attemptCtx.Err() != nil {
			e.cause = attemptCtx.Err()
		}
		o.again = e.again(x.header)
		return e
	})
	o.err = err
	return o, admitted
}

// orCancelled is the outcome of a call that its caller gave up.
func (o outcome) orCancelled(ctx context.Context) outcome {
	if o.err == nil || !o.again || !errors.Is(ctx.Err(), context.Canceled) {
		return o
	}
	o.err.Kind = KindUnknown
	o.err.cause = ctx.Err()
	return o
}

// settles reports whether an answer of this kind says what became of the
// request, also of its earlier attempts with the same key.
func (k Kind) settles() bool {
	switch k {
	case KindDeclined, KindNotFound, KindInvalid, KindUnexpectedState, KindPaymentMethod:
		return true
	}
	return false
}

// backoff is the pause after the nth attempt: exponential, with half of it
// random, so that replicas do not come back together.
func backoff(n int) time.Duration {
	d := min(firstPause<<(n-1), maxPause)
	return d/2 + rand.N(d/2+1) // #nosec G404 -- jitter
}

// pause waits. It returns false at once if the deadline would come first, and
// as soon as the caller gives up.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
