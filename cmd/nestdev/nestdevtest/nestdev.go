// Package nestdevtest starts nestdev for tests of the whole system, as people start
// it: the program itself, with fresh data, on free ports.
package nestdevtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take that takes a second.
const patience = time.Minute

// System is a nestdev that runs.
type System struct {
	// URL and Sandbox are where the API and the Stripe sandbox answer.
	URL, Sandbox string
	// AdminEmail and AdminPassword log the ready-made admin in.
	AdminEmail, AdminPassword string
	// WebhookSecret signs the sandbox's webhooks.
	WebhookSecret string
	// Log is the file with all that it writes. PID is its process.
	Log string
	PID int

	// Stop tells it to stop and waits. The test fails if it has ended of itself, or
	// not well. The end of the test does it too.
	Stop func()
}

var welcome = regexp.MustCompile(`(?s)\n  API +(\S+).*\n  Sandbox +(\S+).*\n  Admin +(\S+) +password: (\S+)\n`)

// Build builds nestdev into a folder of the test, and returns its path.
func Build(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "nestdev")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", program, "github.com/nestpayments/nestpayments/cmd/nestdev") // #nosec G204 -- the names are fixed, the folder is the test's
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build nestdev: %v\n%s", err, out)
	}
	return program
}

// Start runs the program until Stop or the end of the test.
func Start(t *testing.T, program string) *System {
	t.Helper()
	data := t.TempDir()
	s := &System{Log: filepath.Join(t.ArtifactDir(), "nestdev.log")}
	out, err := os.Create(s.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(program, "--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0", "--data-dir", data) // #nosec G204 -- what Build has built
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.PID = cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.Stop = sync.OnceFunc(func() { s.end(t, cmd.Process, ended) })
	t.Cleanup(s.Stop)
	s.hear(t, ended)
	s.WebhookSecret = webhookSecret(t, filepath.Join(data, "settings.json"))
	return s
}

// hear waits for the welcome, which says where everything is.
func (s *System) hear(t *testing.T, ended <-chan error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(s.Log)
		if err != nil {
			t.Fatal(err)
		}
		if m := welcome.FindSubmatch(text); m != nil {
			s.URL, s.Sandbox, s.AdminEmail, s.AdminPassword = string(m[1]), string(m[2]), string(m[3]), string(m[4])
			return
		}
		if len(ended) > 0 || time.Now().After(deadline) {
			t.Fatalf("nestdev does not say where it is:\n%s", text)
		}
	}
}

// end tells the program to stop and waits until it has.
func (s *System) end(t *testing.T, p *os.Process, ended <-chan error) {
	if len(ended) > 0 {
		t.Errorf("nestdev ended of itself: %v", <-ended)
		return
	}
	_ = p.Signal(syscall.SIGTERM) // one that is gone needs none
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("nestdev did not stop as it should: %v", err)
		}
	case <-time.After(patience):
		_ = p.Kill()
		t.Errorf("nestdev has not stopped after %s: %v", patience, <-ended)
	}
}

func webhookSecret(t *testing.T, path string) string {
	t.Helper()
	var settings struct{ WebhookSecret string }
	text, err := os.ReadFile(path) // #nosec G304 -- below the folder of the test
	if err == nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil || settings.WebhookSecret == "" {
		t.Fatalf("the webhook secret of nestdev: %v", err)
	}
	return settings.WebhookSecret
}
