package payments_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/sqlite"
)

// The proofs have a short form, for every go test, and a long one:
//
//	go test ./server/payments -run 'TestEvery|TestRandom' -v -timeout 0 -long -rapid.checks=100000
//
// -sqlite runs them over SQLite files instead of a store in memory. With the race
// detector, which makes everything some fifteen times slower, the short form
// strikes every step and with every kind of failure, but not with every kind at
// every step.
var (
	long     = flag.Bool("long", false, "every step: also strike with all pairs of failures")
	onSQLite = flag.Bool("sqlite", false, "run the proofs over store/sqlite")
)

func TestMain(m *testing.M) {
	// Defaults of rapid's flags for this package; the command line wins.
	defaults := map[string]string{"rapid.checks": "300", "rapid.nofailfile": "true"}
	if raceDetector {
		defaults["rapid.checks"] = "60"
	}
	for name, value := range defaults {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	flag.Parse()
	os.Exit(m.Run())
}

// proofStore is a new, empty store.
func proofStore(t testing.TB) (store.Store, func()) {
	if !*onSQLite {
		return newMemory(), func() {}
	}
	return sqliteStore(t)
}

// sqliteStore is opened outside of every bubble: its connections outlast one.
func sqliteStore(t testing.TB) (store.Store, func()) {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	return db, func() {
		_ = db.Close()
		_ = os.RemoveAll(dir)
	}
}

// strikes are failures by the number of the call that they strike, from 1.
type strikes map[int]failure

// plan strikes from now on. A failure of several times goes on with the calls to
// Stripe that follow.
func (w *world) plan(s strikes) {
	n, rest := 0, 0
	var again failure
	w.calls = nil
	w.strike = func(c call) *failure {
		n++
		f, ok := s[n]
		switch {
		case ok:
			again, rest = f, f.times-1
			return &f
		case rest > 0 && c.stripe:
			rest--
			return &again
		}
		return nil
	}
}

// figures are what a proof has done.
type figures struct{ steps, runs, failures atomic.Int64 }

// TestEveryStep lets every call of every flow to the store and to Stripe fail,
// in every way. Afterwards whoever asked asks again until the
// answer is definite, and the promises hold.
func TestEveryStep(t *testing.T) {
	t.Parallel()
	var total figures
	t.Run("flows", func(t *testing.T) {
		for _, f := range flows {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				p := prover{t: t, flow: f, total: &total}
				p.prove()
			})
		}
	})
	t.Logf("%d flows, %d steps, %d kinds of failure, %d runs, %d calls failed", len(flows),
		total.steps.Load(), len(storeFailures)+len(stripeFailures), total.runs.Load(), total.failures.Load())
}

// prover strikes at one flow.
type prover struct {
	t      *testing.T
	flow   flow
	total  *figures
	faults int
}

// maxReports is after how many failures a flow is given up.
const maxReports = 5

func (p *prover) prove() {
	calls := p.run(nil)
	p.total.steps.Add(int64(len(calls)))
	for k, c := range calls {
		for i, f := range c.failures() {
			if raceDetector && !*long && (i+k)%4 != 0 {
				continue
			}
			after := p.run(strikes{k + 1: f})
			if p.faults > maxReports {
				return
			}
			if !*long || !f.paired() {
				continue
			}
			for k2 := k + 1; k2 < len(after); k2++ {
				for _, f2 := range after[k2].failures() {
					if f2.paired() {
						p.run(strikes{k + 1: f, k2 + 1: f2})
					}
				}
			}
		}
	}
}

// paired reports whether the failure is one of those that are combined with others.
func (f failure) paired() bool {
	switch f.name {
	case "no connection once", "time-out before once", "time-out after once", "lock time-out", "key in use", "key refused", "half an answer", "502 of a proxy":
		return false
	}
	return true
}

// run makes one run and returns the calls that it made.
func (p *prover) run(s strikes) (calls []call) {
	p.t.Helper()
	db, done := proofStore(p.t)
	defer done()
	var w *world
	why := verdict(p.t, db, func(now *world) {
		w = now
		run := p.flow.prepare(w)
		w.plan(s)
		run()
		calls = w.calls
		w.converge()
		w.verify()
	})
	p.total.runs.Add(1)
	p.total.failures.Add(int64(w.faults))
	if calls == nil {
		calls = w.calls
	}
	if why == "" {
		return calls
	}
	p.faults++
	p.t.Errorf("%s: %s", s.in(calls), why)
	return calls
}

// in names the strikes.
func (s strikes) in(calls []call) string {
	if len(s) == 0 {
		return "without any failure"
	}
	text := ""
	for k := range len(calls) + 1 {
		if f, ok := s[k]; ok {
			text += fmt.Sprintf("%s at call %d, %s; ", f.name, k, calls[k-1])
		}
	}
	return text
}
