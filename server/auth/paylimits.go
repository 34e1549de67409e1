package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// CountPayment counts a new payment that the user creates at this time, until
// UncountPayment. Errors: *ThrottledError.
func (t *Throttle) CountPayment(ctx context.Context, userID string, created time.Time) error {
	a := unconfirmed(userID, created)
	err := t.count(ctx, a, t.limits.Unconfirmed)
	return limitedBy(LimitUnconfirmed, err)
}

// UncountPayment removes a payment from the count, because it was confirmed or already
// existed.
func (t *Throttle) UncountPayment(ctx context.Context, userID string, created time.Time) error {
	a := unconfirmed(userID, created)
	if !a.Expires.After(t.clock()) {
		return nil // its window has ended
	}
	if err := t.store.UncountAttempt(ctx, a.Key); err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	return nil
}

func unconfirmed(userID string, created time.Time) store.Attempt {
	window, expires := windowAt(created, hourWindow)
	return store.Attempt{Key: digest("unconfirmed", window, userID), Expires: expires}
}

// declineLimit is the limit of one user, site or payment.
type declineLimit struct {
	attempt store.Attempt
	// withReason is the number of declines reported with their reason; max is the
	// number reported at all.
	withReason, max int
}

// The order of declineLimits.
const (
	ofUser = iota
	ofSite
)

// declineLimits returns the limits that a confirmation is subject to: the user's,
// the site's and the payment's.
func (t *Throttle) declineLimits(userID, intentID string, from netip.Addr) []declineLimit {
	window, expires := t.window(hourWindow)
	limit := func(kind, value string, withReason, most int) declineLimit {
		a := store.Attempt{Key: digest(kind, window, value), Expires: expires}
		return declineLimit{a, max(withReason, 1), max(most, 1)}
	}
	n := t.limits.Declines
	return []declineLimit{
		limit("declines of a user", userID, n/3, n),
		limit("declines of a site", network(from, 48), n, 5*n),
		limit("declines of a payment", intentID, n/3, n/2),
	}
}

// BeginConfirm checks the decline limits before a confirmation is sent. The limit of the
// site refuses only users who have been declined themselves. Confirmations in
// progress in this process count as declines, so sending many at once reveals no more
// than sending them in turn. Confirmations with the same key count once. Call end when
// the outcome has been counted. Errors: *ThrottledError.
func (t *Throttle) BeginConfirm(ctx context.Context, userID, intentID, key string, from netip.Addr) (end func(), err error) {
	limits := t.declineLimits(userID, intentID, from)
	// Begin before the counts are read: a confirmation that ends in between is counted
	// twice, and not missed.
	underWay, end := t.underWay.begin(limits, key)
	if err := t.admitConfirm(ctx, limits, underWay); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

func (t *Throttle) admitConfirm(ctx context.Context, limits []declineLimit, underWay []int) error {
	for i, l := range limits {
		declined, err := t.store.Attempts(ctx, l.attempt.Key)
		if err != nil {
			return fmt.Errorf("throttle confirmation: %w", err)
		}
		if declined >= l.max {
			return t.throttled(LimitDeclines, l.attempt.Expires)
		}
		if declined+underWay[i] > l.max {
			return &ThrottledError{Limit: LimitAttempts, RetryAfter: time.Second}
		}
		if i == ofUser && declined == 0 && underWay[i] == 1 {
			return nil // those of others do not count
		}
	}
	return nil
}

// CountDecline counts a decline, once per key and hour. It reports whether the client
// may learn the reason. It returns *ThrottledError if the client must not learn of the
// decline, because others have reached the limit meanwhile.
func (t *Throttle) CountDecline(ctx context.Context, userID, intentID, key string, from netip.Addr) (reason bool, err error) {
	limits := t.declineLimits(userID, intentID, from)
	window, expires := t.window(hourWindow)
	once := store.Attempt{Key: digest("decline", window, key), Expires: expires}
	if err := t.count(ctx, once, 1); isThrottled(err) {
		return t.mayTellReason(ctx, limits)
	} else if err != nil {
		return false, err
	}
	reason = true
	var refused error
	for i, l := range limits {
		err := t.count(ctx, l.attempt, l.withReason)
		if isThrottled(err) {
			reason = false
			err = t.count(ctx, l.attempt, l.max)
		}
		if isThrottled(err) && i == ofSite {
			err = t.unlessFirst(ctx, limits[ofUser], err)
		}
		switch {
		case isThrottled(err):
			refused = err // the other limits must count it, too
		case err != nil:
			return false, err
		}
	}
	return reason, limitedBy(LimitDeclines, refused)
}

// unlessFirst returns the refusal of the site's limit, or nil if this is the user's
// first decline: the limit would refuse it because of others alone.
func (t *Throttle) unlessFirst(ctx context.Context, user declineLimit, refusal error) error {
	declined, err := t.store.Attempts(ctx, user.attempt.Key)
	switch {
	case err != nil:
		return fmt.Errorf("throttle: %w", err)
	case declined <= 1:
		return nil
	}
	return refusal
}

// mayTellReason reports whether the client may learn the reason of a decline that has
// been counted before.
func (t *Throttle) mayTellReason(ctx context.Context, limits []declineLimit) (bool, error) {
	for _, l := range limits {
		declined, err := t.store.Attempts(ctx, l.attempt.Key)
		if err != nil || declined > l.withReason {
			return false, err
		}
	}
	return true, nil
}

func isThrottled(err error) bool {
	var throttled *ThrottledError
	return errors.As(err, &throttled)
}

// limitedBy names the limit of a *ThrottledError. Other errors stay as they are.
func limitedBy(l Limit, err error) error {
	var throttled *ThrottledError
	if errors.As(err, &throttled) {
		return &ThrottledError{Limit: l, RetryAfter: throttled.RetryAfter}
	}
	return err
}

// underWay holds the confirmations in progress in this process by the keys of their
// limits, and how often each was sent. It is safe for concurrent use.
type underWay struct {
	mu      sync.Mutex
	byLimit map[string]map[string]int
}

// begin adds a confirmation to each limit, until end is called. It returns the number of
// different confirmations of each limit, with the new one.
func (u *underWay) begin(limits []declineLimit, confirmation string) (counts []int, end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range limits {
		all := u.byLimit[l.attempt.Key]
		if all == nil {
			all = map[string]int{}
			u.byLimit[l.attempt.Key] = all
		}
		all[confirmation]++
		counts = append(counts, len(all))
	}
	return counts, func() { u.end(limits, confirmation) }
}

func (u *underWay) end(limits []declineLimit, confirmation string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range limits {
		all := u.byLimit[l.attempt.Key]
		if all[confirmation]--; all[confirmation] == 0 {
			delete(all, confirmation)
		}
		if len(all) == 0 {
			delete(u.byLimit, l.attempt.Key)
		}
	}
}
