package main

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// checkAddress reports an address that cannot be listened on. Empty is allowed: no
// listener. A host name is not looked up.
func checkAddress(variable, addr string) error {
	if addr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil && digitsAlone.MatchString(addr) {
		return fmt.Errorf("%s is a port alone: write :%s", variable, addr)
	}
	if n, notNumber := strconv.Atoi(port); err != nil || notNumber != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%s is not an address to listen on: write HOST:PORT or :PORT, such as :8080, with a port of 0 to 65535", variable)
	}
	if !isHost(host) {
		return fmt.Errorf("%s does not name a host: write the IP address or the name of this machine, as in 127.0.0.1:8080, or no host, as in :8080", variable)
	}
	return nil
}

var (
	hostName    = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)
	numericHost = regexp.MustCompile(`(^|\.)[0-9]+\.?$`)
)

// isHost reports whether the host is empty, an IP address or the form of a host name. A
// name that ends in a number is an address with a mistake.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return true
	}
	return hostName.MatchString(host) && !numericHost.MatchString(host)
}

// sameAddress reports whether nobody can listen on both addresses at once. Port 0 is
// always a free one.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil {
		return false
	}
	numberA, errA := strconv.Atoi(portA)
	numberB, errB := strconv.Atoi(portB)
	if errA != nil || errB != nil || numberA != numberB || numberA == 0 {
		return false
	}
	return everyHost(hostA) || everyHost(hostB) || canonicalHost(hostA) == canonicalHost(hostB)
}

// everyHost reports whether the host stands for all addresses of the machine.
func everyHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "" || err == nil && a.Unmap().IsUnspecified()
}

func canonicalHost(host string) string {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().String()
	}
	if host = strings.ToLower(strings.TrimSuffix(host, ".")); host == "localhost" {
		return "127.0.0.1"
	}
	return host
}
