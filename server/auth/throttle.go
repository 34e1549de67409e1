package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// Limit names a group of limits that a client must react to in its own way.
type Limit int

const (
	// LimitAttempts: too many logins, sign-ups or changes of an email address, or too
	// many confirmations at the same time.
	LimitAttempts Limit = iota
	// LimitUnconfirmed: too many new payments that are not confirmed.
	LimitUnconfirmed
	// LimitDeclines: too many declined payments.
	LimitDeclines
)

// ThrottledError: a limit is reached, and the request was refused.
type ThrottledError struct {
	Limit Limit
	// RetryAfter is how long it takes until the next attempt may be allowed,
	// more than 0.
	RetryAfter time.Duration
}

// Error says how long to wait, and nothing about who must.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts: wait for %s", e.RetryAfter)
}

// ThrottleConfig sets the limits. The zero value of a field means its default.
type ThrottleConfig struct {
	// Tries is how often one address may fail to log in to one account in 15
	// minutes. Default 10.
	Tries int
	// Accounts is how many accounts one address may fail to log in to in 15
	// minutes. Default 30.
	Accounts int
	// Logins is how often one address may log in to one account in 15 minutes.
	// Default ten times Accounts.
	Logins int
	// Addresses is how many addresses may fail to log in to one account in 15
	// minutes. From then on, sites with a failure are refused. Default 20.
	Addresses int
	// SignUps is how many email addresses one site may claim in a clock hour (UTC),
	// and one registered user together with all users created from it, directly or
	// not. Default 30.
	SignUps int
	// Unconfirmed is how many payments one user may create in a clock hour (UTC) and
	// leave unconfirmed. Default 50.
	Unconfirmed int
	// Declines is how many declines one user may have in a clock hour (UTC). One payment
	// may have half as many. After five times as many from one site, users who have been
	// declined are refused there. Default 10.
	Declines int
}

// setDefaults fills in defaults. It reports all faults together.
func (c *ThrottleConfig) setDefaults() error {
	c.Accounts = cmp.Or(c.Accounts, 30)
	var faults []error
	for _, l := range []struct {
		name     string
		limit    *int
		fallback int
		most     int
	}{
		{"Tries", &c.Tries, 10, 1e9},
		// Accounts and Addresses are counted by reading keys.
		{"Accounts", &c.Accounts, 30, store.MaxPage},
		{"Logins", &c.Logins, 10 * max(c.Accounts, 1), 1e9},
		{"Addresses", &c.Addresses, 20, store.MaxPage},
		{"SignUps", &c.SignUps, 30, 1e9},
		{"Unconfirmed", &c.Unconfirmed, 50, 1e9},
		{"Declines", &c.Declines, 10, 1e8},
	} {
		if *l.limit == 0 {
			*l.limit = l.fallback
		}
		if *l.limit < 1 || *l.limit > l.most {
			faults = append(faults, fmt.Errorf("throttle: %s is %d: it must be 1 to %d", l.name, *l.limit, l.most))
		}
	}
	return errors.Join(faults...)
}

const (
	loginWindow = 15 * time.Minute
	// hourWindow is the window of sign-ups and payments.
	hourWindow = time.Hour
	// Every pruneEvery-th count of a process, including the first, removes up to
	// pruneLimit expired counts.
	pruneEvery = 64
	pruneLimit = 128
)

// Throttle limits logins, sign-ups, new payments and declines, over all replicas
// that share the store. Only confirmations in progress are counted per process. The
// rules are in the package's documentation. It is safe for concurrent use. Its methods
// return errors of the store as well as those that their comments name.
type Throttle struct {
	store    store.Store
	clock    func() time.Time
	limits   ThrottleConfig
	counts   atomic.Uint64
	underWay underWay
}

// NewThrottle checks the configuration and reports all its faults together.
func NewThrottle(s store.Store, clock func() time.Time, c ThrottleConfig) (*Throttle, error) {
	err := c.setDefaults()
	return &Throttle{store: s, clock: clock, limits: c, underWay: underWay{byLimit: map[string]map[string]int{}}}, err
}

// ClaimEmail counts a request that claims an email address: a registration, the
// creation of a user, or a change of the address. Each of them tells the caller
// whether somebody has the address. It counts by site, and by the root of the caller;
// by is nil for a registration. Errors: *ThrottledError.
func (t *Throttle) ClaimEmail(ctx context.Context, from netip.Addr, by *store.User) error {
	window, expires := t.window(hourWindow)
	claim := store.Attempt{Key: digest("sign-up", window, network(from, 48)), Expires: expires}
	if err := t.count(ctx, claim, t.limits.SignUps); err != nil || by == nil {
		return err
	}
	claim.Key = digest("create", window, Root(by))
	return t.count(ctx, claim, t.limits.SignUps)
}

// Root returns the id of the user at the start of the chain of creators: u's own
// id if u registered. Users who were created before the root was stored have only
// their creator.
func Root(u *store.User) string {
	for _, id := range []string{u.RootCreator, u.CreatedBy} {
		if id != "" {
			return id
		}
	}
	return u.ID
}

// count counts an attempt, or returns *ThrottledError if limit is reached. Now and
// then it removes old counts.
func (t *Throttle) count(ctx context.Context, a store.Attempt, limit int) error {
	ok, err := t.store.CountAttempt(ctx, a, limit)
	if err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	if !ok {
		return t.throttled(LimitAttempts, a.Expires)
	}
	if t.counts.Add(1)%pruneEvery == 1 {
		if _, err := t.store.PruneAttempts(ctx, t.clock(), pruneLimit); err != nil {
			return fmt.Errorf("throttle: %w", err)
		}
	}
	return nil
}

// window returns the name of the present window, and when it ends.
func (t *Throttle) window(length time.Duration) (name string, end time.Time) {
	return windowAt(t.clock(), length)
}

func windowAt(at time.Time, length time.Duration) (name string, end time.Time) {
	start := at.UTC().Truncate(length)
	return strconv.FormatInt(start.Unix(), 10), start.Add(length)
}

func (t *Throttle) throttled(l Limit, until time.Time) error {
	return &ThrottledError{Limit: l, RetryAfter: max(until.Sub(t.clock()), time.Second)}
}

// network returns an IPv4 address, or the first bits of an IPv6 address. All
// callers without an address, such as those on a Unix socket, are one network.
func network(a netip.Addr, bits int) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(bits); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// digest returns the hash of values that hold no NUL.
func digest(values ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(values, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
