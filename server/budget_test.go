package server_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
)

const budgetPath = "testdata/budget.txt"

const budgetHeader = `# What one request to each operation costs: calls to the store, those of them that
# change something, and HTTP requests to Stripe. After an intended change:
#
#	go test ./server -run TestBudget -update
#
# operation                                    calls writes stripe
`

// TestBudget compares the cost of every request with testdata/budget.txt. A lower
// cost fails too: the file then has to be lowered, so that a later increase shows.
func TestBudget(t *testing.T) {
	t.Parallel()
	update := flag.Lookup("update").Value.String() == "true"
	s := startMeasured(t)
	budget, text := readBudget(t), budgetHeader
	for _, c := range s.scenarios() {
		got := s.cost(c)
		text += fmt.Sprintf("%-46s %5d %6d %6d\n", c.name(), got.queries, got.writes, got.stripe)
		want, ok := budget[c.name()]
		delete(budget, c.name())
		if !update && (!ok || got != want) {
			t.Errorf("%s: got %+v, want %+v", c.name(), got, want)
		}
	}
	if update {
		if err := os.WriteFile(budgetPath, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range budget {
		t.Errorf("%s is in the budget but has no scenario", name)
	}
	if t.Failed() {
		t.Error("if the change is intended: go test ./server -run TestBudget -update")
	}
}

// cost returns the median of five requests: now and then a request also removes
// expired throttle counts.
func (s *measured) cost(c scenario) work {
	s.t.Helper()
	var costs []work
	for range 5 {
		r := c.ready()
		before := s.work()
		if err := s.send(c, server.NewSink(), r); err != nil {
			s.t.Fatal(err)
		}
		costs = append(costs, s.work().less(before))
	}
	slices.SortFunc(costs, func(a, b work) int {
		return a.queries + a.writes + a.stripe - b.queries - b.writes - b.stripe
	})
	return costs[len(costs)/2]
}

func readBudget(t *testing.T) map[string]work {
	t.Helper()
	text, err := os.ReadFile(budgetPath)
	if err != nil {
		t.Fatal(err)
	}
	budget := map[string]work{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var name string
		var w work
		if _, err := fmt.Sscanf(line, "%s %d %d %d\n", &name, &w.queries, &w.writes, &w.stripe); err != nil {
			t.Fatalf("%s: %q: %v", budgetPath, line, err)
		}
		budget[name] = w
	}
	return budget
}
