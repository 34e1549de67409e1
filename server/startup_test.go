package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/nestpayments/nestpayments/server"
)

// startUp runs a Startup on a port of its own until the test ends, and returns its
// URL and how it ended.
func startUp(t *testing.T, ctx context.Context, open func(context.Context) (*server.Server, error)) (string, <-chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- server.Startup{Open: open, Log: slog.New(slog.DiscardHandler)}.Serve(ctx, ln)
	}()
	return "http://" + ln.Addr().String(), done
}

func TestLivenessAnswersWhileTheServerIsBeingOpened(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	url, done := startUp(t, ctx, func(ctx context.Context) (*server.Server, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/livez", 200}, {"HEAD", "/livez", 200}, {"GET", "/readyz", 503}, {"HEAD", "/readyz", 503},
		{"POST", "/livez", 503}, {"POST", "/user/login", 503}, {"POST", "/webhook/stripe", 503}, {"GET", "/nowhere", 503},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, url+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("%s %s: got status %d, want %d", tt.method, tt.path, res.StatusCode, tt.want)
		}
		if tt.want == 503 && res.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s: got no Retry-After", tt.method, tt.path)
		}
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped while it was being opened: got error %v, want that of Open", err)
	}
}

func TestAServerThatCannotBeOpenedStops(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	url, done := startUp(t, t.Context(), func(context.Context) (*server.Server, error) { return nil, broken })
	if err := <-done; !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
	if res, err := http.Get(url + "/livez"); err == nil {
		_ = res.Body.Close()
		t.Errorf("after it stopped: got status %d, want no connection", res.StatusCode)
	}
}
