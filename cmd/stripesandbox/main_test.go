package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

// start runs the program on a free port and returns its URL and what stops it.
func start(t *testing.T, args ...string) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"--addr=127.0.0.1:0"}, args...), in, io.Discard)
		in.CloseWithError(io.EOF)
		done <- err
	}()
	var printed bytes.Buffer
	buffer := make([]byte, 4096)
	for url == "" {
		n, err := out.Read(buffer)
		printed.Write(buffer[:n])
		if err != nil {
			t.Fatalf("no URL in %q: %v, %v", printed.String(), err, <-done)
		}
		url = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(printed.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	t.Cleanup(cancel)
	return url, func() error { cancel(); return <-done }
}

func api(url string) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: &url, MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	return client.New("sk_test_123", &stripe.Backends{API: backend})
}

func TestStateSurvivesTheProgram(t *testing.T) {
	t.Parallel()
	state := "--state=" + filepath.Join(t.TempDir(), "state")
	url, stop := start(t, state)
	customer, err := api(url).Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	url, stop = start(t, state)
	if got, err := api(url).Customers.Get(customer.ID, nil); err != nil || got.Name != "Ada" {
		t.Errorf("got %v, %v; want the customer", got, err)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// A page of the dashboard that is open does not keep the program from ending.
func TestEndsUnderAnOpenPage(t *testing.T) {
	t.Parallel()
	url, stop := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/_sandbox/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	t.Parallel()
	url, stop := start(t, "--secret-key=sk_test_other")
	_, err := api(url).Customers.New(nil)
	var e *stripe.Error
	if !errors.As(err, &e) || e.HTTPStatusCode != 401 {
		t.Errorf("got %v, want 401", err)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // after the parallel subtests
	for _, tt := range []struct {
		name, says string
		args       []string
	}{
		{"all interfaces", "not a loopback address", []string{"--addr=:12111"}},
		{"another machine's address", "not a loopback address", []string{"--addr=192.0.2.1:12111"}},
		{"address in use", "in use", []string{"--addr=" + taken.Addr().String()}},
		{"webhook without secret", "webhook secret", []string{"--addr=127.0.0.1:0", "--webhook-url=http://127.0.0.1:1/"}},
		{"live key", "sk_test_", []string{"--addr=127.0.0.1:0", "--secret-key=sk_live_x"}},
		{"unknown flag", "unknown flag", []string{"--prot=1"}},
		{"state that is a folder", "open state", []string{"--addr=127.0.0.1:0", "--state=" + t.TempDir()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// A program that starts after all ends without an error.
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := run(ctx, tt.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error that says %q", err, tt.says)
			}
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"addr", "state", "webhook-url", "webhook-secret", "secret-key"} {
		env := "$STRIPESANDBOX_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
		if !strings.Contains(out.String(), fmt.Sprintf("--%s", flag)) || !strings.Contains(out.String(), env) {
			t.Errorf("help lacks --%s or %s:\n%s", flag, env, out.String())
		}
	}
}
