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

// inBubble runs a test on a clock of its own, that jumps when all wait.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

const (
	serverError = `{"error":{"type":"api_error"}}`
	lockTimeout = `{"error":{"type":"invalid_request_error","code":"lock_timeout"}}`
	rateLimited = `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`
	declined    = `{"error":{"type":"card_error","code":"card_declined"}}`
	badRequest  = `{"error":{"type":"invalid_request_error","param":"amount"}}`
)

func TestAttempts(t *testing.T) {
	t.Parallel()
	good := reply(200, intentJSON)
	tests := []struct {
		name  string
		steps []step
		// sent is how many attempts are made; the call is done if ok, else it
		// ends with kind.
		sent     int
		ok       bool
		kind     Kind
		replayed bool
	}{
		{name: "a good answer is the only one", steps: []step{good}, sent: 1, ok: true},
		{name: "a dropped connection is tried again", steps: []step{drop, good}, sent: 2, ok: true},
		{name: "a time-out is tried again", steps: []step{hang, good}, sent: 2, ok: true},
		{name: "an unreadable success is tried again", steps: []step{reply(200, `{"id":`), good}, sent: 2, ok: true},
		{name: "a proxy's page is tried again", steps: []step{reply(502, `<html>`), good}, sent: 2, ok: true},
		{name: "a server error is tried again", steps: []step{reply(500, serverError), good}, sent: 2, ok: true},
		{name: "a conflict is tried again", steps: []step{reply(409, badRequest), good}, sent: 2, ok: true},
		{name: "a lock is tried again", steps: []step{reply(429, lockTimeout), good}, sent: 2, ok: true},
		{name: "an answer that stays cut short is unknown in the end",
			steps: []step{cut(200, intentJSON, "Stripe-Should-Retry", "false")}, sent: 3, kind: KindUnknown},
		{name: "there is a last attempt", steps: []step{drop}, sent: 3, kind: KindUnknown},
		{name: "a lock that stays is busy", steps: []step{reply(429, lockTimeout)}, sent: 3, kind: KindBusy},
		{name: "a lost reply whose repetition is a saved one is marked",
			steps: []step{drop, reply(200, intentJSON, "Idempotent-Replayed", "true")}, sent: 2, ok: true, replayed: true},
		{name: "a saved server error stays what it is",
			steps: []step{reply(500, serverError, "Idempotent-Replayed", "true")}, sent: 1, kind: KindUnknown, replayed: true},
		{name: "a server error that turns out to be saved stays what it is",
			steps: []step{reply(500, serverError), reply(500, serverError, "Idempotent-Replayed", "true")}, sent: 2, kind: KindUnknown, replayed: true},
		{name: "a saved answer that arrives broken is asked for again",
			steps: []step{reply(200, `{"id":`, "Idempotent-Replayed", "true"), good}, sent: 2, ok: true},
		{name: "a rate limit is not answered with more requests", steps: []step{reply(429, rateLimited)}, sent: 1, kind: KindOverloaded},
		{name: "nor is it when Stripe says so",
			steps: []step{reply(429, rateLimited, "Stripe-Should-Retry", "true")}, sent: 1, kind: KindOverloaded},
		{name: "a decline is final", steps: []step{reply(402, declined)}, sent: 1, kind: KindDeclined},
		{name: "a wrong request is final", steps: []step{reply(400, badRequest)}, sent: 1, kind: KindInvalid},
		{name: "a wrong key is final", steps: []step{reply(401, badRequest)}, sent: 1, kind: KindRefused},
		{name: "Stripe may advise against another attempt",
			steps: []step{reply(500, serverError, "Stripe-Should-Retry", "false")}, sent: 1, kind: KindUnknown},
		{name: "the advice of an answer that is cut short does not count",
			steps: []step{cut(200, intentJSON, "Stripe-Should-Retry", "false"), reply(200, intentJSON, "Idempotent-Replayed", "true")}, sent: 2, ok: true, replayed: true},
		{name: "nor that of one that is no JSON",
			steps: []step{reply(200, `{"id":`, "Stripe-Should-Retry", "false"), good}, sent: 2, ok: true},
		{name: "nor that of one that is something else",
			steps: []step{reply(200, `{}`, "Stripe-Should-Retry", "false"), good}, sent: 2, ok: true},
		{name: "nor that of a refusal without its reason",
			steps: []step{reply(402, `{"error":`, "Stripe-Should-Retry", "false"), reply(402, declined, "Idempotent-Replayed", "true")}, sent: 2, kind: KindDeclined, replayed: true},
		{name: "nor that of a decline that is cut short",
			steps: []step{cut(402, declined, "Stripe-Should-Retry", "false"), reply(402, declined, "Idempotent-Replayed", "true")}, sent: 2, kind: KindDeclined, replayed: true},
		{name: "nor that of a proxy's page",
			steps: []step{reply(502, `<html>`, "Stripe-Should-Retry", "false"), good}, sent: 2, ok: true},
		{name: "nor that of a redirect",
			steps: []step{reply(302, "", "Stripe-Should-Retry", "false"), good}, sent: 2, ok: true},
		{name: "the advice of a good answer is not needed", steps: []step{reply(200, intentJSON, "Stripe-Should-Retry", "false")}, sent: 1, ok: true},
		{name: "a decline is final with the advice",
			steps: []step{reply(402, declined, "Stripe-Should-Retry", "false")}, sent: 1, kind: KindDeclined},
		{name: "a saved refusal that arrives cut short is asked for again",
			steps: []step{cut(402, declined, "Stripe-Should-Retry", "false", "Idempotent-Replayed", "true"), reply(402, declined, "Idempotent-Replayed", "true")}, sent: 2, kind: KindDeclined, replayed: true},
		{name: "Stripe may advise another attempt",
			steps: []step{reply(400, badRequest, "Stripe-Should-Retry", "true"), good}, sent: 2, ok: true},
		{name: "busy after a lost reply is unknown: the charge may be under way",
			steps: []step{drop, reply(409, badRequest)}, sent: 3, kind: KindUnknown},
		{name: "a rate limit after a lost reply is unknown", steps: []step{drop, reply(429, rateLimited)}, sent: 2, kind: KindUnknown},
		{name: "a refused key after a lost reply is unknown", steps: []step{drop, reply(401, badRequest)}, sent: 2, kind: KindUnknown},
		{name: "a decline after a lost reply is a decline", steps: []step{drop, reply(402, declined)}, sent: 2, kind: KindDeclined},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			f := newFake(tt.steps...)
			in, err := f.client(t).ConfirmIntent(t.Context(), "pi_1", "key1", "pm_1")
			replayed := false
			switch {
			case tt.ok && err != nil:
				t.Fatalf("got %v, want an intent", err)
			case tt.ok:
				replayed = in.Replayed
			default:
				replayed = wantKind(t, err, tt.kind).Replayed
			}
			if replayed != tt.replayed {
				t.Errorf("got replayed %v, want %v", replayed, tt.replayed)
			}
			sent := f.sent()
			if len(sent) != tt.sent {
				t.Fatalf("got %d attempts, want %d", len(sent), tt.sent)
			}
			for i, r := range sent {
				if got := r.header.Get("Idempotency-Key"); got != "key1" {
					t.Errorf("attempt %d: got key %q, want key1", i+1, got)
				}
			}
		})
	}
}

func TestReadsStayWhatTheLastAnswerSays(t *testing.T) {
	t.Parallel()
	inBubble(t, "a rate limit after a lost reply is overload", func(t *testing.T) {
		f := newFake(drop, reply(429, rateLimited))
		_, err := f.client(t).Intent(t.Context(), "pi_1")
		wantKind(t, err, KindOverloaded)
	})
}

func TestWritesWithoutAKeyGetOneForAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(drop, reply(200, customerJSON), drop, reply(200, customerJSON))
		c := f.client(t)
		for range 2 {
			if _, err := c.UpdateCustomer(t.Context(), "cus_1", CustomerParams{}); err != nil {
				t.Fatal(err)
			}
		}
		var keys []string
		for _, r := range f.sent() {
			keys = append(keys, r.header.Get("Idempotency-Key"))
		}
		if len(keys) != 4 || keys[0] == "" || keys[0] != keys[1] || keys[2] != keys[3] || keys[0] == keys[2] {
			t.Errorf("got keys %q, want one per call, the same in its attempts", keys)
		}
	})
}

func TestPausesGrowAndAreSpread(t *testing.T) {
	t.Parallel()
	for n, limit := range map[int]time.Duration{1: firstPause, 2: 2 * firstPause, 3: 4 * firstPause, 10: maxPause} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := backoff(n)
			if d < limit/2 || d > limit {
				t.Fatalf("backoff(%d) = %v, want %v to %v", n, d, limit/2, limit)
			}
			seen[d] = true
		}
		if len(seen) < 2 {
			t.Errorf("backoff(%d) is always the same", n)
		}
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	inBubble(t, "an attempt that hangs ends with its time-out", func(t *testing.T) {
		f := newFake(hang)
		start := time.Now()
		_, err := f.client(t, oneAttempt, func(c *Config) { c.Timeout = 3 * time.Second }).Intent(t.Context(), "pi_1")
		wantKind(t, err, KindUnknown)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded inside", errors.Unwrap(err))
		}
		if got := time.Since(start); got != 3*time.Second {
			t.Errorf("ended after %v, want 3s", got)
		}
	})
	inBubble(t, "a call without a deadline ends", func(t *testing.T) {
		f := newFake(hang)
		start := time.Now()
		_, err := f.client(t).Intent(context.WithoutCancel(t.Context()), "pi_1")
		wantKind(t, err, KindUnknown)
		if got, limit := time.Since(start), 42*time.Second; got < 30*time.Second || got > limit {
			t.Errorf("ended after %v, want three time-outs and two pauses, at most %v", got, limit)
		}
	})
	inBubble(t, "the caller's deadline bounds attempts and pauses", func(t *testing.T) {
		f := newFake(hang)
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		start := time.Now()
		_, err := f.client(t).Intent(ctx, "pi_1")
		wantKind(t, err, KindUnknown)
		if got := time.Since(start); got != 12*time.Second {
			t.Errorf("ended after %v, want 12s", got)
		}
	})
	inBubble(t, "no pause is begun that the deadline would cut short", func(t *testing.T) {
		f := newFake(drop)
		ctx, cancel := context.WithTimeout(t.Context(), firstPause/4)
		defer cancel()
		start := time.Now()
		_, err := f.client(t).Intent(ctx, "pi_1")
		wantKind(t, err, KindUnknown)
		if got, n := time.Since(start), len(f.sent()); got != 0 || n != 1 {
			t.Errorf("ended after %v and %d attempts, want at once after one", got, n)
		}
	})
}

func TestCancellation(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		step step
		// after is when the caller gives up.
		after time.Duration
	}{
		{"during an attempt", hang, time.Second},
		{"during an attempt whose transport does not say why it ended", func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, errDropped
		}, time.Second},
		{"during a pause", drop, firstPause / 4},
		{"during a pause after a conflict", reply(409, badRequest), firstPause / 4},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			f := newFake(tt.step)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(tt.after, cancel)
			start := time.Now()
			_, err := f.client(t).ConfirmIntent(ctx, "pi_1", "key1", "pm_1")
			wantKind(t, err, KindUnknown)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled inside", errors.Unwrap(err))
			}
			if got := time.Since(start); got != tt.after {
				t.Errorf("ended after %v, want %v", got, tt.after)
			}
			if n := len(f.sent()); n != 1 {
				t.Errorf("got %d attempts, want 1", n)
			}
		})
	}
	inBubble(t, "before the call nothing is sent", func(t *testing.T) {
		f := newFake(reply(200, intentJSON))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := f.client(t).Intent(ctx, "pi_1")
		wantKind(t, err, KindUnknown)
		if !errors.Is(err, context.Canceled) || len(f.sent()) != 0 {
			t.Errorf("got %v after %d requests, want context.Canceled after none", err, len(f.sent()))
		}
	})
	inBubble(t, "an answer that came is not thrown away", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		good := reply(200, intentJSON)
		f := newFake(func(r *http.Request) (*http.Response, error) { cancel(); return good(r) })
		if _, err := f.client(t).ConfirmIntent(ctx, "pi_1", "key1", "pm_1"); err != nil {
			t.Errorf("got %v, want the intent", err)
		}
	})
}

func TestObserveIsToldOfEveryCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []Call
		f := newFake(hang, reply(200, intentJSON), reply(402, declined))
		c := f.client(t, func(cfg *Config) {
			cfg.Timeout = time.Second
			cfg.Observe = func(_ context.Context, c Call) {
				if c.Op == "get intent" && (c.Duration <= time.Second || c.Duration > time.Second+firstPause) {
					t.Errorf("got duration %v, want a time-out and a pause", c.Duration)
				}
				c.Duration = 0
				got = append(got, c)
			}
		})
		if _, err := c.Intent(t.Context(), "pi_1"); err != nil {
			t.Fatal(err)
		}
		_, err := c.ConfirmIntent(t.Context(), "pi_1", "k", "pm_1")
		wantKind(t, err, KindDeclined)
		want := []Call{
			{Op: "get intent", Outcome: "ok", Attempts: 2, RequestID: "req_1", PayerBreaker: "closed", BackgroundBreaker: "closed"},
			{Op: "confirm intent", Outcome: "declined", Attempts: 1, RequestID: "req_1", PayerBreaker: "closed", BackgroundBreaker: "closed"},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
