package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// apart is a system of which every part is a process of its own, so that each can be
// told its share of the machine's time, and the load does nothing but load.
type apart struct {
	servers []*process
	// operators is where each server answers /metrics.
	operators []string
	sandbox   *exec.Cmd
	// database is nil if the servers have a SQLite file in common.
	database *process
	webhooks bool

	accounts []account
	// names makes cuids that no other request has.
	names atomic.Int64
}

// startApart starts servers on one database of a kind, sqlite or mongo. With webhooks,
// the sandbox tells the first server what happens, as a balancer would one of them;
// the reconciler then works as it does in production, and else not at all, so that
// what is counted is of requests alone.
func startApart(b testing.TB, kind string, servers int, webhooks bool) *apart {
	b.Helper()
	a := &apart{webhooks: webhooks}
	databaseURL := "sqlite:" + filepath.Join(b.TempDir(), "bench.db")
	if kind == "mongo" {
		dir := b.TempDir()
		a.database = launchRole(b, "database", "BENCH_DATABASE="+dir)
		databaseURL = "mongodb://" + a.database.address + "/bench"
	}
	first := freeAddress(b)
	webhookURL := ""
	if webhooks {
		webhookURL = "http://" + first + "/webhook/stripe"
	}
	stripeURL := a.startSandbox(b, webhookURL)
	for i := range servers {
		operator := freeAddress(b)
		env := []string{"OPERATOR_ADDR=" + operator}
		if i == 0 {
			env = append(env, "ADDR="+first)
		}
		if !webhooks {
			env = append(env, "RECONCILE_INTERVAL=24h")
		}
		a.servers = append(a.servers, startServer(b, databaseURL, stripeURL, env...))
		a.operators = append(a.operators, "http://"+operator+"/metrics")
	}
	for i := range 4 {
		me := registerAt(b, "http://"+first, fmt.Sprintf("apart%d@example.com", i))
		me.pay(b, "http://"+first, "first") // which makes the customer
		a.accounts = append(a.accounts, me)
	}
	return a
}

// buildSandbox makes the sandbox's own program.
var buildSandbox = sync.OnceValues(func() (program string, err error) {
	program = filepath.Join(programs, "stripesandbox")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/nestpayments/nestpayments/cmd/stripesandbox").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// startSandbox returns the URL of a sandbox that sends its webhooks to webhookURL, or
// nowhere if that is "".
func (a *apart) startSandbox(b testing.TB, webhookURL string) string {
	b.Helper()
	program, err := buildSandbox()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program, "--addr=127.0.0.1:0", "--webhook-url="+webhookURL)
	cmd.Env = []string{"STRIPESANDBOX_SECRET_KEY=" + stripeKey, "STRIPESANDBOX_WEBHOOK_SECRET=" + webhookSecret}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), " at ")
	if err != nil || !ok {
		b.Fatalf("the sandbox says %q, %v", line, err)
	}
	a.sandbox = cmd
	return url
}

// wires are connections to the first servers, as many to each.
func (a *apart) wires(b testing.TB, servers, connections int) []*wire {
	b.Helper()
	var wires []*wire
	for i := range connections {
		w, err := dial(a.servers[i%servers].address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = w.conn.Close() })
		wires = append(wires, w)
	}
	return wires
}

// burst does n things over the wires at once and returns how long they took.
func burst(b testing.TB, wires []*wire, n int, do func(w *wire, i int) error) time.Duration {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for _, w := range wires {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(w, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return time.Since(began)
}

// send returns the answer to a request that has to succeed. It is valid until the next.
func (w *wire) send(request []byte) ([]byte, error) {
	status, body, err := w.do(request)
	if err == nil && status >= 300 {
		err = fmt.Errorf("status %d: %s", status, body)
	}
	return body, err
}

// made is a payment that can be confirmed.
type made struct {
	account  account
	cuid, id string
}

// create makes a payment that is new.
func (a *apart) create(w *wire) (made, error) {
	n := a.names.Add(1)
	m := made{account: a.accounts[int(n)%len(a.accounts)], cuid: "apart-" + strconv.FormatInt(n, 10)}
	answer, err := w.send(encode("POST", "/payment", m.account.token, `{"cuid":"`+m.cuid+`"}`))
	if err != nil {
		return m, err
	}
	var dto struct{ ID string }
	err = json.Unmarshal(answer, &dto)
	m.id = dto.ID
	return m, err
}

func (m made) confirm(w *wire) error {
	_, err := w.send(encode("POST", "/payment/confirm", m.account.token,
		`{"cuid":"`+m.cuid+`","paymentId":"`+m.id+`","paymentMethodId":"pm_card_visa"}`))
	return err
}

// work is what the servers have asked of others so far, counted by themselves.
type work struct{ reads, writes, stripe, webhooks int }

func (a *apart) work(b testing.TB) (sum work) {
	b.Helper()
	for _, url := range a.operators {
		res, err := http.Get(url)
		if err != nil {
			b.Fatal(err)
		}
		page, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			b.Fatal(err)
		}
		if err := sum.add(page); err != nil {
			b.Fatal(err)
		}
	}
	return sum
}

// writing are the beginnings of the names of the store's calls that write.
var writing = []string{"insert_", "update_", "delete_", "acquire_", "save_", "release_", "count_", "forget_", "prune_"}

// add counts what is on a page of metrics.
func (w *work) add(page []byte) error {
	for line := range bytes.Lines(page) {
		name, number, ok := strings.Cut(strings.TrimSpace(string(line)), "} ")
		if !ok {
			continue
		}
		name, labels, _ := strings.Cut(name, "{")
		var counted *int
		switch name {
		case "nestpayments_store_call_duration_seconds_count":
			counted = &w.reads
			for _, beginning := range writing {
				if strings.HasPrefix(labels, `call="`+beginning) {
					counted = &w.writes
				}
			}
		case "nestpayments_stripe_attempts_total":
			counted = &w.stripe
		case "nestpayments_webhook_events_total":
			counted = &w.webhooks
		default:
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("metric %s: %w", name, err)
		}
		*counted += n
	}
	return nil
}

func (w work) since(before work) work {
	return work{w.reads - before.reads, w.writes - before.writes, w.stripe - before.stripe, w.webhooks - before.webhooks}
}

// settle waits until no webhook is on its way any more.
func (a *apart) settle(b testing.TB) {
	b.Helper()
	for deadline := time.Now().Add(2 * time.Minute); a.webhooks; {
		before := a.work(b)
		time.Sleep(time.Second / 2)
		if a.work(b).webhooks == before.webhooks {
			return
		}
		if time.Now().After(deadline) {
			b.Fatal("webhooks find no end")
		}
	}
}

// spent is the processor time that each part has used so far.
type spent struct{ server, database, sandbox, load time.Duration }

func (a *apart) spent(b testing.TB) spent {
	b.Helper()
	s := spent{sandbox: processorTime(b, a.sandbox.Process.Pid), load: processorTime(b, os.Getpid())}
	for _, p := range a.servers {
		s.server += processorTime(b, p.cmd.Process.Pid)
	}
	if a.database != nil {
		s.database = processorTime(b, a.database.cmd.Process.Pid)
	}
	return s
}

func (s spent) since(before spent) spent {
	return spent{s.server - before.server, s.database - before.database, s.sandbox - before.sandbox, s.load - before.load}
}

// processorTime is what a process has used, in user and in system mode, 0 where the
// system does not tell as Linux does.
// Source: proc_pid_stat(5); a tick is a hundredth of a second to every program.
func processorTime(b testing.TB, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		b.Fatal(err)
	}
	// The second field is a name in parentheses, which may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// reportSpent reports the processor time for each of n operations.
func reportSpent(b *testing.B, prefix string, s spent, n int) {
	b.Helper()
	for _, part := range []struct {
		name string
		time time.Duration
	}{{"server", s.server}, {"database", s.database}, {"sandbox", s.sandbox}, {"load", s.load}} {
		if part.time > 0 {
			b.ReportMetric(float64(part.time.Microseconds())/float64(n), prefix+part.name+"-cpu-us/op")
		}
	}
}
