package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

const (
	replicaCount  = 3
	stripeKey     = "sk_test_chaos"
	webhookSecret = "whsec_chaos"
)

// prices are what replicas are started with, in turn at random: the price of a
// payment is fixed when it is first created.
var prices = []int64{2000, 2500, 990, 12345}

// programs are the binaries under test.
type programs struct{ server, sandbox string }

func build(t *testing.T) programs {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir,
		"github.com/nestpayments/nestpayments/cmd/nestpayments", "github.com/nestpayments/nestpayments/cmd/stripesandbox")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return programs{server: filepath.Join(dir, "nestpayments"), sandbox: filepath.Join(dir, "stripesandbox")}
}

// system is everything that runs in one round.
type system struct {
	round
	ctx      context.Context
	dir      string
	verdict  *verdict
	logs     *logs
	contract *contract
	stripe   *stripe

	// What clients, replicas and webhooks connect to.
	apiFront, databaseFront, stripeFront *front

	database, sandbox *process
	// realDatabase is the database on the server of TEST_MONGODB_URI, which cannot be
	// killed: instead it is cut off. nil if database is the database.
	realDatabase *mongotest.Server
	replicas     []*replica
	// begun counts the payments that clients have begun.
	begun atomic.Int64
	// glimpse is a payment of somebody, for others to pry into.
	glimpse atomic.Pointer[glimpse]
	// restarts are replicas that are being started again.
	restarts sync.WaitGroup
	// background is all else that goes on beside, until ctx ends.
	background sync.WaitGroup
}

// replica is one of the servers, whichever process it is at the moment.
type replica struct {
	name string

	mu      sync.Mutex
	process *process
}

func newSystem(ctx context.Context, t *testing.T, r round) *system {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	s := &system{
		round: r, ctx: ctx, dir: t.TempDir(), verdict: &verdict{end: cancel}, contract: newContract(t),
		apiFront:      newFront(t, r.source("api", 0), 0),
		databaseFront: newFront(t, r.source("database", 0), 100*time.Millisecond),
		stripeFront:   newFront(t, r.source("stripe", 0), 3*time.Second),
	}
	s.logs = &logs{verdict: s.verdict}
	s.stripe = &stripe{url: "http://" + s.stripeFront.address()}
	t.Cleanup(func() {
		cancel()
		s.restarts.Wait()
		s.background.Wait()
		s.killAll()
	})
	if mongotest.Real() {
		s.realDatabase = mongotest.New(t)
	}
	if err := auth.GenerateKey(s.keyFile()); err != nil {
		t.Fatal(err)
	}
	for i := range replicaCount {
		s.replicas = append(s.replicas, &replica{name: fmt.Sprintf("replica %d", i+1)})
	}
	return s
}

func (s *system) keyFile() string { return filepath.Join(s.dir, "key.pem") }

func (s *system) databaseURL() string {
	if s.realDatabase != nil {
		return strings.Replace(s.realDatabase.URI, s.realDatabase.Address(), s.databaseFront.address(), 1)
	}
	return "mongodb://" + s.databaseFront.address() + "/chaos"
}

// start runs every program.
func (s *system) start() error {
	if s.realDatabase != nil {
		s.databaseFront.add(s.realDatabase.Address())
	} else if err := s.startDatabase(); err != nil {
		return err
	}
	if err := s.startSandbox(); err != nil {
		return err
	}
	for i, r := range s.replicas {
		if err := s.startReplica(r, prices[i%len(prices)]); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) startDatabase() error {
	dir := filepath.Join(s.dir, "database")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p, err := startDatabase(s.ctx, dir, func(line string) { s.logs.add("database", line) })
	if p != nil {
		s.database = p
		s.watch(p)
	}
	if err != nil {
		return err
	}
	s.databaseFront.add(p.address)
	return nil
}

var sandboxReady = regexp.MustCompile(`Stripe sandbox at http://(\S+)`)

func (s *system) startSandbox() error {
	cmd := exec.Command(s.programs.sandbox, "--addr=127.0.0.1:0", "--state="+filepath.Join(s.dir, "stripe.state"))
	cmd.Env = []string{
		"STRIPESANDBOX_SECRET_KEY=" + stripeKey, "STRIPESANDBOX_WEBHOOK_SECRET=" + webhookSecret,
		"STRIPESANDBOX_WEBHOOK_URL=http://" + s.apiFront.address() + "/webhook/stripe",
		"STRIPESANDBOX_SEED=" + strconv.FormatUint(s.round.source("faults", 0).Uint64(), 10),
	}
	p, err := launch("sandbox", cmd, func(line string) string {
		s.logs.add("sandbox", line)
		if found := sandboxReady.FindStringSubmatch(line); found != nil {
			return found[1]
		}
		return ""
	})
	if err != nil {
		return err
	}
	s.sandbox = p
	s.watch(p)
	if err := p.await(s.ctx); err != nil {
		return err
	}
	s.stripeFront.add(p.address)
	return nil
}

// startReplica runs a replica until it serves. It waits for a database that it cannot
// reach.
func (s *system) startReplica(r *replica, price int64) error {
	p, err := s.launchReplica(r.name, price)
	if err != nil {
		return err
	}
	if err := p.await(s.ctx); err != nil {
		p.kill()
		return fmt.Errorf("%w: %s", err, s.logs.last(r.name))
	}
	r.mu.Lock()
	r.process = p
	r.mu.Unlock()
	s.watch(p)
	s.apiFront.add(p.address)
	return nil
}

func (s *system) launchReplica(name string, price int64) (*process, error) {
	cmd := exec.Command(s.programs.server)
	cmd.Env = []string{
		"DATABASE_URL=" + s.databaseURL(), "STRIPE_SECRET_KEY=" + stripeKey, "STRIPE_URL=http://" + s.stripeFront.address(),
		"STRIPE_WEBHOOK_SECRETS=whsec_rolled," + webhookSecret, "SIGNING_KEYS=" + s.keyFile(), "ADDR=127.0.0.1:0",
		"STRIPE_RATE=10000", "RECONCILE_INTERVAL=1s", "SHUTDOWN_NOTICE=0s", "LOG_LEVEL=debug",
		"LOGIN_LIMIT=1000", "SIGN_UP_LIMIT=1000", "UNCONFIRMED_LIMIT=1000", "DECLINE_LIMIT=1000", "REQUEST_LIMIT=1000000",
		fmt.Sprintf("PAYMENT_AMOUNT=%d", price),
	}
	return launch(name, cmd, func(line string) string {
		s.logs.inspect(name, line)
		var event struct{ Msg, Addr string }
		if strings.Contains(line, `"serving"`) && json.Unmarshal([]byte(line), &event) == nil && event.Msg == "serving" {
			return event.Addr
		}
		return ""
	})
}

// watch takes it ill if the program ends before it is told to.
func (s *system) watch(p *process) {
	s.background.Go(func() {
		select {
		case <-p.gone:
			if !p.ended.Load() {
				s.verdict.violate("%s died of itself: %v\n%s", p.name, p.err, s.logs.of(p.name+":"))
			}
		case <-s.ctx.Done():
		}
	})
}

// stopAll stops the replicas as an orchestrator does.
func (s *system) stopAll() {
	var stopping sync.WaitGroup
	for _, r := range s.replicas {
		stopping.Go(func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.process == nil {
				return
			}
			if err := r.process.stop(30 * time.Second); err != nil {
				s.verdict.violate("%s did not stop cleanly: %v\n%s", r.name, err, s.logs.of(r.name+":"))
			}
		})
	}
	stopping.Wait()
}

func (s *system) killAll() {
	for _, r := range s.replicas {
		if r.process != nil {
			r.process.kill()
		}
	}
	for _, p := range []*process{s.database, s.sandbox} {
		if p != nil {
			p.kill()
		}
	}
}
