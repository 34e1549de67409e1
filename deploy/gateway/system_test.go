package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
)

// system is the production server on SQLite, the Stripe sandbox and Envoy between
// them and the clients, each a process.
type system struct {
	// url is Envoy's, sandbox the sandbox's.
	url, sandbox string
	// key is the file of the server's signing key.
	key string
	log *serverLog
	// stopServer ends the server behind Envoy.
	stopServer func()
}

// The keys of the sandbox, which the server calls Stripe.
const (
	stripeKey     = "sk_test_gateway"
	webhookSecret = "whsec_gateway"
)

func newSystem(t *testing.T) *system {
	t.Helper()
	program := toolPath(t, "venv/bin/envoy")
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir,
		"github.com/nestpayments/nestpayments/cmd/nestpayments", "github.com/nestpayments/nestpayments/cmd/stripesandbox")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	s := &system{key: filepath.Join(dir, "key.pem"), log: &serverLog{}}
	if err := auth.GenerateKey(s.key); err != nil {
		t.Fatal(err)
	}
	listen := freeAddress(t)
	s.url = "http://" + listen

	sandbox, _ := start(t, exec.CommandContext(t.Context(), filepath.Join(dir, "stripesandbox"), "--addr", "127.0.0.1:0",
		"--webhook-url", s.url+"/webhook/stripe", "--webhook-secret", webhookSecret, "--secret-key", stripeKey))
	s.sandbox = "http://" + await(t, sandbox, func(line string) string {
		_, address, _ := strings.Cut(line, "Stripe sandbox at http://")
		return address
	})
	// Nothing but the webhook tells the server what happens at Stripe.
	server, stop := start(t, exec.CommandContext(t.Context(), filepath.Join(dir, "nestpayments"),
		"--database-url", "sqlite:"+filepath.Join(dir, "data.db"), "--signing-keys", s.key, "--addr", "127.0.0.1:0",
		"--stripe-secret-key", stripeKey, "--stripe-url", s.sandbox, "--stripe-webhook-secrets", webhookSecret,
		"--reconcile-interval", "1h", "--trusted-proxies", "127.0.0.1/32", "--sign-up-limit", "3", "--shutdown-notice", "0s"))
	s.stopServer = stop
	address := await(t, server, s.log.take)
	_, config := made(t, "envoy", written(t, "own", fmt.Appendf(nil, `
overlay: 1.0.0
info: {title: where everything is in this test, version: 1.0.0}
actions:
  - target: $.servers[0]
    update: {url: "http://%s"}
  - target: $['x-envoy']
    update: {listen: %q}
`, address, listen)))
	envoy, _ := start(t, exec.CommandContext(t.Context(), program, "--config-path", config,
		"--disable-hot-restart", "--concurrency", "2", "--log-level", "warn"))
	go func() {
		for range envoy { // its warnings are of no interest
		}
	}()
	s.awaitEnvoy(t)
	return s
}

// start runs the program until the test ends or stop is called, and returns the lines
// that it writes.
func start(t *testing.T, cmd *exec.Cmd) (lines <-chan string, stop func()) {
	t.Helper()
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		write.Close()
	})
	t.Cleanup(stop)
	out := make(chan string)
	go func() {
		defer close(out)
		for in := bufio.NewScanner(read); in.Scan(); {
			out <- in.Text()
		}
	}()
	return out, stop
}

// await reads lines until address finds one in them, and leaves the rest to address.
func await(t *testing.T, lines <-chan string, address func(line string) string) string {
	t.Helper()
	var seen []string
	for line := range lines {
		seen = append(seen, line)
		if found := address(line); found != "" {
			go func() {
				for line := range lines {
					address(line)
				}
			}()
			return found
		}
	}
	t.Fatalf("the program ended before it served:\n%s", strings.Join(seen, "\n"))
	return ""
}

// freeAddress is one that nobody listens on. The sandbox must know Envoy's before
// there is an Envoy.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func (s *system) awaitEnvoy(t *testing.T) {
	t.Helper()
	eventually(t, "Envoy serves", func() bool {
		res, err := http.Get(s.url + "/openapi.json")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.Tick(20 * time.Millisecond); !holds(); {
		select {
		case <-tick:
		case <-ctx.Done():
			t.Fatalf("never came true: %s", what)
		}
	}
}

// serverLog is the requests that have reached the server, as its log tells them.
type serverLog struct {
	mu       sync.Mutex
	requests []logged
}

type logged struct {
	Msg, Addr, RequestID, Method, Route, OperationID, Code string
	Status                                                 int
}

// take notes a line, and returns the address that it tells.
func (l *serverLog) take(line string) (address string) {
	var entry logged
	if json.Unmarshal([]byte(line), &entry) != nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, entry)
	if entry.Msg == "serving" {
		return entry.Addr
	}
	return ""
}

// find returns the request with this id, if it has reached the server.
func (l *serverLog) find(id string) (logged, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.requests {
		if r.RequestID == id {
			return r, true
		}
	}
	return logged{}, false
}

// await waits for a request that fits, and returns it.
func (l *serverLog) await(t *testing.T, what string, fits func(logged) bool) (found logged) {
	t.Helper()
	eventually(t, "the server logs "+what, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, r := range l.requests {
			if fits(r) {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

// answer is an answer that has been read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// requestID is the one that Envoy has given to the request.
func (a answer) requestID() string { return a.header.Get("X-Request-Id") }

// problem is the problem in the body.
func (a answer) problem(t *testing.T) (p struct{ Code, Instance string }) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the content type of a problem is %q", got)
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Errorf("no problem: %v: %s", err, a.body)
	}
	return p
}

// send sends a request to Envoy from the loopback address from, "" for any. Headers
// are pairs.
func (s *system) send(t *testing.T, from, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	if from != "" {
		transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: res.StatusCode, header: res.Header, body: text}
}
