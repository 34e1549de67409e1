package auth

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
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

func TestThrottledErrorTellsHowLongToWait(t *testing.T) {
	t.Parallel()
	var err error = &ThrottledError{RetryAfter: 90 * time.Second}
	var throttled *ThrottledError
	if !errors.As(err, &throttled) || !strings.Contains(err.Error(), "1m30s") {
		t.Errorf("got %v", err)
	}
}
