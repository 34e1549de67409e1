package auth

import (
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

// ThrottledError: there were too many attempts. Nothing was done.
type ThrottledError struct {
	// RetryAfter is how long it takes until the next attempt may be allowed,
	// more than 0.
	RetryAfter time.Duration
}

// Error tells how long to wait, and nothing of who.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many attempts: wait for %s", e.RetryAfter)
}

// ThrottleConfig is how many attempts are allowed. The zero value is the
// default.
type ThrottleConfig struct {
	// Tries is how often one address may fail to log in to one account in 15
	// minutes. Default 10.
	Tries int
	// Accounts is how many accounts one address may fail to log in to in 15
	// minutes. Default 30.
	Accounts int
	// Addresses is how many addresses may fail to log in to one account in 15
	// minutes, before sites that have failed are refused. Default 20.
	Addresses int
	// SignUps is how many users one address may register in an hour, and how
	// many one caller may create. Default 30.
	SignUps int
}

const (
	loginWindow  = 15 * time.Minute
	signUpWindow = time.Hour
	// Every pruneEvery-th count of a process, the first too, removes up to
	// pruneLimit expired ones.
	pruneEvery = 64
	pruneLimit = 128
)

// Throttle limits failed logins and sign-ups, over all replicas that share the
// store. The rules are in the package's documentation. It is safe for concurrent
// use. Its methods return the store's errors beside those that they name.
type Throttle struct {
	store  store.Store
	clock  func() time.Time
	limits ThrottleConfig
	counts atomic.Uint64
}

// NewThrottle checks the configuration and reports all its faults together.
func NewThrottle(s store.Store, clock func() time.Time, c ThrottleConfig) (*Throttle, error) {
	var faults []error
	for _, l := range []struct {
		name     string
		limit    *int
		fallback int
		most     int
	}{
		{"Tries", &c.Tries, 10, 1e9},
		// These are counted by reading keys.
		{"Accounts", &c.Accounts, 30, store.MaxPage},
		{"Addresses", &c.Addresses, 20, store.MaxPage},
		{"SignUps", &c.SignUps, 30, 1e9},
	} {
		if *l.limit == 0 {
			*l.limit = l.fallback
		}
		if *l.limit < 1 || *l.limit > l.most {
			faults = append(faults, fmt.Errorf("throttle: %s is %d: it must be 1 to %d", l.name, *l.limit, l.most))
		}
	}
	return &Throttle{store: s, clock: clock, limits: c}, errors.Join(faults...)
}

// Login is one attempt to log in, between Throttle.Login and its outcome.
type Login struct {
	throttle *Throttle
	attempt  store.Attempt
}

// Login lets an attempt on an account through, or not. emailKey names the
// account, which need not exist. After it, call Failed or Succeeded, unless it
// is not known whether the password is right. *ThrottledError.
func (t *Throttle) Login(ctx context.Context, emailKey string, from netip.Addr) (*Login, error) {
	window, expires := t.window(loginWindow)
	address, site := network(from, 64), network(from, 48)
	l := &Login{t, store.Attempt{
		Key:     digest("login", window, emailKey, address),
		Account: digest("account", window, emailKey),
		Site:    digest("site", window, site),
		Address: digest("address", window, address),
		Expires: expires,
	}}
	refused, err := t.refuses(ctx, l.attempt)
	if err != nil {
		return nil, fmt.Errorf("throttle login: %w", err)
	}
	if refused {
		return nil, t.throttled(expires)
	}
	return l, nil
}

// refuses tells whether a limit has been reached.
func (t *Throttle) refuses(ctx context.Context, a store.Attempt) (bool, error) {
	tries, err := t.store.Attempts(ctx, a.Key)
	if err != nil || tries >= t.limits.Tries {
		return true, err
	}
	if tries == 0 {
		// One more account for this address.
		accounts, err := t.store.AttemptKeys(ctx, store.AttemptQuery{Address: a.Address, Limit: t.limits.Accounts})
		if err != nil || accounts >= t.limits.Accounts {
			return true, err
		}
	}
	addresses, err := t.store.AttemptKeys(ctx, store.AttemptQuery{Account: a.Account, Limit: t.limits.Addresses})
	if err != nil || addresses < t.limits.Addresses {
		return false, err
	}
	failed, err := t.store.AttemptKeys(ctx, store.AttemptQuery{Account: a.Account, Site: a.Site, Limit: 1})
	return failed > 0, err
}

// Failed counts the failure. *ThrottledError if others have used up the limit
// since the attempt was let through: the caller is not to be told that the
// password was wrong.
func (l *Login) Failed(ctx context.Context) error {
	return l.throttle.count(ctx, l.attempt, l.throttle.limits.Tries)
}

// Succeeded forgets the failures of this address on this account.
// *ThrottledError if others have used up the limit since the attempt was let
// through: the caller is not to be logged in.
func (l *Login) Succeeded(ctx context.Context) error {
	t := l.throttle
	tries, err := t.store.Attempts(ctx, l.attempt.Key)
	switch {
	case err != nil:
		return fmt.Errorf("throttle login: %w", err)
	case tries >= t.limits.Tries:
		return t.throttled(l.attempt.Expires)
	case tries > 0:
		if err := t.store.ForgetAttempts(ctx, l.attempt.Key); err != nil {
			return fmt.Errorf("throttle login: %w", err)
		}
	}
	return nil
}

// Register counts a registration by its address. *ThrottledError.
func (t *Throttle) Register(ctx context.Context, from netip.Addr) error {
	return t.signUp(ctx, "register", network(from, 64))
}

// Create counts the creation of a user by its caller. *ThrottledError.
func (t *Throttle) Create(ctx context.Context, userID string) error {
	return t.signUp(ctx, "create", userID)
}

func (t *Throttle) signUp(ctx context.Context, kind, by string) error {
	window, expires := t.window(signUpWindow)
	return t.count(ctx, store.Attempt{Key: digest(kind, window, by), Expires: expires}, t.limits.SignUps)
}

// count counts an attempt, and now and then removes old counts.
func (t *Throttle) count(ctx context.Context, a store.Attempt, limit int) error {
	ok, err := t.store.CountAttempt(ctx, a, limit)
	if err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	if !ok {
		return t.throttled(a.Expires)
	}
	if t.counts.Add(1)%pruneEvery == 1 {
		if _, err := t.store.PruneAttempts(ctx, t.clock(), pruneLimit); err != nil {
			return fmt.Errorf("throttle: %w", err)
		}
	}
	return nil
}

// window returns the present window's name, and when it ends.
func (t *Throttle) window(length time.Duration) (name string, end time.Time) {
	start := t.clock().UTC().Truncate(length)
	return strconv.FormatInt(start.Unix(), 10), start.Add(length)
}

func (t *Throttle) throttled(until time.Time) error {
	return &ThrottledError{RetryAfter: max(until.Sub(t.clock()), time.Second)}
}

// network returns an IPv4 address, or the first bits of an IPv6 address. What is
// no address, as of a caller on a Unix socket, is one network of its own.
func network(a netip.Addr, bits int) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(bits); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// digest is the hash of values that hold no NUL.
func digest(values ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(values, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
