package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/nestpayments/nestpayments/server/auth"
)

// defaultRequestLimit is what one caller may send in a minute, 20 a second.
const defaultRequestLimit = 1200

// maxCallers is how many callers are remembered before some are forgotten. It
// bounds the memory to some 15 MB.
const maxCallers = 100_000

// rateLimitedError: the caller has no request left. Nothing was done.
type rateLimitedError struct{ retryAfter time.Duration }

func (e *rateLimitedError) Error() string {
	return fmt.Sprintf("too many requests: wait for %s", e.retryAfter)
}

// sender is who a request is counted for: the user whose token it has, or else
// the network that it comes from. Whoever holds a token of a session that has ended
// must not use up the requests of the user, so the session is part of it.
type sender struct {
	userID  string
	session int64
	network netip.Addr
	// probe is true for requests to /readyz, which are counted apart: a flood of
	// others behind the same address must not take the server out of its balancer.
	probe bool
}

// senderOf names the sender. An IPv6 site can use any address of its /64, so that
// counts as one.
func senderOf(claims auth.Claims, from netip.Addr) sender {
	if claims.UserID != "" {
		return sender{userID: claims.UserID, session: claims.Session}
	}
	from = from.Unmap().WithZone("")
	if from.Is6() {
		from = netip.PrefixFrom(from, 64).Masked().Addr()
	}
	return sender{network: from}
}

// requestLimiter bounds the requests of each sender. Everybody has a bucket of
// perMinute tokens, which fills up again evenly in a minute; a request takes one.
// It counts in memory, so each replica counts for itself. It is safe for
// concurrent use.
//
// A bucket that nobody has touched for a minute is full, and need not be kept.
// There are two generations of them: a bucket that is used moves to the young one,
// and after a minute, or when that is full, the old one is dropped.
type requestLimiter struct {
	perMinute int
	// limit is perMinute as a header.
	limit string
	clock func() time.Time

	mu         sync.Mutex
	young, old map[sender]*rate.Limiter
	// born is when the young generation was begun.
	born time.Time
}

// newRequestLimiter takes the number of requests a minute, 0 for the default.
func newRequestLimiter(perMinute int, clock func() time.Time) (*requestLimiter, error) {
	if perMinute == 0 {
		perMinute = defaultRequestLimit
	}
	if perMinute < 1 || perMinute > 1e9 {
		return nil, fmt.Errorf("request limit is %d: it must be 1 to %d a minute", perMinute, int(1e9))
	}
	return &requestLimiter{perMinute: perMinute, limit: strconv.Itoa(perMinute), clock: clock, young: map[sender]*rate.Limiter{}}, nil
}

// times returns a limiter that allows n times as much.
func (l *requestLimiter) times(n int) *requestLimiter {
	return &requestLimiter{perMinute: n * l.perMinute, clock: l.clock, young: map[sender]*rate.Limiter{}}
}

// count takes a token for a request and says in the headers how many are left.
// *rateLimitedError if there was none.
//
// The headers are those of draft-ietf-httpapi-ratelimit-headers-06, which are plain
// numbers to generated clients. Since 07 the draft has one structured field, which
// they cannot read, and it is a draft still. The names are in Go's canonical form,
// which saves their conversion.
func (l *requestLimiter) count(h http.Header, s sender) error {
	ok, tokens := l.take(s)
	h.Set("Ratelimit-Limit", l.limit)
	h.Set("Ratelimit-Remaining", strconv.Itoa(int(tokens)))
	h.Set("Ratelimit-Reset", strconv.Itoa(wholeSeconds(l.timeFor(float64(l.perMinute)-tokens))))
	if !ok {
		return l.refusal(tokens)
	}
	return nil
}

// check returns *rateLimitedError if the sender has no request left. It takes none.
func (l *requestLimiter) check(s sender) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	if tokens := l.bucket(s, now).TokensAt(now); tokens < 1 {
		return l.refusal(tokens)
	}
	return nil
}

// refusal says when a sender with so many tokens has one again.
func (l *requestLimiter) refusal(tokens float64) error {
	return &rateLimitedError{retryAfter: max(l.timeFor(1-tokens), time.Second)}
}

// limitOthers counts the requests that no operation of the spec answers, by their
// address: documents, pages, OPTIONS, and what is refused before it has a route.
// Operations count their own requests. Liveness is never refused: its answer costs
// nothing, and without it the process would be restarted.
func (s *Server) limitOthers(known paths) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.URL.Path == livePath || known.hasOperation(r) {
				return next(c)
			}
			from := senderOf(auth.Claims{}, eventOf(r.Context()).from)
			from.probe = r.URL.Path == readyPath
			if ok, tokens := s.requests.take(from); !ok {
				return s.requests.refusal(tokens)
			}
			return next(c)
		}
	}
}

// take takes one token of the sender's, if there is one, and returns how many are
// left.
func (l *requestLimiter) take(s sender) (ok bool, left float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	b := l.bucket(s, now)
	return b.AllowN(now, 1), max(b.TokensAt(now), 0)
}

// bucket finds or makes the bucket of the sender.
func (l *requestLimiter) bucket(s sender, now time.Time) *rate.Limiter {
	if now.Sub(l.born) > time.Minute || len(l.young) >= maxCallers/2 {
		l.old, l.young, l.born = l.young, make(map[sender]*rate.Limiter), now
	}
	if b := l.young[s]; b != nil {
		return b
	}
	b := l.old[s]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(l.perMinute)/60, l.perMinute)
	}
	l.young[s] = b
	return b
}

// timeFor is how long it takes to get so many tokens.
func (l *requestLimiter) timeFor(tokens float64) time.Duration {
	return time.Duration(tokens / float64(l.perMinute) * float64(time.Minute))
}
