package auth

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// How attempts are throttled is tested through the whole chain, in package
// server. Here: what that cannot send.
func TestNetwork(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		address string
		bits    int
		want    string
	}{
		{"192.0.2.1", 64, "192.0.2.1"},
		{"192.0.2.1", 48, "192.0.2.1"},
		{"::ffff:192.0.2.1", 64, "192.0.2.1"},
		{"::ffff:192.0.2.1", 48, "192.0.2.1"},
		{"2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::/64"},
		{"2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::/48"},
		{"fe80::1%eth0", 64, "fe80::/64"},
		{"fe80::2%eth1", 64, "fe80::/64"},
		{"::1", 64, "::/64"},
	} {
		if got := network(netip.MustParseAddr(tc.address), tc.bits); got != tc.want {
			t.Errorf("%s by %d bits: got %s, want %s", tc.address, tc.bits, got, tc.want)
		}
	}
	// Whoever comes over no network is one of its own.
	if got := network(netip.Addr{}, 64); got != "invalid IP" {
		t.Errorf("no address: got %q", got)
	}
}

// attempts is a store of counts.
type attempts struct {
	store.Store
	counts map[string]int
}

func (a attempts) Attempts(_ context.Context, key string) (int, error) { return a.counts[key], nil }

func (a attempts) AttemptKeys(context.Context, store.AttemptQuery) (int, error) { return 0, nil }

func TestByDefaultAnAccountMayLogInTenTimesAsOftenAsAccountsMayFail(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	from := netip.MustParseAddr("192.0.2.1")
	for _, tc := range []struct {
		config ThrottleConfig
		logins int
	}{
		{ThrottleConfig{}, 300},
		{ThrottleConfig{Accounts: 7}, 70},
		{ThrottleConfig{Logins: 5}, 5},
	} {
		db := attempts{counts: map[string]int{}}
		throttle, err := NewThrottle(db, func() time.Time { return now }, tc.config)
		if err != nil {
			t.Fatal(err)
		}
		window, _ := throttle.window(loginWindow)
		for _, before := range []int{tc.logins - 1, tc.logins} {
			db.counts[digest("success", window, "ada@example.com", from.String())] = before
			_, err := throttle.Login(t.Context(), "ada@example.com", from)
			if refused := before == tc.logins; isThrottled(err) != refused || err != nil != refused {
				t.Errorf("%+v: after %d logins: got %v, want it refused: %t", tc.config, before, err, refused)
			}
		}
	}
}

func TestThrottledErrorTellsHowLongToWait(t *testing.T) {
	t.Parallel()
	var err error = &ThrottledError{RetryAfter: 90 * time.Second}
	var throttled *ThrottledError
	if !errors.As(err, &throttled) || !strings.Contains(err.Error(), "1m30s") {
		t.Errorf("got %v", err)
	}
}
