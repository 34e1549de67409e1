package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

// proxyExtractor returns how to find the address of a client behind the proxies in
// these networks: going back from the connection through X-Forwarded-For, the first
// address that is not theirs. What stands before it was written by the client. The
// Forwarded header is not read: a proxy that writes the one and passes on the other
// would let clients choose their address.
func proxyExtractor(networks []string, log *slog.Logger) (echo.IPExtractor, error) {
	trusted, err := proxyNetworks(networks)
	f := forwarding{trusted: trusted, log: log}
	return f.client, err
}

// proxyNetworks reads the networks of trusted proxies and reports every fault. It is a
// fault if the networks together hold everybody: any client could choose its address.
func proxyNetworks(networks []string) (trusted []netip.Prefix, err error) {
	var faults []error
	for _, text := range networks {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("%q is not a network in CIDR notation: write it like 10.0.0.0/8, and one proxy like 10.0.0.7/32", text))
		case p != p.Masked():
			faults = append(faults, fmt.Errorf("%q has bits behind its length: write %s for the network, or a length of %d for the one address", text, p.Masked(), p.Addr().BitLen()))
		case p.Addr().Is4In6(): // clients are compared by their IPv4 address
			faults = append(faults, fmt.Errorf("%q is IPv4 in the form of IPv6: write %s", text, netip.PrefixFrom(p.Addr().Unmap(), max(p.Bits()-96, 0))))
		case p.Bits() == 0:
			faults = append(faults, fmt.Errorf("%q is everybody, who could then claim any address: name the networks of the proxies", text))
		default:
			trusted = append(trusted, p)
		}
	}
	for _, everybody := range []string{"0.0.0.0/0", "2000::/3"} { // IPv6 gives out no other addresses
		if covered(netip.MustParsePrefix(everybody), trusted) {
			faults = append(faults, fmt.Errorf("%s is everybody, who could then claim any address: name the networks of the proxies", strings.Join(networks, ", ")))
			break
		}
	}
	return trusted, errors.Join(faults...)
}

// covered reports whether the networks together hold every address of p.
func covered(p netip.Prefix, networks []netip.Prefix) bool {
	var within []netip.Prefix
	for _, n := range networks {
		if n.Overlaps(p) {
			if n.Bits() <= p.Bits() {
				return true
			}
			within = append(within, n)
		}
	}
	if len(within) == 0 {
		return false
	}
	low, high := halves(p)
	return covered(low, within) && covered(high, within)
}

// halves splits a network of more than one address.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	upper := p.Addr().AsSlice()
	upper[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	a, _ := netip.AddrFromSlice(upper)
	return netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(a, p.Bits()+1)
}

// forwarding finds the clients behind trusted proxies.
type forwarding struct {
	trusted []netip.Prefix
	log     *slog.Logger
	// unreadable and untrusted log their warnings once.
	unreadable, untrusted sync.Once
}

// client is an echo.IPExtractor. An entry that is no address ends the way back: the
// last proxy before it counts as the client.
func (f *forwarding) client(r *http.Request) string {
	peer, ok := parseAddress(r.RemoteAddr)
	if !ok {
		return "" // over no network
	}
	entries := forwardedFor(r.Header)
	if len(entries) > 0 && !f.trusts(peer) {
		f.untrusted.Do(func() {
			f.log.Warn("X-Forwarded-For is ignored, because it comes from an address that TRUSTED_PROXIES does not name: " +
				"if that is your proxy, add it, or all clients behind it share the limits of one address")
		})
	}
	for _, entry := range slices.Backward(entries) {
		if !f.trusts(peer) {
			break
		}
		before, ok := parseAddress(entry)
		if !ok {
			f.unreadable.Do(func() {
				f.log.Warn("a trusted proxy sends an X-Forwarded-For header with an entry that is not an IP address: " +
					"its clients share one request limit; configure the proxy to send addresses")
			})
			break
		}
		peer = before
	}
	return peer.String()
}

func (f *forwarding) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(f.trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// forwardedFor returns the entries of X-Forwarded-For. The header has no quoted
// strings: every comma separates, so a quotation mark of the client cannot hide what
// a proxy adds.
func forwardedFor(h http.Header) (entries []string) {
	for _, line := range h.Values(echo.HeaderXForwardedFor) {
		for entry := range strings.SplitSeq(line, ",") {
			if entry = trimOWS(entry); entry != "" {
				entries = append(entries, entry)
			}
		}
	}
	return entries
}

// parseAddress reads an address as proxies write it: bare, with a port as Azure's
// do, also an empty one, in brackets, in quotes, or with a zone.
func parseAddress(text string) (netip.Addr, bool) {
	text = strings.Trim(trimOWS(text), `"`)
	host, _, err := net.SplitHostPort(text)
	if err != nil { // no port
		host = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	}
	a, err := netip.ParseAddr(host)
	return a.Unmap().WithZone(""), err == nil
}

// clientAddress returns where the request comes from, as far as proxies are trusted,
// and the zero value if it comes over no network.
func clientAddress(c echo.Context) netip.Addr {
	a, _ := netip.ParseAddr(c.RealIP())
	return a
}
