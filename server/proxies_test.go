package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
)

// The address of a client is what throttling sees of it: a test fails to log in
// once, from one request, and looks whether another is refused for it.
func TestForwardedAddresses(t *testing.T) {
	t.Parallel()
	const loopback = "127.0.0.0/8"
	for _, tc := range []struct {
		name          string
		trusted       []string
		first, second []string
		same          bool
	}{
		{"without proxies the header is ignored", nil, []string{"192.0.2.1"}, []string{"192.0.2.2"}, true},
		{"from a peer that is no proxy the header is ignored", []string{"10.0.0.0/8"}, []string{"192.0.2.1"}, []string{"192.0.2.2"}, true},
		{"private and loopback peers are trusted only if they are named", []string{"203.0.113.0/24"}, []string{"10.0.0.1"}, []string{"10.0.0.2"}, true},
		{"from a proxy it is believed", []string{loopback}, []string{"192.0.2.1"}, []string{"192.0.2.2"}, false},
		{"one client through a proxy", []string{loopback}, []string{"192.0.2.1"}, []string{"192.0.2.1"}, true},
		{"what the client put in front is ignored", []string{loopback}, []string{"198.51.100.1, 192.0.2.1"}, []string{"198.51.100.2, 192.0.2.1"}, true},
		{"two headers are one list", []string{loopback}, []string{"198.51.100.1", "192.0.2.1"}, []string{"198.51.100.2", "192.0.2.1"}, true},
		{"two clients through two proxies", []string{loopback, "10.0.0.0/8"}, []string{"192.0.2.1, 10.0.0.7"}, []string{"192.0.2.2, 10.0.0.7"}, false},
		{"one client through two proxies", []string{loopback, "10.0.0.0/8"}, []string{"192.0.2.1, 10.0.0.7"}, []string{"198.51.100.1, 192.0.2.1, 10.0.0.8"}, true},
		{"two clients behind a proxy that is not trusted", []string{loopback}, []string{"192.0.2.1, 10.0.0.7"}, []string{"192.0.2.2, 10.0.0.7"}, true},
		{"clients in IPv6", []string{loopback}, []string{"2001:db8:1::1"}, []string{"2001:db8:2::1"}, false},
		{"no header from a proxy", []string{loopback}, nil, nil, true},
		{"clients with ports, as Azure's proxies write them", []string{loopback}, []string{"192.0.2.1:1234"}, []string{"192.0.2.2:1234"}, false},
		{"one client with two ports", []string{loopback}, []string{"192.0.2.1:1234"}, []string{"192.0.2.1:4321"}, true},
		{"one client with and without a port", []string{loopback}, []string{"192.0.2.1:1234"}, []string{"192.0.2.1"}, true},
		{"clients in IPv6 with ports", []string{loopback}, []string{"[2001:db8:1::1]:1234"}, []string{"[2001:db8:2::1]:1234"}, false},
		{"one client in IPv6 with and without brackets", []string{loopback}, []string{"[2001:db8:1::1]:1234"}, []string{"2001:db8:1::1"}, true},
		{"one client in brackets without a port", []string{loopback}, []string{"[2001:db8:1::1]"}, []string{"2001:db8:1::1"}, true},
		{"clients in quotes", []string{loopback}, []string{`"192.0.2.1:1234"`}, []string{`"192.0.2.2"`}, false},
		{"spaces and empty elements", []string{loopback}, []string{" ,192.0.2.1 ,, "}, []string{"\t192.0.2.2\t,"}, false},
		{"a zone", []string{loopback}, []string{"fe80::1%eth0"}, []string{"fe80::1%eth1"}, true},
		{"proxies with ports", []string{loopback, "10.0.0.0/8"}, []string{"192.0.2.1:1, 10.0.0.7:2"}, []string{"192.0.2.2:1, 10.0.0.7:2"}, false},
		{"a proxy of IPv4 written as IPv6", []string{loopback, "10.0.0.0/8"}, []string{"192.0.2.1, ::ffff:10.0.0.7"}, []string{"192.0.2.2, [::ffff:10.0.0.7]:1"}, false},
		{"what the client put in front of garbage", []string{loopback}, []string{"192.0.2.1, unknown"}, []string{"192.0.2.2, unknown"}, true},
		{"garbage from a proxy", []string{loopback}, []string{"garbage1"}, []string{"garbage2"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := startThrottled(t, setup{noWebhooks: true, change: func(c *server.Config) {
				c.Throttle, c.TrustedProxies = auth.ThrottleConfig{Tries: 1}, tc.trusted
			}})
			login := func(forwarded []string) answer {
				return a.send(request{method: "POST", path: "/user/login", body: object{"email": "nobody@example.org", "password": "guess"},
					header: http.Header{"X-Forwarded-For": forwarded, "X-Real-Ip": {"192.0.2.99"}, "Forwarded": {"for=192.0.2.98"}}})
			}
			login(tc.first).want(t, 401)
			want := 401
			if tc.same {
				want = 429
			}
			login(tc.second).want(t, want)
		})
	}
}

// A trusted proxy that sends no addresses puts all its clients under one limit, which
// is logged, once and without what it sent.
func TestUnreadableForwardedHeadersAreLogged(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true, change: func(c *server.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} }})
	warnings := func() int { return strings.Count(a.logs.String(), "with an entry that is not an IP address") }
	a.send(request{method: "GET", path: "/livez", header: http.Header{"X-Forwarded-For": {"192.0.2.1:1234, [2001:db8::1]:1"}}}).want(t, 200)
	if n := warnings(); n != 0 {
		t.Errorf("%d warnings about a good header", n)
	}
	for range 3 {
		a.send(request{method: "GET", path: "/livez", header: http.Header{"X-Forwarded-For": {"unknown"}}}).want(t, 200)
	}
	if n := warnings(); n != 1 || strings.Contains(a.logs.String(), "unknown") {
		t.Errorf("%d warnings, want one, without the entry", n)
	}
}

// All faults of a configuration are reported together, and say what to do.
func TestFaultyEdgeConfiguration(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	for _, tc := range []struct {
		name string
		c    server.Config
		want []string
	}{
		{"proxies", server.Config{TrustedProxies: []string{"10.0.0.7", "10.1.2.3/8", "0.0.0.0/0", "::/0", "lan", "10.0.0.0/33", ""}}, []string{
			`"10.0.0.7" is not a network`, `"10.1.2.3/8" has bits behind its length: write 10.0.0.0/8`, `"0.0.0.0/0" is everybody`, `"::/0" is everybody`,
			`"lan" is not a network`, `"10.0.0.0/33" is not a network`, `"" is not a network`,
		}},
		{"origins", server.Config{Origins: []string{
			"*", "https://*.example.com", "https://example.com/", "https://Example.com", "example.com", "ftp://example.com", "null",
			"https://example.com:443", "http://example.com:80", "https://user@example.com", "https://example.com?x", "https://", "https://:8080", "",
		}}, []string{
			`"*" is not`, `"https://*.example.com" is not`, `"https://example.com/" is not`, `"https://Example.com" is not`, `"example.com" is not`,
			`"ftp://example.com" is not`, `"null" is not`, `"https://example.com:443" is not`, `"http://example.com:80" is not`,
			`"https://user@example.com" is not`, `"https://example.com?x" is not`, `"https://" is not`, `"https://:8080" is not`, `"" is not`,
		}},
		{"limits", server.Config{Throttle: auth.ThrottleConfig{Tries: -1, Logins: -2, Accounts: 1001, Addresses: 1001, SignUps: -5, Unconfirmed: -6, Declines: -7}}, []string{
			"Tries is -1", "Logins is -2", "Unconfirmed is -6", "Declines is -7", "Accounts is 1001", "Addresses is 1001", "SignUps is -5",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := tc.c
			c.Store, c.Keys = a.store, a.keys
			_, err := server.New(c)
			if err == nil {
				t.Fatal("the configuration was taken")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the fault does not say %s:\n%v", want, err)
				}
			}
		})
	}
}
