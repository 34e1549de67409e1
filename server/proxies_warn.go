package server

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/labstack/echo/v4"
)

// warnOfUntrustedProxies logs a warning when X-Forwarded-For first comes from a peer
// that is in none of the networks. Most likely this is a proxy that the operator did
// not name, and everybody behind it shares the limits of one address.
func warnOfUntrustedProxies(find echo.IPExtractor, networks []string, log *slog.Logger) echo.IPExtractor {
	var trusted []netip.Prefix
	for _, text := range networks {
		if p, err := netip.ParsePrefix(text); err == nil { // faults are reported elsewhere
			trusted = append(trusted, p)
		}
	}
	var once sync.Once
	return func(r *http.Request) string {
		if r.Header.Get(echo.HeaderXForwardedFor) != "" && !trusts(trusted, r.RemoteAddr) {
			once.Do(func() {
				log.Warn("X-Forwarded-For is ignored, as it comes from an address that TRUSTED_PROXIES does not name: " +
					"if that is your proxy, add it, or all clients behind it share the limits of one address")
			})
		}
		return find(r)
	}
}

// trusts reports whether the peer of a connection is in one of the networks.
func trusts(networks []netip.Prefix, peer string) bool {
	at, err := netip.ParseAddrPort(peer)
	return err == nil && slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(at.Addr().Unmap().WithZone("")) })
}
