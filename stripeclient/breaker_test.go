package stripeclient

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// byPath answers the requests for a path that starts with prefix with one step, and
// all others with another.
func byPath(prefix string, with, others step) step {
	return func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return with(r)
		}
		return others(r)
	}
}

// to counts the requests for a path that starts with prefix.
func (f *fake) to(prefix string) (n int) {
	for _, r := range f.sent() {
		if strings.HasPrefix(r.path, prefix) {
			n++
		}
	}
	return n
}

// A call of the background that fails for an hour stops the background and no payer,
// whether Stripe refuses it at once or hangs.
func TestFailuresOfTheBackgroundRefuseNoPayer(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]step{"dropped connections": drop, "pages of a proxy": reply(502, "<html>"), "time-outs": hang} {
		inBubble(t, name, func(t *testing.T) {
			f := newFake(byPath("/v1/events", fault, reply(200, intentJSON)))
			c := breakerClient(t, f)
			payer := WithPayer(t.Context(), "ann")
			for start := time.Now(); time.Since(start) < time.Hour; time.Sleep(time.Second) {
				if _, _, err := c.Events(t.Context(), "evt_1", 10); err == nil {
					t.Fatal("the background got events")
				}
				if _, err := c.Intent(payer, "pi_1"); err != nil {
					t.Fatalf("after %v a payer got %v", time.Since(start), err)
				}
			}
			if n := f.to("/v1/events"); n < 100 || n > 3+360 {
				t.Errorf("the background sent %d requests in an hour, want 3 and then one in 10 seconds at most", n)
			}
			if state := c.limits.payers.State().String(); state != "closed" {
				t.Errorf("the breaker of the payers is %s, want closed", state)
			}
		})
	}
}

// The calls of payers do not stop the background either.
func TestFailuresOfPayersDoNotStopTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var last Call
		f := newFake(byPath("/v1/payment_intents/pi_bad", drop, reply(200, intentJSON)))
		c := f.client(t, oneAttempt, func(c *Config) {
			c.BreakerFailures, c.BreakerCooldown = 3, 10*time.Second
			c.Observe = func(_ context.Context, call Call) { last = call }
		})
		payer := WithPayer(t.Context(), "ann")
		for range 3 {
			_, err := c.Intent(payer, "pi_bad")
			wantKind(t, err, KindUnknown)
		}
		_, err := c.Intent(WithPayer(t.Context(), "bob"), "pi_1")
		wantKind(t, err, KindOverloaded)
		if _, err := c.Intent(t.Context(), "pi_1"); err != nil {
			t.Errorf("the background got %v, want an answer", err)
		}
		if last.PayerBreaker != "open" || last.BackgroundBreaker != "closed" {
			t.Errorf("after a call of the background the breakers are %s for payers and %s for the background, want open and closed",
				last.PayerBreaker, last.BackgroundBreaker)
		}
		time.Sleep(11 * time.Second)
		if _, err := c.Intent(payer, "pi_1"); err != nil {
			t.Errorf("a payer got %v after the cooldown, want an answer", err)
		}
	})
}
