package stripeclient

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sender makes calls that say who they are for.
type sender struct {
	t     *testing.T
	f     *fake
	c     *Client
	start time.Time
	ended chan error
}

func newSender(t *testing.T, answer step, change ...func(*Config)) *sender {
	f := newFake(answer)
	return &sender{t: t, f: f, c: f.client(t, change...), start: time.Now(), ended: make(chan error, 1000)}
}

// call makes n calls for the user, or for the background.
func (s *sender) call(user string, n int) {
	ctx := s.t.Context()
	name := "background"
	if user != "" {
		ctx, name = WithPayer(ctx, user), user
	}
	for range n {
		go func() {
			_, err := s.c.Intent(ctx, "pi_"+name)
			s.ended <- err
		}()
	}
	synctest.Wait()
}

// wait waits for n calls and returns how many failed.
func (s *sender) wait(n int) (failed int) {
	for range n {
		if err := <-s.ended; err != nil {
			wantKind(s.t, err, KindOverloaded)
			failed++
		}
	}
	return failed
}

// sent is for whom requests were sent since the start, in order, by first letter.
func (s *sender) sent(since time.Duration) string {
	var b strings.Builder
	for _, r := range s.f.sent() {
		if r.at.Sub(s.start) >= since {
			b.WriteByte(strings.TrimPrefix(r.path, "/v1/payment_intents/pi_")[0])
		}
	}
	return b.String()
}

// echoIntent answers with the intent that is asked for.
func echoIntent(r *http.Request) (*http.Response, error) {
	id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	return reply(200, fmt.Sprintf(`{"id":%q,"object":"payment_intent","status":"succeeded"}`, id))(r)
}

// tenASecond allows one request at first and then one every 100 ms.
func tenASecond(c *Config) { c.RatePerSecond, c.Burst, c.MaxInFlight = 10, 1, 32 }

func TestUsersTakeTurns(t *testing.T) {
	t.Parallel()
	inBubble(t, "a newcomer waits for one request of each other user", func(t *testing.T) {
		s := newSender(t, echoIntent, tenASecond)
		s.call("ann", 20)
		s.call("bob", 20)
		s.call("cat", 1)
		s.wait(41)
		// The first is sent before anybody else has come.
		if got, want := s.sent(0), "aabcababab"; !strings.HasPrefix(got, want) {
			t.Errorf("sent %s, want %s first", got, want)
		}
	})
	inBubble(t, "a user alone has the whole rate", func(t *testing.T) {
		s := newSender(t, echoIntent, tenASecond)
		s.call("ann", 21)
		if failed := s.wait(21); failed != 0 || time.Since(s.start) != 2*time.Second {
			t.Errorf("%d of 21 failed, after %v; want none, after 2s", failed, time.Since(s.start))
		}
	})
	inBubble(t, "one who asks for too much is refused alone, and at once", func(t *testing.T) {
		s := newSender(t, echoIntent, tenASecond)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		full := 0
		for range 30 {
			go func() {
				_, err := s.c.Intent(WithPayer(ctx, "ann"), "pi_ann")
				s.ended <- err
			}()
		}
		synctest.Wait()
		for len(s.ended) > 0 {
			if err := <-s.ended; err != nil {
				if e := wantKind(t, err, KindOverloaded); e.RetryAfter < time.Second || e.RetryAfter > 2*time.Second {
					t.Errorf("told to wait for %v, want more than the second that she may wait", e.RetryAfter)
				}
				full++
			}
		}
		// One is sent, and ten have a turn within half of the two seconds.
		if full != 19 || time.Since(s.start) != 0 {
			t.Errorf("%d of 30 are refused after %v, want 19 at once", full, time.Since(s.start))
		}
		start := time.Now()
		if _, err := s.c.Intent(WithPayer(ctx, "bob"), "pi_bob"); err != nil || time.Since(start) > 200*time.Millisecond {
			t.Errorf("another user got %v after %v, want an answer in two turns", err, time.Since(start))
		}
	})
	inBubble(t, "who gives up leaves the line", func(t *testing.T) {
		s := newSender(t, echoIntent, tenASecond)
		s.call("bob", 1)
		ctx, cancel := context.WithCancel(WithPayer(t.Context(), "ann"))
		for range 10 {
			go func() { _, _ = s.c.Intent(ctx, "pi_ann") }()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		start := time.Now()
		s.call("bob", 1)
		s.wait(2)
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("waited %v behind calls that were given up", took)
		}
		if q := s.c.limits.queue; len(q.lines) != 0 || q.free != 32 {
			t.Errorf("%d lines and %d places are left, want 0 and 32", len(q.lines), q.free)
		}
	})
}

func TestPayersGoBeforeTheBackground(t *testing.T) {
	t.Parallel()
	inBubble(t, "a payer waits for no backlog", func(t *testing.T) {
		s := newSender(t, echoIntent, tenASecond)
		s.call("", 40)
		s.call("payer", 1)
		s.wait(41)
		if got := s.sent(0); !strings.HasPrefix(got, "bp") {
			t.Errorf("sent %s, want the payer's second", got)
		}
	})
	inBubble(t, "the background keeps a tenth", func(t *testing.T) {
		s := newSender(t, echoIntent, tenASecond)
		s.call("payer", 1)
		s.call("", 5)
		s.call("payer", 60)
		s.wait(66)
		got := s.sent(0)[1:51]
		if n := strings.Count(got, "b"); n != 5 || strings.Index(got, "b") != 9 {
			t.Errorf("sent %s, want a background call after every nine", got)
		}
	})
	inBubble(t, "while Stripe hangs, the background leaves places to payers", func(t *testing.T) {
		slow := func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "background") {
				return hang(r)
			}
			return echoIntent(r)
		}
		s := newSender(t, slow, oneAttempt, func(c *Config) { c.RatePerSecond, c.Burst, c.MaxInFlight = 1000, 1000, 8 })
		s.call("", 20)
		if got := s.sent(0); got != "bbbbbb" {
			t.Errorf("sent %s, want six of the background", got)
		}
		start := time.Now()
		s.call("payer", 20)
		for range 20 {
			if err := <-s.ended; err != nil {
				t.Error(err)
			}
		}
		if time.Since(start) != 0 {
			t.Errorf("payers waited %v, want not at all", time.Since(start))
		}
	})
}
