package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Nothing is sent to a target that is refused.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"another machine", []string{"--url", "https://api.nest-payments.dev"}, "not this machine"},
		{"another address", []string{"--url", "http://10.0.0.1:8080"}, "--not-loopback"},
		{"every address", []string{"--url", "http://0.0.0.0:8080"}, "--not-loopback"},
		{"a name that looks like loopback", []string{"--url", "http://127.0.0.1.example.com"}, "--not-loopback"},
		{"a user in the URL", []string{"--url", "http://me:secret@127.0.0.1"}, "no user"},
		{"no scheme", []string{"--url", "127.0.0.1:8080"}, "http://HOST:PORT"},
		{"another scheme", []string{"--url", "ftp://127.0.0.1"}, "http://HOST:PORT"},
		{"no rate", []string{"--rate", "0"}, "--rate is 0"},
		{"not a rate", []string{"--rate", "NaN"}, "--rate is NaN"},
		{"too high a rate", []string{"--rate", "10001"}, "10000 at most"},
		{"too long", []string{"--duration", "61m"}, "1h0m0s at most"},
		{"no duration", []string{"--duration", "0s"}, "--duration is 0s"},
		{"unknown arrivals", []string{"--arrivals", "bursts"}, "poisson"},
		{"unknown journey", []string{"--mix", "burglar=1"}, "burglar"},
		{"nobody", []string{"--users", "0"}, "--users is 0"},
		{"no room", []string{"--max-in-flight", "0"}, "--max-in-flight is 0"},
		{"too much thought", []string{"--think", "2m"}, "--think is 2m"},
		{"no time", []string{"--timeout", "0s"}, "--timeout is 0s"},
		{"no end", []string{"--drain", "11m"}, "--drain is 11m"},
		{"all faults together", []string{"--rate", "0", "--users", "0"}, "--users is 0"},
	} {
		err := run(t.Context(), tc.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want it to say %q", tc.name, err, tc.want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "never on a live one") {
		t.Errorf("%v, and the help says nothing of live keys:\n%s", err, &out)
	}
}

// The name localhost may be anybody's; what is dialled is checked.
func TestOnlyLoopbackIsDialled(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "10.0.0.1:80": false, "[fe80::1]:80": false} {
		if err := loopbackOnly(t.Context(), "tcp", address, nil); (err == nil) != ok {
			t.Errorf("%s: got %v, want it to be let through: %v", address, err, ok)
		}
	}
	// 192.0.2.0/24 is nobody's (RFC 5737); the refusal comes before a packet.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://192.0.2.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newTransport(options{MaxInFlight: 1, Timeout: time.Minute}).RoundTrip(r); err == nil || !strings.Contains(err.Error(), "not a loopback address") {
		t.Errorf("got %v, want a refusal to dial", err)
	}
}

// A server may not send the load to another.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	err := run(t.Context(), []string{"--url", srv.URL}, io.Discard, io.Discard)
	if !isFault(err, http.StatusTemporaryRedirect) || asked {
		t.Errorf("got %v, and the other server was asked: %v; want a fault of status 307", err, asked)
	}
}
