package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// system is a nestdev that runs.
type system struct{ root, url, sandbox string }

var addresses = regexp.MustCompile(`(?s)\n  API +(\S+).*\n  Sandbox +(\S+).*A tour`)

// startDev builds nestdev and runs it on free ports and a fresh folder until ctx
// or the test ends.
func startDev(ctx context.Context, t *testing.T) *system {
	t.Helper()
	dev := &system{root: abs(t, "../../..")}
	program := filepath.Join(t.TempDir(), "nestdev")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "./cmd/nestdev")
	build.Dir, build.Env = dev.root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build nestdev: %v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, program, "--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0", "--data-dir", filepath.Join(t.TempDir(), "data"))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	out := &syncBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("nestdev: %v\n%s", err, tail(out.String(), 4000))
		}
	})
	deadline := time.Now().Add(time.Minute)
	for {
		if m := addresses.FindStringSubmatch(out.String()); m != nil {
			dev.url, dev.sandbox = m[1], m[2]
			return dev
		}
		if len(ended) > 0 || time.Now().After(deadline) {
			t.Fatalf("nestdev has not said where it is:\n%s", out)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// checkOutcome tells what a journey has not done that it should have: the
// payment of its cuid was declined once and charged once, and its user is gone.
func (s *system) checkOutcome(ctx context.Context, who shopper) error {
	var journal struct {
		Charges []struct {
			Status   string
			Metadata struct{ CUID string }
		}
	}
	if err := s.call(ctx, "GET", s.sandbox+"/_sandbox/journal", "", http.StatusOK, &journal); err != nil {
		return err
	}
	charges := map[string]int{}
	for _, c := range journal.Charges {
		if c.Metadata.CUID == who.cuid {
			charges[c.Status]++
		}
	}
	if len(charges) != 2 || charges["succeeded"] != 1 || charges["failed"] != 1 {
		return fmt.Errorf("the payment has charges %v, want one that succeeded and one that failed", charges)
	}
	login, err := json.Marshal(map[string]string{"email": who.email, "password": who.password})
	if err != nil {
		return err
	}
	return s.call(ctx, "POST", s.url+"/user/login", string(login), http.StatusUnauthorized, new(any))
}

// call makes a request that must be answered with the status, and reads the JSON
// of the answer.
func (s *system) call(ctx context.Context, method, url, body string, status int, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != status {
		return fmt.Errorf("%s %s: status %d, want %d", method, r.URL.Path, res.StatusCode, status)
	}
	return json.Unmarshal(text, into)
}
