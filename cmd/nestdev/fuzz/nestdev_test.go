package fuzz_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
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

// nestdev is a nestdev that runs.
type nestdev struct {
	url, sandbox string
	// dir is its data folder, and log the file with all that it writes.
	dir, log string
	// adminPassword and webhookSecret are what it has made up.
	adminPassword, webhookSecret string

	cmd  *exec.Cmd
	stop context.CancelFunc
	// ended is closed when it has ended, with err.
	ended chan struct{}
	err   error
}

// user is who a campaign may be.
type user struct{ id, token string }

// password is the password of every user but the admin.
const password = "correct horse battery"

var welcome = regexp.MustCompile(`(?s)\n  API +(\S+).*\n  Sandbox +(\S+).*password: (\S+).*\n  curl[^\n]*\n\n`)

// start runs nestdev on free ports and in a fresh folder, until judge stops it or
// the test ends.
func start(t *testing.T, program string) *nestdev {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	d := &nestdev{dir: t.TempDir(), log: filepath.Join(t.ArtifactDir(), "nestdev.log"), stop: stop, ended: make(chan struct{})}
	out, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	d.cmd = exec.CommandContext(ctx, program, "--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0", "--data-dir", d.dir)
	d.cmd.Stdout, d.cmd.Stderr = out, out
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(syscall.SIGTERM) }
	d.cmd.WaitDelay = time.Minute
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.err = d.cmd.Wait(); close(d.ended) }()
	t.Cleanup(func() { stop(); <-d.ended })
	deadline := time.Now().Add(time.Minute)
	for {
		text, err := os.ReadFile(d.log)
		if err != nil {
			t.Fatal(err)
		}
		if m := welcome.FindSubmatch(text); m != nil {
			d.url, d.sandbox, d.adminPassword = string(m[1]), string(m[2]), string(m[3])
			break
		}
		select {
		case <-d.ended:
			t.Fatalf("nestdev ended: %v\n%s", d.err, text)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("no welcome:\n%s", text)
		}
	}
	var settings struct{ WebhookSecret string }
	text, err := os.ReadFile(filepath.Join(d.dir, "settings.json"))
	if err == nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil || settings.WebhookSecret == "" {
		t.Fatalf("the webhook secret of nestdev: %v", err)
	}
	d.webhookSecret = settings.WebhookSecret
	return d
}

// register registers a user.
func (d *nestdev) register(t *testing.T, name string) user {
	t.Helper()
	return d.grant(t, "/user/register", map[string]string{"userName": name, "email": name + "@callers.example", "password": password})
}

// admin logs the ready-made admin in.
func (d *nestdev) admin(t *testing.T) user {
	t.Helper()
	return d.grant(t, "/user/login", map[string]string{"email": "admin@nestdev.test", "password": d.adminPassword})
}

// grant asks for an access token, whose subject is the user's id.
func (d *nestdev) grant(t *testing.T, path string, credentials map[string]string) user {
	t.Helper()
	body, err := json.Marshal(credentials)
	if err != nil {
		t.Fatal(err)
	}
	var granted struct {
		Token string `json:"access_token"`
	}
	d.call(t, "POST", d.url+path, bytes.NewReader(body), http.StatusCreated, &granted)
	parts := strings.Split(granted.Token, ".")
	var claims struct{ Sub string }
	text, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil || claims.Sub == "" {
		t.Fatalf("the access token has no subject: %v", err)
	}
	return user{id: claims.Sub, token: granted.Token}
}

// call sends a request and reads the answer, which must have the status.
func (d *nestdev) call(t *testing.T, method, url string, body io.Reader, status int, answer any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != status {
		err = fmt.Errorf("status %d, want %d", res.StatusCode, status)
	}
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
}
