package server

import (
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
)

func TestTheClientBehindProxies(t *testing.T) {
	t.Parallel()
	const proxy = "10.0.0.7"
	for _, tc := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"no header", nil, proxy},
		{"an address", []string{"9.9.9.9"}, "9.9.9.9"},
		{"a quotation mark of the client", []string{`", 9.9.9.9`}, "9.9.9.9"},
		{"a quotation mark within the client's entries", []string{`6.6.6.6, "6.6.6.6, 9.9.9.9`}, "9.9.9.9"},
		{"a quotation mark at the end of the client's entry", []string{`6.6.6.6", 9.9.9.9`}, "9.9.9.9"},
		{"an escaped quotation mark", []string{`\", 9.9.9.9`}, "9.9.9.9"},
		{"a backslash", []string{`"\, 9.9.9.9`}, "9.9.9.9"},
		{"a quotation mark in another line", []string{`"`, "9.9.9.9"}, "9.9.9.9"},
		{"a quotation mark before two proxies", []string{`", 9.9.9.9, 10.0.0.8`}, "9.9.9.9"},
		{"quoted commas", []string{`"6.6.6.6, 9.9.9.9"`}, "9.9.9.9"},
		{"quotes", []string{`"9.9.9.9"`}, "9.9.9.9"},
		{"a port", []string{"9.9.9.9:80"}, "9.9.9.9"},
		{"an empty port", []string{"9.9.9.9:"}, "9.9.9.9"},
		{"IPv4 in brackets", []string{"[9.9.9.9]"}, "9.9.9.9"},
		{"IPv4 in brackets with a port", []string{"[9.9.9.9]:80"}, "9.9.9.9"},
		{"IPv4 in brackets with an empty port", []string{"[9.9.9.9]:"}, "9.9.9.9"},
		{"IPv6", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets with a port", []string{"[2001:db8::1]:80"}, "2001:db8::1"},
		{"IPv6 in brackets with an empty port", []string{"[2001:db8::1]:"}, "2001:db8::1"},
		{"IPv6 in quotes and brackets with a port", []string{`"[2001:db8::1]:80"`}, "2001:db8::1"},
		{"IPv6 with a zone and a port", []string{"[fe80::1%eth0]:80"}, "fe80::1"},
		{"empty entries", []string{" ,9.9.9.9,, \t,"}, "9.9.9.9"},
		{"a proxy in brackets with a port", []string{"9.9.9.9, [10.0.0.8]:80"}, "9.9.9.9"},
		{"no address", []string{"9.9.9.9, unknown"}, proxy},
		{"a name with a port", []string{"9.9.9.9, localhost:80"}, proxy},
		{"an entry of Forwarded", []string{"for=9.9.9.9"}, proxy},
		{"a network", []string{"9.9.9.9/32"}, proxy},
		{"a port alone", []string{":80"}, proxy},
		{"leading zeros", []string{"010.1.1.1"}, proxy},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := forwarding{trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, log: slog.New(slog.DiscardHandler)}
			r := &http.Request{RemoteAddr: proxy + ":1234", Header: http.Header{"X-Forwarded-For": tc.lines}}
			if got := f.client(r); got != tc.want {
				t.Errorf("X-Forwarded-For %q: got %s, want %s", tc.lines, got, tc.want)
			}
		})
	}
}
