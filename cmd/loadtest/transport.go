package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/nestpayments/nestpayments/gen/client"
)

// transport sends requests to the server itself: past any proxy, and following no
// redirect to elsewhere.
type transport struct{ http.RoundTripper }

// newTransport keeps as many connections as there can be requests at once (a
// retrying client sends two), so that none is closed and opened for want of room.
func newTransport(o options) *transport {
	dialer := &net.Dialer{Timeout: o.Timeout}
	if !o.NotLoopback {
		dialer.ControlContext = loopbackOnly // whatever localhost is said to be
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.DialContext = dialer.DialContext
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*o.MaxInFlight, 2*o.MaxInFlight
	t.IdleConnTimeout = time.Minute
	return &transport{t}
}

func loopbackOnly(_ context.Context, _, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err == nil && !isLoopback(host) {
		err = fmt.Errorf("%s is not a loopback address", host)
	}
	return err
}

// client is the generated client, which users of the API would use.
func (t *transport) client(url string) (*client.ClientWithResponses, error) {
	return client.NewClientWithResponses(url, client.WithHTTPClient(&http.Client{
		Transport:     t.RoundTripper,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
}
