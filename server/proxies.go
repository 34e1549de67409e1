package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/labstack/echo/v4"
)

// proxyExtractor finds the address of the client behind the proxies in these
// networks: going back through X-Forwarded-For from the connection, the first
// that is not theirs. What stands before it was written by the client. An entry
// that is no bare address makes the header worthless, and the connection's
// address counts.
//
// Every fault is reported. A network of everybody is one: it would let any client
// choose its address.
func proxyExtractor(networks []string) (echo.IPExtractor, error) {
	if len(networks) == 0 {
		return echo.ExtractIPDirect(), nil
	}
	// Echo trusts private networks unless told otherwise.
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	var faults []error
	for _, text := range networks {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("%q is not a network in CIDR notation: write it like 10.0.0.0/8, and one proxy like 10.0.0.7/32", text))
		case p != p.Masked():
			faults = append(faults, fmt.Errorf("%q has bits behind its length: write %s for the network, or a length of %d for the one address", text, p.Masked(), p.Addr().BitLen()))
		case p.Bits() == 0:
			faults = append(faults, fmt.Errorf("%q is everybody, who could then claim any address: name the networks of the proxies", text))
		default:
			trust = append(trust, echo.TrustIPRange(&net.IPNet{
				IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
			}))
		}
	}
	return echo.ExtractIPFromXFFHeader(trust...), errors.Join(faults...)
}

// clientAddress is where the request comes from, as far as proxies are trusted.
// The zero value if it comes over no network.
func clientAddress(c echo.Context) netip.Addr {
	a, _ := netip.ParseAddr(c.RealIP())
	return a
}
