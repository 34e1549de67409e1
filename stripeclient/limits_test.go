package stripeclient

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// calls makes n calls at once and returns their errors in order of their end.
func calls(ctx context.Context, c *Client, n int) <-chan error {
	ended := make(chan error, n)
	for range n {
		go func() {
			_, err := c.Intent(ctx, "pi_1")
			ended <- err
		}()
	}
	return ended
}

func TestRequestsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		good := reply(200, intentJSON)
		f := newFake(func(r *http.Request) (*http.Response, error) { <-release; return good(r) })
		ended := calls(t.Context(), f.client(t, func(c *Config) { c.MaxInFlight = 2 }), 5)
		synctest.Wait()
		if n := len(f.sent()); n != 2 {
			t.Errorf("got %d requests under way, want 2", n)
		}
		close(release)
		for range 5 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if n := len(f.sent()); n != 5 {
			t.Errorf("got %d requests in the end, want 5", n)
		}
	})
}

func TestACallThatFindsNoSlotLeavesInTime(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*fake, *Client) {
		f := newFake(hang)
		c := f.client(t, func(c *Config) { c.MaxInFlight, c.Timeout = 1, time.Minute })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		t.Cleanup(cancel)
		calls(ctx, c, 1)
		synctest.Wait()
		return f, c
	}
	inBubble(t, "after half of its time", func(t *testing.T) {
		f, c := setup(t)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Intent(ctx, "pi_1")
		e := wantKind(t, err, KindOverloaded)
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("left after %v, want 2s", got)
		}
		if e.RetryAfter <= 0 || len(f.sent()) != 1 {
			t.Errorf("got RetryAfter %v and %d requests, want a time and 1", e.RetryAfter, len(f.sent()))
		}
	})
	inBubble(t, "at once when its caller gives up", func(t *testing.T) {
		_, c := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := c.Intent(ctx, "pi_1")
		wantKind(t, err, KindUnknown)
		if got := time.Since(start); got != time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("left after %v with %v, want 1s and context.Canceled", got, errors.Unwrap(err))
		}
	})
}

func TestOwnRate(t *testing.T) {
	t.Parallel()
	limit := func(c *Config) { c.RatePerSecond, c.Burst, c.MaxInFlight = 2, 3, 1 }
	inBubble(t, "a burst goes out at once, the rest at the rate", func(t *testing.T) {
		f := newFake(reply(200, intentJSON))
		start := time.Now()
		ended := calls(t.Context(), f.client(t, limit), 7)
		for range 7 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		var got []time.Duration
		for _, r := range f.sent() {
			got = append(got, r.at.Sub(start).Round(time.Millisecond))
		}
		const half = 500 * time.Millisecond
		if want := []time.Duration{0, 0, 0, half, 2 * half, 3 * half, 4 * half}; !slices.Equal(got, want) {
			t.Errorf("got requests at %v, want %v", got, want)
		}
	})
	inBubble(t, "a call that would wait too long is told so at once", func(t *testing.T) {
		f := newFake(reply(200, intentJSON))
		c := f.client(t, limit)
		for range 3 {
			if _, err := c.Intent(t.Context(), "pi_1"); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.Intent(ctx, "pi_1")
		e := wantKind(t, err, KindOverloaded)
		if got := e.RetryAfter.Round(time.Millisecond); got != 500*time.Millisecond || time.Since(start) != 0 {
			t.Errorf("got RetryAfter %v after %v, want 500ms at once", got, time.Since(start))
		}
		// Its place in the queue is free again.
		time.Sleep(500 * time.Millisecond)
		start = time.Now()
		if _, err := c.Intent(t.Context(), "pi_1"); err != nil || time.Since(start) != 0 {
			t.Errorf("the next call got %v after %v, want an answer at once", err, time.Since(start))
		}
	})
}

// breakerClient is a client whose breaker opens after three failures for ten
// seconds.
func breakerClient(t *testing.T, f *fake) *Client {
	return f.client(t, oneAttempt, func(c *Config) { c.BreakerFailures, c.BreakerCooldown = 3, 10*time.Second })
}

func TestBreakerOpensOnUnknownOutcomesInARow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		steps []step
		open  bool
	}{
		{"dropped connections", []step{drop, drop, drop}, true},
		{"time-outs", []step{hang, hang, hang}, true},
		{"server errors", []step{reply(500, serverError), reply(503, serverError), reply(502, `<html>`)}, true},
		{"two failures", []step{drop, drop}, false},
		{"failures with an answer between them", []step{drop, drop, reply(200, intentJSON), drop, drop}, false},
		{"failures with a decline between them", []step{drop, drop, reply(402, declined), drop, drop}, false},
		{"declines", []step{reply(402, declined), reply(402, declined), reply(402, declined)}, false},
		{"wrong requests", []step{reply(400, badRequest), reply(400, badRequest), reply(400, badRequest)}, false},
		{"rate limits", []step{reply(429, rateLimited), reply(429, rateLimited), reply(429, rateLimited)}, false},
		{"saved server errors", []step{
			reply(500, serverError, "Idempotent-Replayed", "true"), reply(500, serverError, "Idempotent-Replayed", "true"),
			reply(500, serverError, "Idempotent-Replayed", "true")}, false},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			f := newFake(append(tt.steps, reply(200, intentJSON))...)
			c := breakerClient(t, f)
			for range tt.steps {
				_, _ = c.ConfirmIntent(t.Context(), "pi_1", "k", "pm_1")
			}
			_, err := c.Intent(t.Context(), "pi_1")
			if tt.open {
				wantKind(t, err, KindOverloaded)
			} else if err != nil {
				t.Errorf("got %v, want an answer", err)
			}
			if want := len(tt.steps) + map[bool]int{false: 1}[tt.open]; len(f.sent()) != want {
				t.Errorf("got %d requests, want %d", len(f.sent()), want)
			}
		})
	}
}

func TestCallersWhoGiveUpDoNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(hang, hang, hang, reply(200, intentJSON))
		c := breakerClient(t, f)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := c.Intent(ctx, "pi_1")
			wantKind(t, err, KindUnknown)
		}
		if _, err := c.Intent(t.Context(), "pi_1"); err != nil {
			t.Errorf("got %v, want an answer", err)
		}
	})
}

func TestBreakerTestsWhetherStripeIsBack(t *testing.T) {
	t.Parallel()
	// opened is a client with a breaker that has just opened, and then gets
	// these steps.
	opened := func(t *testing.T, then ...step) (*fake, *Client) {
		f := newFake(append([]step{drop, drop, drop}, then...)...)
		c := breakerClient(t, f)
		for range 3 {
			_, err := c.Intent(t.Context(), "pi_1")
			wantKind(t, err, KindUnknown)
		}
		return f, c
	}
	const cooldown = 10*time.Second + time.Nanosecond
	inBubble(t, "open: refused at once, with the rest of the cooldown", func(t *testing.T) {
		f, c := opened(t, reply(200, intentJSON))
		time.Sleep(4 * time.Second)
		start := time.Now()
		_, err := c.Intent(t.Context(), "pi_1")
		e := wantKind(t, err, KindOverloaded)
		if e.RetryAfter != 6*time.Second || time.Since(start) != 0 || len(f.sent()) != 3 {
			t.Errorf("got RetryAfter %v after %v and %d requests, want 6s at once and 3", e.RetryAfter, time.Since(start), len(f.sent()))
		}
	})
	inBubble(t, "open: refused at once, not after a wait for the rate", func(t *testing.T) {
		f := newFake(drop)
		c := f.client(t, oneAttempt, func(c *Config) { c.BreakerFailures, c.RatePerSecond, c.Burst = 3, 1, 3 })
		for range 3 {
			_, err := c.Intent(t.Context(), "pi_1")
			wantKind(t, err, KindUnknown)
		}
		start := time.Now()
		_, err := c.Intent(t.Context(), "pi_1")
		wantKind(t, err, KindOverloaded)
		if time.Since(start) != 0 {
			t.Errorf("refused after %v, want at once", time.Since(start))
		}
	})
	inBubble(t, "half-open: one request at a time", func(t *testing.T) {
		f, c := opened(t, hang)
		time.Sleep(cooldown)
		ended := calls(t.Context(), c, 2)
		e := wantKind(t, <-ended, KindOverloaded)
		if len(f.sent()) != 4 || e.RetryAfter <= 0 {
			t.Errorf("got %d requests and RetryAfter %v, want 4 and a time", len(f.sent()), e.RetryAfter)
		}
		wantKind(t, <-ended, KindUnknown)
	})
	inBubble(t, "an answer closes it", func(t *testing.T) {
		f, c := opened(t, reply(200, intentJSON), drop, drop, reply(200, intentJSON))
		time.Sleep(cooldown)
		for i, ok := range []bool{true, false, false, true} {
			if _, err := c.Intent(t.Context(), "pi_1"); (err == nil) != ok {
				t.Errorf("call %d: got %v, want an answer: %v", i+1, err, ok)
			}
		}
		if len(f.sent()) != 7 {
			t.Errorf("got %d requests, want 7", len(f.sent()))
		}
	})
	inBubble(t, "a failure opens it again", func(t *testing.T) {
		f, c := opened(t, drop, reply(200, intentJSON))
		time.Sleep(cooldown)
		_, err := c.Intent(t.Context(), "pi_1")
		wantKind(t, err, KindUnknown)
		_, err = c.Intent(t.Context(), "pi_1")
		if e := wantKind(t, err, KindOverloaded); e.RetryAfter != 10*time.Second || len(f.sent()) != 4 {
			t.Errorf("got RetryAfter %v and %d requests, want 10s and 4", e.RetryAfter, len(f.sent()))
		}
	})
	inBubble(t, "a caller who gives up leaves the test to the next", func(t *testing.T) {
		_, c := opened(t, hang, reply(200, intentJSON))
		time.Sleep(cooldown)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := c.Intent(ctx, "pi_1")
		wantKind(t, err, KindUnknown)
		if _, err := c.Intent(t.Context(), "pi_1"); err != nil {
			t.Errorf("got %v, want an answer", err)
		}
	})
}

func TestACallWhoseNextAttemptIsNotAdmittedKeepsItsOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(drop)
		c := f.client(t, func(c *Config) { c.BreakerFailures = 1 })
		_, err := c.ConfirmIntent(t.Context(), "pi_1", "k", "pm_1")
		wantKind(t, err, KindUnknown)
		if !errors.Is(err, errDropped) || len(f.sent()) != 1 {
			t.Errorf("got %v after %d requests, want the first failure after 1", errors.Unwrap(err), len(f.sent()))
		}
	})
}
