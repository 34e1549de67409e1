//go:build !race

// The race detector allocates for itself.

package server_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
)

const budgetPath = "testdata/budget.txt"

// budgetHead is what the file begins with.
const budgetHead = `# What one request to each operation takes: a median of 15, on one core, without the
# memory of net/http and of Stripe. queries are calls to the store, store-writes those
# of them that change something, stripe-calls HTTP requests to Stripe. After a change
# that is meant:
#
#	go test ./server -run TestBudget -update
#
`

// cost is what one request takes.
type cost struct{ bytes, allocs, queries, writes, stripe int }

// A cost in Go's format of benchmarks, so that benchstat reads it too: as it is
// written, and as it is read.
const (
	costLine = "BenchmarkBudget/%-44s 1 %9d B/op %4d allocs/op %2d queries/op %d store-writes/op %d stripe-calls/op\n"
	costScan = "BenchmarkBudget/%s 1 %d B/op %d allocs/op %d queries/op %d store-writes/op %d stripe-calls/op\n"
)

// TestBudget holds what a request takes to what testdata/budget.txt says. None of it
// depends on the machine's speed. More fails; so does less, as what has been won
// could otherwise be lost again unseen.
func TestBudget(t *testing.T) {
	// What moves to another core finds other pools, and a collection empties them.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	update := flag.Lookup("update").Value.String() == "true"
	inside := &insideSandbox{}
	s := startMeasured(t, func(a *api) http.RoundTripper { inside.box = a.box; return inside })
	budget, text := readBudget(t), budgetHead
	for _, c := range s.scenarios() {
		is := s.cost(c, inside)
		text += fmt.Sprintf(costLine, c.name(), is.bytes, is.allocs, is.queries, is.writes, is.stripe)
		allowed, known := budget[c.name()]
		delete(budget, c.name())
		if update {
			continue
		}
		if !known {
			t.Errorf("%s has no budget", c.name())
			continue
		}
		for _, complaint := range is.against(allowed) {
			t.Errorf("%s: %s", c.name(), complaint)
		}
	}
	if update {
		if err := os.WriteFile(budgetPath, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range budget {
		t.Errorf("%s has a budget and is not measured", name)
	}
	if t.Failed() {
		t.Error("if all of this is meant: go test ./server -run TestBudget -update")
	}
}

// against says where a cost is not that of the budget. One allocation may be off, and
// one in a hundred, and so may 128 bytes and one in a hundred, 1 KiB at most: timers
// and goroutines that find something to reuse or do not. Calls may not.
func (is cost) against(budget cost) (complaints []string) {
	for _, f := range []struct {
		what             string
		is, budget, give int
	}{
		{"bytes", is.bytes, budget.bytes, min(128+budget.bytes/100, 1024)},
		{"allocations", is.allocs, budget.allocs, 1 + budget.allocs/100},
		{"queries", is.queries, budget.queries, 0},
		{"store writes", is.writes, budget.writes, 0},
		{"calls to Stripe", is.stripe, budget.stripe, 0},
	} {
		if f.is > f.budget+f.give {
			complaints = append(complaints, fmt.Sprintf("%s grew from %d to %d", f.what, f.budget, f.is))
		}
		if f.is < f.budget-f.give {
			complaints = append(complaints, fmt.Sprintf("%s fell from %d to %d: lower the budget", f.what, f.budget, f.is))
		}
	}
	return complaints
}

// cost sends some requests and takes the median of each figure. They are all made
// before, as what makes them has work of its own that may lag behind.
func (s *measured) cost(c scenario, inside *insideSandbox) cost {
	s.t.Helper()
	const warmUps, runs = 3, 15
	var requests []*http.Request
	for range warmUps + runs {
		requests = append(requests, c.ready())
	}
	runtime.GC()
	figures := make([][5]int, 0, warmUps+runs)
	for _, r := range requests {
		w, done := server.NewSink(), s.work()
		inside.bytes, inside.allocs = 0, 0
		before := takeMemory()
		err := s.send(c, w, r)
		after := takeMemory()
		if err != nil {
			s.t.Fatal(err)
		}
		took := s.work().less(done)
		figures = append(figures, [5]int{
			int(after.bytes - before.bytes - inside.bytes), int(after.allocs - before.allocs - inside.allocs),
			took.queries, took.writes, took.stripe,
		})
	}
	figures = figures[warmUps:]
	median := func(figure int) int {
		var all []int
		for _, f := range figures {
			all = append(all, f[figure])
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return cost{median(0), median(1), median(2), median(3), median(4)}
}

// memory is what the process has allocated.
type memory struct{ bytes, allocs uint64 }

func takeMemory() memory {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{m.TotalAlloc, m.Mallocs}
}

// insideSandbox is the way to a sandbox without a network. It counts what the
// sandbox allocates meanwhile, which is no cost of ours.
type insideSandbox struct {
	box http.Handler
	memory
}

func (i *insideSandbox) RoundTrip(r *http.Request) (*http.Response, error) {
	before := takeMemory()
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RemoteAddr = "192.0.2.1:1234"
	i.box.ServeHTTP(w, in)
	res := w.Result()
	res.Request = r
	after := takeMemory()
	i.bytes += after.bytes - before.bytes
	i.allocs += after.allocs - before.allocs
	return res, nil
}

// readBudget reads the file.
func readBudget(t *testing.T) map[string]cost {
	t.Helper()
	text, err := os.ReadFile(budgetPath)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]cost{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var name string
		var c cost
		if _, err := fmt.Sscanf(line, costScan, &name, &c.bytes, &c.allocs, &c.queries, &c.writes, &c.stripe); err != nil {
			t.Fatalf("%s: %q: %v", budgetPath, line, err)
		}
		all[name] = c
	}
	return all
}
