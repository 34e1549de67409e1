package server

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
)

// address is the n-th address of 10.0.0.0/8.
func address(n int) sender {
	return senderOf(auth.Claims{}, netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}))
}

func newLimiter(t testing.TB, perMinute int, now *time.Time) *requestLimiter {
	t.Helper()
	l, err := newRequestLimiter(perMinute, func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRequestLimiterForgetsTheIdleAndNobodyElse(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLimiter(t, 60, &now)
	// Two requests a second are one too many: whoever is forgotten gets more than
	// a token a second and what was there at first.
	busy, idle := address(1), address(2)
	allowed := 0
	l.take(idle)
	for range 1000 {
		for range 2 {
			if ok, _ := l.take(busy); ok {
				allowed++
			}
		}
		now = now.Add(time.Second)
	}
	if want := 60 + 999; allowed != want {
		t.Errorf("%d requests were let through in 1000 s, want %d", allowed, want)
	}
	if l.young[idle] != nil || l.old[idle] != nil {
		t.Error("a caller who has gone is still remembered")
	}
}

func TestRequestLimiterMemoryIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLimiter(t, 60, &now)
	for n := range 3 * maxCallers {
		l.take(address(n))
		if known := len(l.young) + len(l.old); known > maxCallers {
			t.Fatalf("%d callers are remembered, want at most %d", known, maxCallers)
		}
	}
	if ok, left := l.take(address(3*maxCallers - 1)); !ok || left != 58 {
		t.Errorf("the last caller has %v left, want 58: the newest are to be remembered", left)
	}
}

// Connections to a socket of both families come from IPv4 addresses in IPv6.
func TestMappedAddressesAreIPv4(t *testing.T) {
	t.Parallel()
	mapped, plain := netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("192.0.2.1")
	if senderOf(auth.Claims{}, mapped) != senderOf(auth.Claims{}, plain) {
		t.Errorf("%v and %v are two senders", mapped, plain)
	}
}

func TestFaultyRequestLimits(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{-1, 1e9 + 1} {
		if _, err := newRequestLimiter(limit, time.Now); err == nil || !strings.Contains(err.Error(), "request limit is") {
			t.Errorf("a limit of %d: got %v", limit, err)
		}
	}
	l, err := newRequestLimiter(0, time.Now)
	if err != nil || l.perMinute != defaultRequestLimit {
		t.Errorf("a limit of 0 is %d, %v, want the default", l.perMinute, err)
	}
}

func BenchmarkRequestLimiter(b *testing.B) {
	l, err := newRequestLimiter(1e9, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	for n := range 10_000 {
		l.take(address(n))
	}
	h := http.Header{}
	s := senderOf(auth.Claims{UserID: "5f9f1c9b9c9c9c9c9c9c9c9c"}, netip.Addr{})
	b.ReportAllocs()
	for b.Loop() {
		if err := l.count(h, s); err != nil {
			b.Fatal(err)
		}
	}
}
