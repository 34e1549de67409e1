package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nestpayments/nestpayments/gen/client"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// full makes every scenario as long and as large as its mark is meant for.
var full = flag.Bool("full", false, "measure long and at full size")

// TestMain makes this binary what a benchmark needs beside the server: it starts
// itself again, with a role.
func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv(roleVariable); role {
	case "":
		if programs, err = os.MkdirTemp("", "bench-"); err != nil {
			break
		}
		code := m.Run()
		_ = os.RemoveAll(programs)
		os.Exit(code)
	case "reference":
		err = serveReference()
	case "database":
		mongotest.Serve(os.Getenv("BENCH_DATABASE"), sayServing)
	default:
		err = fmt.Errorf("no role is called %s", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// roleVariable names the variable with the role of a process of this binary.
const roleVariable = "BENCH_ROLE"

// launchRole starts this binary in a role and waits until it serves.
func launchRole(b testing.TB, role string, env ...string) *process {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append([]string{roleVariable + "=" + role}, env...)
	return launch(b, cmd)
}

// sayServing tells launch where this process serves.
func sayServing(address string) { fmt.Printf(`{"msg":"serving","addr":%q}`+"\n", address) }

const (
	stripeKey     = "sk_test_bench"
	webhookSecret = "whsec_bench"
	password      = "correct horse battery"
)

// system is the production program with a database and a Stripe sandbox of its own.
type system struct {
	// url is where the API is.
	url    string
	server *process
	// box is the sandbox, in this process, and boxURL where the server calls it.
	box    *sandbox.Sandbox
	boxURL string
	// dir holds the database, if that is a file.
	dir string

	users atomic.Int64
}

// startSystem starts a system on the database at databaseURL, or on a new SQLite file
// if that is "". env is added to the program's environment. It ends with b.
func startSystem(b testing.TB, databaseURL string, env ...string) *system {
	b.Helper()
	s := &system{dir: b.TempDir()}
	box, err := sandbox.New(sandbox.Config{SecretKeys: []string{stripeKey}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = box.Close() })
	web := httptest.NewServer(box)
	b.Cleanup(web.Close)
	s.box, s.boxURL = box, web.URL
	if databaseURL == "" {
		databaseURL = "sqlite:" + filepath.Join(s.dir, "bench.db")
	}
	s.server = startServer(b, databaseURL, s.boxURL, env...)
	s.url = "http://" + s.server.address
	return s
}

// restart puts a new process of the program in the place of the one that there was, on
// the same database, which must be the SQLite file of the system.
func (s *system) restart(b testing.TB, stripeURL string, env ...string) {
	b.Helper()
	s.server.stop(b)
	s.server = startServer(b, "sqlite:"+filepath.Join(s.dir, "bench.db"), stripeURL, env...)
	s.url = "http://" + s.server.address
}

// startServer starts the production program and waits until it serves. No limit
// stands in the way of a load that comes from one address.
func startServer(b testing.TB, databaseURL, stripeURL string, env ...string) *process {
	b.Helper()
	program, keyFile := built(b)
	cmd := exec.Command(program)
	cmd.Env = append([]string{
		"ADDR=127.0.0.1:0", "DATABASE_URL=" + databaseURL, "SIGNING_KEYS=" + keyFile,
		"STRIPE_SECRET_KEY=" + stripeKey, "STRIPE_URL=" + stripeURL, "STRIPE_RATE=100000",
		"STRIPE_WEBHOOK_SECRETS=" + webhookSecret, "SHUTDOWN_NOTICE=0s",
		"LOGIN_LIMIT=1000", "SIGN_UP_LIMIT=1000000", "UNCONFIRMED_LIMIT=1000000", "DECLINE_LIMIT=1000000", "REQUEST_LIMIT=1000000000",
	}, env...)
	return launch(b, cmd)
}

// programs is the folder of what is built, which TestMain makes.
var programs string

// build makes the program as it is shipped, and a signing key.
var build = sync.OnceValues(func() (program string, err error) {
	program = filepath.Join(programs, "nestpayments")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-tags=grpcnotrace", "-o", program,
		"github.com/nestpayments/nestpayments/cmd/nestpayments")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, auth.GenerateKey(filepath.Join(programs, "key.pem"))
})

func built(b testing.TB) (program, keyFile string) {
	b.Helper()
	program, err := build()
	if err != nil {
		b.Fatal(err)
	}
	return program, filepath.Join(programs, "key.pem")
}

// process is a program that serves.
type process struct {
	cmd     *exec.Cmd
	address string
	gone    chan struct{}
	err     error
}

// launch starts a program that logs JSON lines, waits for the line that says where it
// serves, and ends it with b.
func launch(b testing.TB, cmd *exec.Cmd) *process {
	b.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{cmd: cmd, gone: make(chan struct{})}
	lines := bufio.NewReader(out)
	var said strings.Builder
	for p.address == "" {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			b.Fatalf("%s does not serve: %v\n%s", cmd.Path, errors.Join(err, cmd.Wait()), &said)
		}
		var event struct{ Msg, Addr string }
		if json.Unmarshal([]byte(line), &event) == nil && event.Msg == "serving" {
			p.address = event.Addr
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		p.err = cmd.Wait()
		close(p.gone)
	}()
	b.Cleanup(func() { p.stop(b) })
	return p
}

// stop ends the program as an orchestrator does. Stopping it twice is harmless.
func (p *process) stop(b testing.TB) {
	b.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // one that is gone needs none
	select {
	case <-p.gone:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
		return // a role has nothing to end
	}
	if p.err != nil {
		b.Errorf("%s: %v", p.cmd.Path, p.err)
	}
}

// account is a user who is logged in.
type account struct{ id, email, token string }

// register makes a user, who is logged in by that.
func (s *system) register(b testing.TB) account {
	b.Helper()
	return registerAt(b, s.url, fmt.Sprintf("user%d@example.com", s.users.Add(1)))
}

func registerAt(b testing.TB, url, email string) account {
	b.Helper()
	api, err := client.NewClientWithResponses(url)
	if err != nil {
		b.Fatal(err)
	}
	grant, err := api.UserControllerRegisterWithResponse(b.Context(), client.CreateUserDto{UserName: "A", Email: email, Password: password})
	if err != nil || grant.JSON201 == nil {
		b.Fatalf("register: %v, status %d: %s", err, grant.StatusCode(), grant.Body)
	}
	a := account{email: email, token: grant.JSON201.AccessToken}
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(a.token, &claims); err != nil {
		b.Fatal(err)
	}
	a.id = claims.Subject
	return a
}

func (a account) authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", "Bearer "+a.token)
	return nil
}

// pay creates a payment and confirms it.
func (a account) pay(b testing.TB, url, cuid string) (intentID string) {
	b.Helper()
	api, err := client.NewClientWithResponses(url, client.WithRequestEditorFn(a.authorize))
	if err != nil {
		b.Fatal(err)
	}
	created, err := api.PaymentControllerCreatePaymentWithResponse(b.Context(), client.CreatePaymentDto{CUID: cuid})
	if err != nil || created.JSON201 == nil {
		b.Fatalf("create: %v, status %d: %s", err, created.StatusCode(), created.Body)
	}
	done, err := api.PaymentControllerConfirmPaymentWithResponse(b.Context(), client.ConfirmPaymentDto{
		CUID: cuid, PaymentID: created.JSON201.ID, PaymentMethodID: "pm_card_visa",
	})
	if err != nil || done.JSON201 == nil {
		b.Fatalf("confirm: %v, status %d: %s", err, done.StatusCode(), done.Body)
	}
	return created.JSON201.ID
}
