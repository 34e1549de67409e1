package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

// printed is what the program says about itself.
type printed struct{ url, key string }

var announced = regexp.MustCompile(`(?s)(http://127\.0\.0\.1:\d+).*client\.New\("(\w+)"`)

// start runs the program on a free port and returns what it prints, and what stops it.
func start(t *testing.T, args ...string) (p printed, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"--addr=127.0.0.1:0"}, args...), in, io.Discard)
		in.CloseWithError(io.EOF)
		done <- err
	}()
	var text bytes.Buffer
	buffer := make([]byte, 4096)
	for p.url == "" {
		n, err := out.Read(buffer)
		text.Write(buffer[:n])
		if err != nil {
			t.Fatalf("no URL in %q: %v, %v", text.String(), err, <-done)
		}
		if m := announced.FindStringSubmatch(text.String()); m != nil {
			p = printed{m[1], m[2]}
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	t.Cleanup(cancel)
	return p, func() error { cancel(); return <-done }
}

func (p printed) api() *client.API { return api(p.url, p.key) }

func api(url, key string) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: &url, MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	return client.New(key, &stripe.Backends{API: backend})
}

func TestStateSurvivesTheProgram(t *testing.T) {
	t.Parallel()
	state := "--state=" + filepath.Join(t.TempDir(), "state")
	first, stop := start(t, state)
	customer, err := first.api().Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	again, stop := start(t, state)
	if again.key != first.key {
		t.Error("the secret key is another one")
	}
	if got, err := again.api().Customers.Get(customer.ID, nil); err != nil || got.Name != "Ada" {
		t.Errorf("got %v, %v; want the customer", got, err)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// A page of the dashboard that is open does not keep the program from ending.
func TestEndsUnderAnOpenPage(t *testing.T) {
	t.Parallel()
	p, stop := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/_sandbox/live", nil)
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

// The keys that the operator chose are accepted, not printed, and no others are.
func TestChosenKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("sk_test_of_the_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, stop := start(t, "--secret-key=sk_test_of_the_flag", "--secret-key-file="+file)
	if strings.HasPrefix(p.key, "sk_") {
		t.Errorf("the program prints the key %s", p.key)
	}
	for key, accepted := range map[string]bool{"sk_test_of_the_flag": true, "sk_test_of_the_file": true, "sk_test_other": false} {
		_, err := api(p.url, key).Customers.New(nil)
		var e *stripe.Error
		if refused := errors.As(err, &e) && e.HTTPStatusCode == 401; refused == accepted || (accepted && err != nil) {
			t.Errorf("%s: got %v, want it accepted: %t", key, err, accepted)
		}
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
		{"negative confirm limit", "confirm limit", []string{"--addr=127.0.0.1:0", "--confirm-limit=-1"}},
		{"no key file", "secret key file", []string{"--addr=127.0.0.1:0", "--secret-key-file=/nonexistent"}},
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
	for _, flag := range []string{"addr", "state", "webhook-url", "webhook-secret", "secret-key", "secret-key-file", "confirm-limit"} {
		env := "$STRIPESANDBOX_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
		if !strings.Contains(out.String(), fmt.Sprintf("--%s", flag)) || !strings.Contains(out.String(), env) {
			t.Errorf("help lacks --%s or %s:\n%s", flag, env, out.String())
		}
	}
}

// A secret in the wrong flag is not printed.
func TestAMessageHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--confirm-limit=sk_live_hunter2"}, {"--confirm-limit=hunter2"}, {"--seed=hunter2"}, {"--sk_live_hunter2"}, {"--addr=user:hunter2@host:1"}, {"--verbose=hunter2"}} {
		err := run(t.Context(), args, io.Discard, io.Discard)
		if err == nil {
			t.Fatalf("%q: got no error", args)
		}
		if got := message(err); strings.Contains(got, "hunter2") {
			t.Errorf("%q prints %s", args, got)
		}
	}
}
