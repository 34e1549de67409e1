package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/gen"
)

// BenchmarkIsolated measures what becomes of the reads of quiet users while others
// keep the server as busy as they can. In turns of a second the readers are alone, or
// beside a storm of clients that never pause. Its figures are the 99th percentiles of
// either, as the median over the turns, so that what another program does in one of
// them falls out, and their ratio: 1 is a server whose readers notice nothing.
// beside-worst-ms is the 99th percentile of the worst turn.
//
// Readers and storm run on the cores of the server: client-cpu-% is what they take of
// all that is used during a storm.
func BenchmarkIsolated(b *testing.B) {
	for _, bench := range []struct {
		name  string
		start func(b *testing.B) *storm
		// done names the metric of the storm's successes.
		done string
	}{
		{"logins", func(b *testing.B) *storm { return loginStorm(b, 64) }, "logins/s"},
		{"logins_of_256", func(b *testing.B) *storm { return loginStorm(b, 256) }, "logins/s"},
		{"stripe_hangs", func(b *testing.B) *storm { return hangingStorm(b) }, "payments/s"},
		{"stripe_given_up", givenUpStorm, "payments/s"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			storm := bench.start(b)
			readers := newReaders(b, storm.system)
			pid := storm.system.server.cmd.Process.Pid
			turns := 5
			if *full {
				turns = 30
			}
			var alone, beside []time.Duration
			var server, all time.Duration
			for b.Loop() {
				for range turns {
					alone = append(alone, percentile(readers.run(b, time.Second), 0.99))
					server0, own0 := processorTime(b, pid), processorTime(b, os.Getpid())
					storm.start(b)
					time.Sleep(settling)
					beside = append(beside, percentile(readers.run(b, time.Second), 0.99))
					storm.stop(b)
					used := processorTime(b, pid) - server0
					server += used
					all += used + processorTime(b, os.Getpid()) - own0
					time.Sleep(settling)
				}
			}
			quiet, loaded := percentile(alone, 0.5), percentile(beside, 0.5)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(milliseconds(quiet), "alone-p99-ms")
			b.ReportMetric(milliseconds(loaded), "beside-p99-ms")
			b.ReportMetric(milliseconds(percentile(beside, 1)), "beside-worst-ms")
			b.ReportMetric(float64(loaded)/float64(quiet), "ratio")
			b.ReportMetric(float64(storm.done.Load())/storm.took.Seconds(), bench.done)
			b.ReportMetric(float64(storm.refused.Load())/storm.took.Seconds(), "refused/s")
			b.ReportMetric(100*float64(all-server)/float64(all), "client-cpu-%")
		})
	}
}

// settling is how long a storm takes to fill the server's queues, and the server to be
// rid of one that was cut off.
const settling = 200 * time.Millisecond

// loginStorm lets every client log in to one of eight accounts. One that is told to
// come back later comes back at once.
func loginStorm(b *testing.B, clients int, env ...string) *storm {
	s := startSystem(b, "", env...)
	var logins [8][]byte
	for i := range logins {
		logins[i] = login(s.register(b))
	}
	next := make([]func(int64) []byte, clients)
	for i := range next {
		next[i] = func(int64) []byte { return logins[i%len(logins)] }
	}
	return newStorm(s, next, 201, 503)
}

func login(a account) []byte {
	return encode("POST", "/user/login", "", fmt.Sprintf(`{"email":%q,"password":%q}`, a.email, password))
}

// hangingStorm lets 64 clients create payments and confirm one that they have, while
// Stripe takes every call and answers none. All of them wait for as long as they may;
// the end of a turn cuts them off.
func hangingStorm(b *testing.B, env ...string) *storm {
	s := startSystem(b, "")
	next := make([]func(int64) []byte, 64)
	for i := range next {
		a := s.register(b)
		cuid := fmt.Sprint("before", i)
		confirm := encode("POST", "/payment/confirm", a.token,
			fmt.Sprintf(`{"cuid":%q,"paymentId":%q,"paymentMethodId":"pm_card_visa"}`, cuid, a.create(b, s.url, cuid)))
		next[i] = func(n int64) []byte {
			if n%2 == 0 {
				return confirm
			}
			return encode("POST", "/payment", a.token, fmt.Sprintf(`{"cuid":"hung-%d-%d"}`, i, n))
		}
	}
	s.hangStripe(b, env...)
	return newStorm(s, next, 503)
}

// givenUpStorm is the same once calls have timed out, and the server refuses at once
// what needs Stripe.
func givenUpStorm(b *testing.B) *storm {
	s := hangingStorm(b)
	s.start(b)
	for deadline := time.Now().Add(time.Minute); s.refused.Load() == 0; time.Sleep(settling) {
		if time.Now().After(deadline) {
			b.Fatal("the server waits for Stripe for more than a minute")
		}
	}
	s.stop(b)
	s.took = 0
	s.refused.Store(0)
	return s
}

// hangStripe starts the server anew on the same database, with a Stripe that takes
// every connection and never says a word.
func (s *system) hangStripe(b testing.TB, env ...string) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ln.Close() })
	s.restart(b, "http://"+ln.Addr().String(), env...)
}

// create makes a payment that is still to be confirmed.
func (a account) create(b testing.TB, url, cuid string) (intentID string) {
	b.Helper()
	w := mustDial(b, strings.TrimPrefix(url, "http://"))
	status, body, err := w.do(encode("POST", "/payment", a.token, fmt.Sprintf(`{"cuid":%q}`, cuid)))
	var created gen.PaymentCreatedDto
	if err := errors.Join(err, json.Unmarshal(body, &created)); err != nil || status != 201 {
		b.Fatalf("create: status %d, %v: %s", status, err, body)
	}
	return created.ID
}

func mustDial(b testing.TB, address string) *wire {
	b.Helper()
	w, err := dial(address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = w.conn.Close() })
	return w
}

// readers read one user each, over a connection each, every tenth of a second,
// whether or not the answers come fast (an open model): 200 requests a second.
type readers struct {
	wires    []*wire
	requests [][]byte
}

const readersPeriod = 100 * time.Millisecond

func newReaders(b testing.TB, s *system) *readers {
	b.Helper()
	r := &readers{}
	for range 20 {
		a := s.register(b)
		r.requests = append(r.requests, encode("GET", "/user/"+a.id, a.token, ""))
	}
	// Not before all are registered: the server gives a new connection five
	// seconds for its first request.
	for range r.requests {
		r.wires = append(r.wires, mustDial(b, s.server.address))
	}
	return r
}

// run reads for a while and returns how long each answer took from when it was due to
// be sent.
func (r *readers) run(b testing.TB, d time.Duration) (took []time.Duration) {
	b.Helper()
	var busy sync.WaitGroup
	all := make([][]time.Duration, len(r.wires))
	begin := time.Now()
	for i, w := range r.wires {
		busy.Go(func() {
			// Their turns are spread evenly over the period.
			for at := readersPeriod * time.Duration(i) / time.Duration(len(r.wires)); at < d; at += readersPeriod {
				time.Sleep(at - time.Since(begin))
				status, body, err := w.do(r.requests[i])
				if err != nil || status != 200 {
					b.Errorf("read: status %d, %v: %s", status, err, body)
					return
				}
				all[i] = append(all[i], time.Since(begin)-at)
			}
		})
	}
	busy.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return slices.Concat(all...)
}

// storm is clients of a system that never pause.
type storm struct {
	system *system
	// next makes the requests of each client, and may are the statuses that they
	// may be answered with.
	next []func(n int64) []byte
	may  []int

	conns []net.Conn
	busy  sync.WaitGroup
	errs  chan error
	sent  atomic.Int64
	began time.Time

	// took is how long the storm has blown in all, done how many answers were a
	// success, and refused how many were not.
	took          time.Duration
	done, refused atomic.Int64
}

func newStorm(s *system, next []func(n int64) []byte, may ...int) *storm {
	return &storm{system: s, next: next, may: may, errs: make(chan error, len(next))}
}

// start connects every client and lets it loose.
func (s *storm) start(b testing.TB) {
	b.Helper()
	s.began = time.Now()
	for _, next := range s.next {
		w := mustDial(b, s.system.server.address)
		s.conns = append(s.conns, w.conn)
		s.busy.Go(func() {
			for {
				status, body, err := w.do(next(s.sent.Add(1)))
				switch {
				case errors.Is(err, net.ErrClosed):
					return
				case err != nil || !slices.Contains(s.may, status):
					s.errs <- fmt.Errorf("status %d, %w: %s", status, err, body)
					return
				case status < 300:
					s.done.Add(1)
				default:
					s.refused.Add(1)
				}
			}
		})
	}
}

// stop cuts every client off, whatever it is waiting for.
func (s *storm) stop(b testing.TB) {
	b.Helper()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.busy.Wait()
	s.conns = nil
	s.took += time.Since(s.began)
	select {
	case err := <-s.errs:
		b.Fatal(err)
	default:
	}
}

func percentile(all []time.Duration, p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(p*float64(len(sorted)-1))]
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
