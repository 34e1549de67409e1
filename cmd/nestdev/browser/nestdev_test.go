package browser_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nestdev is the program as people start it, with fresh data and ports of its
// own.
type nestdev struct {
	// url and sandbox are where the API and the Stripe sandbox answer.
	url, sandbox string
	// adminEmail and adminPassword log the ready-made admin in.
	adminEmail, adminPassword string
}

var welcome = regexp.MustCompile(`(?s)API +(\S+).*Sandbox +(\S+).*Admin +(\S+) +password: (\S+)`)

// startNestdev builds and starts nestdev, to be ended with the test.
func startNestdev(t *testing.T) nestdev {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "nestdev")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(binary, "--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0", "--data-dir", t.TempDir())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	printed := make(chan string)
	ended := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			printed <- lines.Text()
		}
		close(printed)
		ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // one that is gone needs none
		for range printed {
		}
		if err := <-ended; err != nil {
			t.Errorf("nestdev ended with %v", err)
		}
	})
	return hear(t, printed)
}

// hear reads the welcome, and then goes on reading, so that nestdev never waits
// for us.
func hear(t *testing.T, printed <-chan string) nestdev {
	t.Helper()
	deadline := time.After(patience)
	var all strings.Builder
	for {
		select {
		case line, more := <-printed:
			all.WriteString(line + "\n")
			if m := welcome.FindStringSubmatch(all.String()); m != nil {
				go func() {
					for range printed {
					}
				}()
				return nestdev{url: m[1], sandbox: m[2], adminEmail: m[3], adminPassword: m[4]}
			}
			if !more {
				t.Fatalf("nestdev ended:\n%s", &all)
			}
		case <-deadline:
			t.Fatalf("no welcome:\n%s", &all)
		}
	}
}

// get reads what an address answers into v.
func get(t *testing.T, address string, v any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(v); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d, %v", address, res.StatusCode, err)
	}
}
