package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/sqlite"
)

// BenchmarkLight measures what the process takes of a machine beside time.
func BenchmarkLight(b *testing.B) {
	b.Run("memory", lightMemory)
	b.Run("ready", lightReady)
	b.Run("binary", lightBinary)
	b.Run("goroutines", lightGoroutines)
}

// lightMemory holds a thousand connections open, of which eight are reading at any
// time, each in its turn. MiB is the most that was ever resident, in a process that has
// hashed nothing. Then 64 clients log in without pause as well: storm-MiB is the most
// that was resident by then, and hashes how many ran at once, which take 19 MiB each
// and leave as much to be collected. settled-MiB is some time after. KiB/connection is
// what heap and stacks grow by for each.
func lightMemory(b *testing.B) {
	operator := freeAddress(b)
	storm := loginStorm(b, 64)
	s := storm.system
	a := s.register(b)
	s.restart(b, s.boxURL, "OPERATOR_ADDR="+operator)
	request := encode("GET", "/user/"+a.id, a.token, "")
	const connections = 1000
	rounds, after := 5, 5*time.Second
	if *full {
		rounds, after = 30, time.Minute
	}
	for b.Loop() {
		before := collected(b, operator)
		held := newLoad(b, s.server.address, connections, func(int64) []byte { return request })
		held.round(b, 8)
		each := (collected(b, operator) - before) / connections
		for range 4 * rounds {
			held.round(b, 8)
		}
		b.ReportMetric(resident(b, s.server, "VmHWM"), "MiB")
		storm.start(b)
		hashes := 0.0
		for range rounds {
			held.round(b, 8)
			hashes = max(hashes, gauge(b, operator, "nestpayments_password_hashes_running"))
		}
		storm.stop(b)
		b.ReportMetric(resident(b, s.server, "VmHWM"), "storm-MiB")
		b.ReportMetric(hashes, "hashes")
		time.Sleep(after)
		b.ReportMetric(resident(b, s.server, "VmRSS"), "settled-MiB")
		b.ReportMetric(each/1024, "KiB/connection")
		b.ReportMetric(float64(storm.done.Load())/storm.took.Seconds(), "logins/s")
	}
	b.ReportMetric(0, "ns/op")
}

// round sends one request over each connection, so many at a time.
func (l *load) round(b testing.TB, atOnce int) {
	b.Helper()
	var busy sync.WaitGroup
	for first := range atOnce {
		busy.Go(func() {
			for i := first; i < len(l.wires); i += atOnce {
				if status, body, err := l.wires[i].do(l.next(l.sent.Add(1))); err != nil || status >= 300 {
					b.Errorf("status %d, %v: %s", status, err, body)
					return
				}
			}
		})
	}
	busy.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// lightReady is the median time from the start of the program to its first 200 of
// /readyz, on a database that has been in use. cpu-ms is the median CPU time that a
// start and a stop take, which a busy machine does not change.
func lightReady(b *testing.B) {
	rows, starts := 20_000, 7
	if *full {
		rows, starts = 500_000, 31
	}
	path := filepath.Join(b.TempDir(), "bench.db")
	fill(b, path, rows)
	built(b) // is no part of a start
	for b.Loop() {
		var took, used []time.Duration
		for range starts {
			begin := time.Now()
			p := startServer(b, "sqlite:"+path, "http://127.0.0.1:1")
			w := mustDial(b, p.address)
			for status := 0; status != 200; {
				var err error
				if status, _, err = w.do(encode("GET", "/readyz", "", "")); err != nil {
					b.Fatal(err)
				}
			}
			took = append(took, time.Since(begin))
			p.stop(b)
			used = append(used, p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime())
		}
		b.ReportMetric(milliseconds(percentile(took, 0.5)), "ms")
		b.ReportMetric(milliseconds(percentile(used, 0.5)), "cpu-ms")
		b.ReportMetric(milliseconds(percentile(took, 1)), "worst-ms")
		b.ReportMetric(float64(2*rows), "rows")
	}
	b.ReportMetric(0, "ns/op")
}

// fill makes a database of so many users and as many payments.
func fill(b testing.TB, path string, n int) {
	b.Helper()
	db, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	for made := 0; made < n; {
		var users []*store.User
		var payments []*store.Payment
		for ; len(users) < store.MaxPage && made < n; made++ {
			at := time.Now().UTC().Truncate(time.Millisecond)
			u := &store.User{
				ID: store.NewID(at), Name: "A", Email: fmt.Sprintf("row%d@example.com", made),
				EmailKey: fmt.Sprintf("row%d@example.com", made), CreatedAt: at, UpdatedAt: at, Version: 1,
			}
			users = append(users, u)
			payments = append(payments, &store.Payment{
				ID: store.NewID(at), UserID: u.ID, CUID: "c", CustomerID: fmt.Sprint("cus_", made), IntentID: fmt.Sprint("pi_", made),
				Amount: 2000, Currency: "usd", Status: "succeeded", CreatedAt: at, UpdatedAt: at, Version: 1,
			})
		}
		if err := errors.Join(db.MoveUsers(b.Context(), users), db.MovePayments(b.Context(), payments)); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// lightBinary is the size of the program as it is shipped.
func lightBinary(b *testing.B) {
	program, _ := built(b)
	for b.Loop() {
		info, err := os.Stat(program)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/1e6, "MB")
	}
	b.ReportMetric(0, "ns/op")
}

// lightGoroutines counts what is left, some time after every connection is closed, of
// reads, of logins that were cut off, and of payments that were cut off while Stripe
// hung.
func lightGoroutines(b *testing.B) {
	operator := freeAddress(b)
	payments := hangingStorm(b, "OPERATOR_ADDR="+operator)
	s := payments.system
	a := s.register(b)
	logins := newStorm(s, loginsTo(a), 201, 503)
	request := encode("GET", "/user/"+a.id, a.token, "")
	round := func() {
		reads := newLoad(b, s.server.address, 200, func(int64) []byte { return request })
		reads.round(b, len(reads.wires))
		logins.start(b)
		payments.start(b)
		time.Sleep(settling)
		logins.stop(b)
		payments.stop(b)
		for _, w := range reads.wires {
			_ = w.conn.Close()
		}
	}
	// least is the lowest count in a while: the reconciler's and the database's
	// come and go.
	least := func(within time.Duration, until func(int) bool) (n int) {
		n = 1 << 30
		for deadline := time.Now().Add(within); time.Now().Before(deadline) && !until(n); time.Sleep(settling) {
			n = min(n, goroutines(b, operator))
		}
		return n
	}
	rounds := 3
	if *full {
		rounds = 20
	}
	// What was cut off is given up within 40 s. Its connection to Stripe is then kept for
	// the next call, with two goroutines, and closed after 90 s without one.
	const longest = 150 * time.Second
	for b.Loop() {
		round() // what is made once and kept, such as pools, is no leak
		before := least(5*time.Second, func(int) bool { return false })
		for range rounds {
			round()
		}
		after := least(longest, func(n int) bool { return n <= before })
		b.ReportMetric(float64(after-before), "left")
		b.ReportMetric(float64(before), "before")
	}
	b.ReportMetric(0, "ns/op")
}

// loginsTo is the requests of 64 clients of one account.
func loginsTo(a account) []func(int64) []byte {
	next, request := make([]func(int64) []byte, 64), login(a)
	for i := range next {
		next[i] = func(int64) []byte { return request }
	}
	return next
}

// freeAddress is one that nobody listens on.
func freeAddress(b testing.TB) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// resident is what a line of the process's status says, in MiB: VmRSS is resident now,
// VmHWM the most that ever was.
func resident(b testing.TB, p *process, line string) float64 {
	b.Helper()
	return number(b, fileText(b, fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)), line+`:\s+`) / 1024
}

// collected is the octets of heap and stacks in use once garbage has been collected.
func collected(b testing.TB, operator string) float64 {
	b.Helper()
	operatorText(b, operator, "/debug/pprof/heap?gc=1")
	text := operatorText(b, operator, "/metrics")
	return number(b, text, `(?m)^go_memstats_heap_alloc_bytes `) + number(b, text, `(?m)^go_memstats_stack_inuse_bytes `)
}

// goroutines is how many the server has now.
func goroutines(b testing.TB, operator string) int {
	b.Helper()
	return int(gauge(b, operator, "go_goroutines"))
}

func gauge(b testing.TB, operator, name string) float64 {
	b.Helper()
	return number(b, operatorText(b, operator, "/metrics"), `(?m)^`+name+` `)
}

func operatorText(b testing.TB, operator, path string) string {
	b.Helper()
	response, err := http.Get("http://" + operator + path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s, %v", path, response.Status, err)
	}
	return string(body)
}

func fileText(b testing.TB, path string) string {
	b.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// number is the one behind what the pattern matches.
func number(b testing.TB, text, pattern string) float64 {
	b.Helper()
	match := regexp.MustCompile(pattern + `([0-9.e+-]+)`).FindStringSubmatch(text)
	if match == nil {
		b.Fatalf("nothing matches %s", pattern)
	}
	n, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}
