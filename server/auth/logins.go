package auth

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// Login is one try to log in, between Throttle.Login and its outcome.
type Login struct {
	throttle          *Throttle
	emailKey, address string
	// failure and success are what a wrong and a right password count as.
	failure, success store.Attempt
	// successes is how many there were before in this window.
	successes int
	// limited is true if a limit of many accounts or many addresses is reached.
	limited bool
	// refused is true if the try is limited and the account has not logged in from
	// this address lately.
	refused bool
}

// Login lets a try on an account through, or not. emailKey names the account,
// which need not exist. After it, call Failed or Succeeded, unless it is not known
// whether the password is right. Errors: *ThrottledError.
func (t *Throttle) Login(ctx context.Context, emailKey string, from netip.Addr) (*Login, error) {
	window, expires := t.window(loginWindow)
	address, site := network(from, 64), network(from, 48)
	l := &Login{
		throttle: t, emailKey: emailKey, address: address,
		failure: store.Attempt{
			Key:     digest("login", window, emailKey, address),
			Account: digest("account", window, emailKey),
			Site:    digest("site", window, site),
			Address: digest("address", window, address),
			Expires: expires,
		},
		success: store.Attempt{Key: digest("success", window, emailKey, address), Expires: expires},
	}
	if err := l.admit(ctx, digest("limited", window, emailKey, address)); err != nil {
		return nil, fmt.Errorf("throttle login: %w", err)
	}
	return l, nil
}

// admit reads the counts. limitedKey counts the failures of limited tries, which
// must not count as failures on the account: these would end the limit.
func (l *Login) admit(ctx context.Context, limitedKey string) error {
	t := l.throttle
	failures, err := t.store.Attempts(ctx, l.failure.Key)
	if err != nil {
		return err
	}
	if l.successes, err = t.store.Attempts(ctx, l.success.Key); err != nil {
		return err
	}
	if failures >= t.limits.Tries || l.successes >= t.limits.Logins {
		return t.throttled(LimitAttempts, l.failure.Expires)
	}
	if l.limited, err = t.limitsMany(ctx, l.failure, failures); err != nil || !l.limited {
		return err
	}
	l.failure = store.Attempt{Key: limitedKey, Expires: l.failure.Expires}
	if failures, err = t.store.Attempts(ctx, limitedKey); err != nil {
		return err
	}
	if failures >= t.limits.Tries {
		return t.throttled(LimitAttempts, l.failure.Expires)
	}
	known, err := t.known(ctx, l.emailKey, l.address)
	l.refused = !known
	return err
}

// limitsMany reports whether the address has failed on too many accounts, or
// whether too many addresses have failed on the account and this site is one of
// them. failures are those of the address on the account.
func (t *Throttle) limitsMany(ctx context.Context, a store.Attempt, failures int) (bool, error) {
	if failures == 0 {
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

// Refused reports whether the password must not be looked at. Do the work of a
// hash that no password matches, and call Failed: neither the answer nor its time
// may differ from that of an account that has logged in from this address.
func (l *Login) Refused() bool { return l.refused }

// Failed counts the failure. *ThrottledError if the caller must not learn that the
// password was wrong: the try is limited, or others have used up the limit since
// it was let through.
func (l *Login) Failed(ctx context.Context) error {
	if err := l.throttle.count(ctx, l.failure, l.throttle.limits.Tries); err != nil {
		return err
	}
	if l.limited {
		return l.throttle.throttled(LimitAttempts, l.failure.Expires)
	}
	return nil
}

// Succeeded counts the login, forgets the failures of this address on this account,
// and remembers that the account has logged in from it. *ThrottledError if the
// caller must not be logged in: the try is refused, or others have used up a limit
// since it was let through.
func (l *Login) Succeeded(ctx context.Context) error {
	t := l.throttle
	failures, err := t.store.Attempts(ctx, l.failure.Key)
	switch {
	case err != nil:
		return fmt.Errorf("throttle login: %w", err)
	case l.refused, failures >= t.limits.Tries:
		return t.throttled(LimitAttempts, l.failure.Expires)
	case failures > 0:
		if err := t.store.ForgetAttempts(ctx, l.failure.Key); err != nil {
			return fmt.Errorf("throttle login: %w", err)
		}
	}
	if err := t.count(ctx, l.success, t.limits.Logins); err != nil || l.successes > 0 {
		return err // remembered by the first login of the window
	}
	return t.remember(ctx, l.emailKey, l.address)
}

// knownWindow is how long a login is remembered at least; at most twice as long.
const knownWindow = 14 * 24 * time.Hour

// RememberSignUp remembers that the account was registered from this address, as a
// login from it is remembered.
func (t *Throttle) RememberSignUp(ctx context.Context, emailKey string, from netip.Addr) error {
	return t.remember(ctx, emailKey, network(from, 64))
}

func (t *Throttle) remember(ctx context.Context, emailKey, address string) error {
	window, end := t.window(knownWindow)
	a := store.Attempt{Key: digest("known", window, emailKey, address), Expires: end.Add(knownWindow)}
	n, err := t.store.Attempts(ctx, a.Key)
	if err == nil && n == 0 {
		_, err = t.store.CountAttempt(ctx, a, 1)
	}
	if err != nil {
		return fmt.Errorf("throttle login: %w", err)
	}
	return nil
}

// known reports whether the account has logged in from the address in this window
// or the one before.
func (t *Throttle) known(ctx context.Context, emailKey, address string) (bool, error) {
	sum := 0
	for _, age := range []time.Duration{0, knownWindow} {
		window, _ := windowAt(t.clock().Add(-age), knownWindow)
		n, err := t.store.Attempts(ctx, digest("known", window, emailKey, address))
		if err != nil {
			return false, err
		}
		sum += n
	}
	return sum > 0, nil
}
