package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// dev is a nestdev that runs in this process.
type dev struct {
	url, sandbox, admin string
	stop                context.CancelFunc
	done                chan error
	out                 *syncBuffer
}

var printed = regexp.MustCompile(`(?s)API +(\S+).*Sandbox +(\S+).*password: (\S+)`)

// startDev starts nestdev on free ports and waits for its welcome.
func startDev(t *testing.T, dataDir string) *dev {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	d := &dev{stop: cancel, done: make(chan error, 1)}
	t.Cleanup(cancel)
	out := &syncBuffer{}
	d.out = out
	go func() {
		d.done <- run(ctx, []string{"--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0", "--data-dir", dataDir}, out)
	}()
	deadline := time.Now().Add(30 * time.Second)
	for {
		if m := printed.FindStringSubmatch(out.String()); m != nil {
			d.url, d.sandbox, d.admin = m[1], m[2], m[3]
			return d
		}
		select {
		case err := <-d.done:
			t.Fatalf("nestdev ended: %v\n%s", err, out)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("no welcome:\n%s", out)
		}
	}
}

func (d *dev) end(t *testing.T) {
	t.Helper()
	d.stop()
	if err := <-d.done; err != nil {
		t.Errorf("the stop was not clean: %v", err)
	}
}

// call sends JSON and returns the answer.
func (d *dev) call(t *testing.T, method, path, token, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if bytes.HasPrefix(text, []byte("{")) {
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatalf("%s %s: %s", method, path, text)
		}
	}
	return res.StatusCode, o
}

func (d *dev) login(t *testing.T, email, password string) string {
	t.Helper()
	status, o := d.call(t, "POST", "/user/login", "", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
	if status != http.StatusCreated {
		t.Fatalf("login: status %d: %v", status, o)
	}
	return o["access_token"].(string)
}

// Stopped and started again, everything is still there: users, payments, what
// Stripe knows, and the keys that signed the tokens.
func TestEverythingIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	d := startDev(t, dir)
	admin := d.admin
	_, o := d.call(t, "POST", "/user/register", "", `{"userName":"Ada","email":"ada@example.com","password":"correct horse"}`)
	token := o["access_token"].(string)
	_, created := d.call(t, "POST", "/payment", token, `{"cuid":"c1"}`)
	confirm := fmt.Sprintf(`{"cuid":"c1","paymentId":%q,"paymentMethodId":"pm_card_threeDSecure2Required"}`, created["id"])
	if status, o := d.call(t, "POST", "/payment/confirm", token, confirm); status != http.StatusCreated || o["status"] != "requires_action" {
		t.Fatalf("confirm: %d, %v", status, o)
	}
	d.end(t)

	d = startDev(t, dir)
	if d.admin != admin {
		t.Error("the admin has another password")
	}
	if status, o := d.call(t, "POST", "/payment", token, `{"cuid":"c1"}`); status != http.StatusCreated || o["clientSecret"] != created["clientSecret"] {
		t.Errorf("the same cuid after the restart: %d, %v, want %v", status, o, created)
	}
	// The challenge is still open at Stripe, and its webhook finds the server at
	// its new address.
	res, err := http.Post(fmt.Sprintf("%s/_sandbox/payment_intents/%s/challenge", d.sandbox, created["id"]), "application/json", strings.NewReader(`{"outcome":"pass"}`))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("challenge: %v, %v", res, err)
	}
	res.Body.Close()
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, o := d.call(t, "GET", fmt.Sprint("/payment/", created["id"]), token, "")
		if o["status"] == "succeeded" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the payment is %v, want it to succeed", o)
		}
	}
	d.end(t)
}

func TestAdminSeesEverybody(t *testing.T) {
	t.Parallel()
	d := startDev(t, t.TempDir())
	d.call(t, "POST", "/user/register", "", `{"userName":"Ada","email":"ada@example.com","password":"correct horse"}`)
	r, err := http.NewRequestWithContext(t.Context(), "GET", d.url+"/user", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.login(t, adminEmail, d.admin))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var users []map[string]any
	if err := json.NewDecoder(res.Body).Decode(&users); err != nil || len(users) != 2 {
		t.Errorf("the admin sees %v, %v, want two users", users, err)
	}
	d.end(t)
}

func TestSecondNestdevIsTurnedAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDev(t, dir)
	addr := strings.TrimPrefix(d.url, "http://")
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"on the same folder", []string{"--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0", "--data-dir", dir}, "another nestdev is using it"},
		{"on the same port", []string{"--addr", addr, "--sandbox-addr", "127.0.0.1:0", "--data-dir", t.TempDir()}, "choose another address with --addr"},
		{"on the sandbox's port", []string{"--addr", "127.0.0.1:0", "--sandbox-addr", strings.TrimPrefix(d.sandbox, "http://"), "--data-dir", t.TempDir()}, "choose another address with --sandbox-addr"},
		{"beyond loopback", []string{"--addr", "0.0.0.0:0", "--sandbox-addr", "127.0.0.1:0", "--data-dir", t.TempDir()}, "not a loopback address"},
		{"without a port", []string{"--addr", "127.0.0.1", "--data-dir", t.TempDir()}, "HOST:PORT"},
	} {
		if err := run(t.Context(), tc.args, io.Discard); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want it to say %q", tc.name, err, tc.want)
		}
	}
	d.login(t, adminEmail, d.admin) // the first one goes on undisturbed
	d.end(t)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &out); err != nil || !strings.Contains(out.String(), "--data-dir") {
		t.Errorf("%v\n%s", err, &out)
	}
}

// syncBuffer is a buffer that one goroutine writes and another reads.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Every server of nestdev is for this machine: a site that gives itself a name
// that resolves to 127.0.0.1, or whose pages send requests here, is refused.
func TestForeignSitesAreRefused(t *testing.T) {
	t.Parallel()
	d := startDev(t, filepath.Join(t.TempDir(), "data"))
	for _, base := range []string{d.url, d.sandbox} {
		for _, path := range []string{"GET /docs", "GET /livez", "POST /user/register", "POST /webhook/stripe", "OPTIONS /user", "GET /_sandbox/", "POST /v1/customers"} {
			for name, set := range map[string]func(*http.Request){
				"a rebound name":         func(r *http.Request) { r.Host = "evil.example:8080" },
				"a page of another site": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
			} {
				method, target, _ := strings.Cut(path, " ")
				r, err := http.NewRequestWithContext(t.Context(), method, base+target, nil)
				if err != nil {
					t.Fatal(err)
				}
				set(r)
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != http.StatusForbidden {
					t.Errorf("%s: %s at %s: status %d, want 403", name, path, base, res.StatusCode)
				}
			}
		}
	}
	if res, err := http.Get(strings.Replace(d.url, "127.0.0.1", "localhost", 1) + "/livez"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("under the name localhost: %v, %v, want 200", res, err)
	}
	d.end(t)
}

var printedKey = regexp.MustCompile(`Key +(sk_test_\w{24}) `)

// Each folder has a key of its own.
func TestTheStripeKeyBelongsToTheFolder(t *testing.T) {
	t.Parallel()
	key := func(dir string) string {
		d := startDev(t, dir)
		defer d.end(t)
		m := printedKey.FindStringSubmatch(d.out.String())
		if m == nil {
			t.Fatalf("no key in the welcome:\n%s", d.out)
		}
		return m[1]
	}
	one, other := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "other")
	first := key(one)
	if key(one) != first {
		t.Error("the folder has another key after a restart")
	}
	if key(other) == first {
		t.Error("two folders have the same key")
	}
}

// A shop that is being developed runs on a port of its own.
func TestPagesOfThisMachineMayCallTheAPI(t *testing.T) {
	t.Parallel()
	d := startDev(t, t.TempDir())
	for _, origin := range []string{"http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:8000", "http://shop.localhost"} {
		r, err := http.NewRequestWithContext(t.Context(), "OPTIONS", d.url+"/payment", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Access-Control-Allow-Origin"); res.StatusCode != http.StatusNoContent || got != origin {
			t.Errorf("%s: status %d, allowed origin %q, want 204 and the origin", origin, res.StatusCode, got)
		}
	}
	d.end(t)
}

// A secret in the wrong flag is not printed.
func TestAMessageHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--log-level=sk_live_hunter2"}, {"--log-level=hunter2"}, {"--sk_live_hunter2"}, {"--addr=user:hunter2@host:1"}} {
		err := run(t.Context(), append(args, "--data-dir="+t.TempDir()), io.Discard)
		if err == nil {
			t.Fatalf("%q: got no error", args)
		}
		if got := message(err); strings.Contains(got, "hunter2") {
			t.Errorf("%q prints %s", args, got)
		}
	}
}
