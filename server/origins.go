package server

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// CheckOrigins reports every fault of Config.Origins: each origin that no browser sends
// as it is written (RFC 6454, section 6.2).
func CheckOrigins(origins []string) error {
	var faults []error
	for _, o := range origins {
		if err := checkOrigin(o); err != nil {
			faults = append(faults, fmt.Errorf("%q %w", o, err))
		}
	}
	return errors.Join(faults...)
}

func checkOrigin(o string) error {
	u, err := url.Parse(o)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.Contains(o, "*") {
		return errNoOrigin
	}
	if !ascii(u.Hostname()) {
		host, err := idna.Lookup.ToASCII(u.Hostname())
		if err != nil {
			return errNoOrigin
		}
		if u.Port() != "" {
			host += ":" + u.Port()
		}
		return fmt.Errorf("has a host that browsers send in another form: write %s://%s", u.Scheme, host)
	}
	if o != u.Scheme+"://"+strings.ToLower(u.Host) || strings.HasSuffix(u.Host, ":") || u.Port() == defaultPort(u.Scheme) {
		return errNoOrigin
	}
	if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != u.Port()) {
		return errors.New("has a port that no server can have: write a number from 1 to 65535")
	}
	return checkAddressOrigin(u.Hostname())
}

var errNoOrigin = errors.New("is not a web origin: write it as browsers do, like https://shop.example.com or http://localhost:3000, without a path, a default port or a wildcard")

// endsInNumber matches the hosts that browsers read as an IPv4 address.
// Source: https://url.spec.whatwg.org/#ends-in-a-number-checker
var endsInNumber = regexp.MustCompile(`(^|\.)([0-9]+|0x[0-9a-f]*)\.?$`)

// checkAddressOrigin reports an IP address that is not in the form that browsers send.
func checkAddressOrigin(host string) error {
	if !strings.Contains(host, ":") && !endsInNumber.MatchString(host) {
		return nil
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return errors.New("has a host that browsers read as an IP address: write the address in full, like http://127.0.0.1:3000")
	}
	if a.String() != host || a.Zone() != "" || a.Is4In6() {
		return errors.New("has an IP address in a form that browsers do not send: write it in its shortest form, like http://[::1]:3000")
	}
	return nil
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 0x7f })
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}
