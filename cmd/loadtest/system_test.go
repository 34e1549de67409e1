package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store/sqlite"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// system is the real server on SQLite and the sandbox, and what it was sent.
type system struct {
	url string
	box *sandbox.Sandbox

	mu       sync.Mutex
	requests map[string]int // by method and path, ids apart
	secrets  map[string]bool
}

// spoil changes an answer. nil changes none.
type spoil func(r *http.Request, status int, body string) (int, string)

// newSystem starts one. The limits of the server are out of the way, unless change
// sets them.
func newSystem(t *testing.T, change func(*server.Config), spoil spoil) *system {
	t.Helper()
	s := &system{requests: map[string]int{}, secrets: map[string]bool{}}
	var err error
	if s.box, err = sandbox.New(sandbox.Config{LockWait: time.Minute}); err != nil {
		t.Fatal(err)
	}
	boxServer := httptest.NewServer(s.box)
	t.Cleanup(func() { boxServer.Close(); _ = s.box.Close() })
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	stripe, err := stripeclient.New(stripeclient.Config{
		SecretKey: s.box.SecretKey(), BaseURL: boxServer.URL, RatePerSecond: 10_000, MaxInFlight: 1000, Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := server.Config{
		Store: db, Stripe: stripe, Keys: oneKey(t), Logger: slog.New(slog.DiscardHandler),
		Passwords:    auth.HasherConfig{Params: auth.Params{MemoryKiB: 64, Time: 1, Threads: 1}, Queue: 1000},
		Throttle:     auth.ThrottleConfig{SignUps: 1e6, Unconfirmed: 1e6, Declines: 1e6},
		RequestLimit: 1e9,
	}
	if change != nil {
		change(&c)
	}
	srv, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(s.front(srv, spoil))
	t.Cleanup(front.Close)
	s.url = front.URL
	return s
}

func oneKey(t *testing.T) *auth.KeySet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := auth.GenerateKey(path); err != nil {
		t.Fatal(err)
	}
	keys, err := auth.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

var (
	secret = regexp.MustCompile(`"(?:email|password|access_token|clientSecret)":"([^"]+)"`)
	idPart = regexp.MustCompile(`/(pi_\w+|[0-9a-f]{24})`)
)

// front notes what passes, and spoils it.
func (s *system) front(next http.Handler, spoil spoil) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, err := io.ReadAll(r.Body)
		if err != nil {
			return // of a client that is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(asked))
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		status, body := rec.Code, rec.Body.String()
		if spoil != nil {
			status, body = spoil(r, status, body)
		}
		s.mu.Lock()
		s.requests[r.Method+" "+idPart.ReplaceAllString(r.URL.Path, "/{id}")]++
		for _, m := range secret.FindAllStringSubmatch(string(asked)+body, -1) {
			s.secrets[m[1]] = true
		}
		s.mu.Unlock()
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// asked is how often something was asked for.
func (s *system) asked(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[what]
}

// outcome is all that a run has said.
type outcome struct {
	err            error
	stdout, stderr string
	report         *report
	files          map[string]string
}

// loadtest makes a run of 60 journeys, with more flags behind.
func (s *system) loadtest(ctx context.Context, t *testing.T, args ...string) outcome {
	t.Helper()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	err := run(ctx, append([]string{
		"--url", s.url, "--arrivals", "constant", "--rate", "60", "--duration", "1s", "--think", "1ms", "--users", "3",
		"--timeout", "1m", "--drain", "5m", "--json", filepath.Join(dir, "run.json"), "--plots", filepath.Join(dir, "plots"),
	}, args...), &stdout, &stderr)
	o := outcome{err: err, stdout: stdout.String(), stderr: stderr.String(), files: map[string]string{}}
	paths, globErr := filepath.Glob(filepath.Join(dir, "plots", "*.svg"))
	if globErr != nil {
		t.Fatal(globErr)
	}
	for _, path := range append(paths, filepath.Join(dir, "run.json")) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // of a run that was never begun
		}
		o.files[filepath.Base(path)] = string(text)
	}
	if text, ok := o.files["run.json"]; ok {
		if err := json.Unmarshal([]byte(text), &o.report); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// wantNoSecrets searches all that a run has said for the secrets that passed.
func (s *system) wantNoSecrets(t *testing.T, o outcome) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.secrets) < 100 {
		t.Fatalf("only %d secrets were seen, so the search is of no worth", len(s.secrets))
	}
	said := map[string]string{"stdout": o.stdout, "stderr": o.stderr}
	if o.err != nil {
		said["error"] = o.err.Error()
	}
	for name, text := range o.files {
		said[name] = text
	}
	for where, text := range said {
		for secret := range s.secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s has the secret %q", where, secret)
			}
		}
	}
}
