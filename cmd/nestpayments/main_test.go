package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/gen/client"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// TestMain makes the test binary the real program when a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("BE_NESTPAYMENTS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// realProgram is the real program with only this environment.
func realProgram(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(env, "BE_NESTPAYMENTS=1")
	return cmd
}

func TestRefusesToStartAndNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	out, err := realProgram(t, nil).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == 0 {
		t.Errorf("got %v, want an exit status that is not zero", err)
	}
	for _, name := range []string{"DATABASE_URL", "STRIPE_SECRET_KEY", "SIGNING_KEYS"} {
		if !strings.Contains(string(out), name+" is missing") {
			t.Errorf("the message does not name %s:\n%s", name, out)
		}
	}
}

func TestFaultyConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	if err := auth.GenerateKey(key); err != nil {
		t.Fatal(err)
	}
	noPEM := filepath.Join(dir, "no.pem")
	if err := os.WriteFile(noPEM, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := []string{"serve", "--database-url", "sqlite:" + filepath.Join(dir, "x.db"), "--stripe-secret-key", "sk_test_x", "--signing-keys", key, "--addr", "127.0.0.1:0"}
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"a scheme that is not supported", []string{"--database-url", "postgres://user:hunter2@host/db"}, "must start with sqlite:, mongodb://"},
		{"SQLite without a path", []string{"--database-url", "sqlite:"}, "names no file"},
		{"a folder that does not exist", []string{"--database-url", "sqlite:" + dir + "/no/x.db"}, "folder must exist"},
		{"a key file that is not there", []string{"--signing-keys", dir + "/none.pem"}, "neither an existing file nor a PEM text"},
		{"a key file without a key", []string{"--signing-keys", noPEM}, "no.pem"},
		{"a currency that is none", []string{"--currency", "dollars"}, "three lower-case letters"},
		{"a negative amount", []string{"--amount=-1"}, "--amount is -1: it must be 1 or more"},
		{"a webhook secret that is none", []string{"--stripe-webhook-secrets", "hunter2"}, "webhook signing secret"},
		{"an address that cannot be", []string{"--addr", "127.0.0.1:99999"}, "a port of 0 to 65535"},
		{"an unknown flag", []string{"--no-such-flag"}, "unknown flag"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := run(ctx, append(good[:len(good):len(good)], tc.args...), io.Discard)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to say %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message holds a secret: %v", err)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"admin", "--help"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		if !strings.Contains(out.String(), "Usage: nestpayments") {
			t.Errorf("%v: no usage:\n%s", args, &out)
		}
	}
}

// system is a configuration that works, with a Stripe sandbox.
type system struct {
	args []string
	done chan error
	stop context.CancelFunc
	// url is where the API is, operator the address of the metrics, if asked for.
	url, operator string
}

// newSystem has a database on the server of TEST_MONGODB_URI, or an SQLite file.
func newSystem(t *testing.T) *system {
	t.Helper()
	if mongotest.Real() {
		return newSystemOn(t, mongotest.Start(t))
	}
	return newSystemOn(t, "sqlite:"+filepath.Join(t.TempDir(), "data.db"))
}

func newSystemOn(t *testing.T, databaseURL string) *system {
	t.Helper()
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	if err := auth.GenerateKey(key); err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	stripe := httptest.NewServer(box)
	t.Cleanup(stripe.Close)
	return &system{args: []string{
		"--database-url", databaseURL, "--signing-keys", key,
		"--stripe-secret-key", box.SecretKey(), "--stripe-url", stripe.URL, "--addr", "127.0.0.1:0",
		"--shutdown-notice", "0s",
	}}
}

// start runs the program in this process until the test or stop ends it.
func (s *system) start(t *testing.T, args ...string) {
	t.Helper()
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	s.stop, s.done = cancel, make(chan error, 1)
	go func() {
		err := run(ctx, append(append([]string{"serve"}, s.args...), args...), w)
		w.CloseWithError(err)
		s.done <- err
	}()
	addrs := serving(t, r)
	s.url, s.operator = "http://"+addrs["serving"], addrs["serving the operator"]
	t.Cleanup(cancel)
}

// serving reads the log until the program serves, and returns the address in each
// message that has one. It drains the rest in the background.
func serving(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	addrs := map[string]string{}
	dec := json.NewDecoder(r)
	for addrs["serving"] == "" {
		var line struct{ Msg, Addr string }
		if err := dec.Decode(&line); err != nil {
			t.Fatalf("the program ended before it served: %v", err)
		}
		addrs[line.Msg] = line.Addr
	}
	go func() { _, _ = io.Copy(io.Discard, io.MultiReader(dec.Buffered(), r)) }()
	return addrs
}

// The published flow through the generated client, on the production program.
func TestServe(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.start(t)
	c, err := client.NewClientWithResponses(s.url)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	registered, err := c.UserControllerRegisterWithResponse(ctx, client.CreateUserDto{UserName: "Ada", Email: "ada@example.com", Password: "correct horse"})
	if err != nil || registered.JSON201 == nil {
		t.Fatalf("register: %v, %v", registered, err)
	}
	bearer := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+registered.JSON201.AccessToken)
		return nil
	}
	created, err := c.PaymentControllerCreatePaymentWithResponse(ctx, client.CreatePaymentDto{CUID: "c1"}, bearer)
	if err != nil || created.JSON201 == nil {
		t.Fatalf("create: %v, %v", created, err)
	}
	declined, err := c.PaymentControllerConfirmPaymentWithResponse(ctx, client.ConfirmPaymentDto{
		CUID: "c1", PaymentID: created.JSON201.ID, PaymentMethodID: "pm_card_visa_chargeDeclinedInsufficientFunds",
	}, bearer)
	if err != nil || declined.ApplicationProblemJSON402 == nil || *declined.ApplicationProblemJSON402.DeclineCode != "insufficient_funds" {
		t.Fatalf("decline: %v, %v", declined, err)
	}
	confirmed, err := c.PaymentControllerConfirmPaymentWithResponse(ctx, client.ConfirmPaymentDto{
		CUID: "c1", PaymentID: created.JSON201.ID, PaymentMethodID: "pm_card_visa",
	}, bearer)
	if err != nil || confirmed.JSON201 == nil || confirmed.JSON201.Status != "succeeded" {
		t.Fatalf("confirm: %v, %v", confirmed, err)
	}
	s.stop()
	if err := <-s.done; err != nil {
		t.Errorf("the stop was not clean: %v", err)
	}

	// A new start finds everything still there, the token included.
	s.start(t)
	c, err = client.NewClientWithResponses(s.url)
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.PaymentControllerGetPaymentsWithResponse(ctx, nil, bearer)
	if err != nil || list.JSON200 == nil || len(*list.JSON200) != 1 || (*list.JSON200)[0] != *confirmed.JSON201 {
		t.Errorf("after the restart: %+v, %v", list, err)
	}
}

func TestKeyCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := run(t.Context(), []string{"key", file}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadKeys(file); err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), []string{"key", file}, io.Discard); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v, want it refused", err)
	}
}

func TestAdminCommands(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.start(t)
	register(t, s.url, "ada@example.com")
	admin := func(args ...string) (string, error) { return admin(t, s.args[1], args...) }
	if _, err := admin("grant", "nobody@example.com"); err == nil || !strings.Contains(err.Error(), "register it first") {
		t.Errorf("granting to nobody: %v", err)
	}
	if out, err := admin("grant", "ADA@example.com"); err != nil || !strings.Contains(out, "admin true") {
		t.Errorf("grant: %q, %v", out, err)
	}
	if out, err := admin("list"); err != nil || !strings.Contains(out, "ada@example.com") {
		t.Errorf("list: %q, %v", out, err)
	}
	if out, err := admin("revoke", "ada@example.com"); err != nil || !strings.Contains(out, "admin false") {
		t.Errorf("revoke: %q, %v", out, err)
	}
	if out, err := admin("list"); err != nil || strings.Contains(out, "ada@example.com") {
		t.Errorf("list after revoke: %q, %v", out, err)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.start(t, "--operator-addr", "127.0.0.1:0")
	res, err := http.Get("http://" + s.operator + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(text), "\nnestpayments_reconciler_lag_seconds ") ||
		!strings.Contains(string(text), "\nnestpayments_reconciler_refused_total{item=\"customer\"} 0\n") {
		t.Errorf("the metrics are %v\n%s", err, text)
	}
	for path, want := range map[string]int{
		"/debug/pprof/heap": 200, "/debug/pprof/": 200,
		"/debug/pprof/cmdline": 404, // a flag may hold a secret
		"/user":                404,
	} {
		res, err := http.Get("http://" + s.operator + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, res.StatusCode, want)
		}
	}
	taken := newSystem(t)
	err = run(t.Context(), append([]string{"serve", "--operator-addr", s.operator}, taken.args...), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "listen for the operator") {
		t.Errorf("on an address that is taken: %v", err)
	}
}

// SIGTERM in the middle of requests: new ones are turned away, those under way
// are answered, and the process ends with status 0.
func TestSIGTERMDrains(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	cmd := realProgram(t, nil, append([]string{"serve"}, s.args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr := serving(t, stdout)["serving"]
	underWay := make([]net.Conn, 8)
	for i := range underWay {
		underWay[i] = halfRequest(t, addr, registration(i))
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server goes on taking connections")
		}
	}
	for i, conn := range underWay {
		if _, err := io.WriteString(conn, registration(i)); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != http.StatusCreated {
			t.Errorf("a request under way got %v, %v", res, err)
		}
		conn.Close()
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func registration(i int) string {
	return fmt.Sprintf(`{"userName":"Ada","email":"ada%d@example.com","password":"correct horse"}`, i)
}

// halfRequest sends the head of a registration and returns once its handler waits
// for the body.
func halfRequest(t *testing.T, addr, body string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /user/register HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", addr, len(body))
	want := "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want the handler to ask for the body", got, err)
	}
	return conn
}

// register registers a user.
func register(t *testing.T, url, email string) {
	t.Helper()
	body := fmt.Sprintf(`{"userName":"Ada","email":%q,"password":"correct horse"}`, email)
	res, err := http.Post(url+"/user/register", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("register: status %d", res.StatusCode)
	}
}
