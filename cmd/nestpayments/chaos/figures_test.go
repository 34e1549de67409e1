package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// figures count what happened.
type figures struct {
	mu     sync.Mutex
	counts map[string]int
	times  map[string]time.Duration
	// answers by operation, status and code.
	answers map[string]int
}

func newFigures() *figures {
	return &figures{counts: map[string]int{}, times: map[string]time.Duration{}, answers: map[string]int{}}
}

func (f *figures) add(what string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[what] += n
}

func (f *figures) answer(operationID string, status int, code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[strings.TrimSpace(fmt.Sprintf("%s %d %s", operationID, status, code))]++
}

// took notes how long something took. Of several, the longest counts.
func (f *figures) took(what string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.times[what] = max(f.times[what], d)
}

// include adds another's figures, which are no longer counted.
func (f *figures) include(o *figures) {
	for what, n := range o.counts {
		f.add(what, n)
	}
	for what, d := range o.times {
		f.took(what, d)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for what, n := range o.answers {
		f.answers[what] += n
	}
}

func (f *figures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(f.counts)) {
		fmt.Fprintf(&b, "%8d  %s\n", f.counts[what], what)
	}
	for _, what := range slices.Sorted(maps.Keys(f.times)) {
		fmt.Fprintf(&b, "%7.1fs  %s, at most\n", f.times[what].Seconds(), what)
	}
	for _, what := range slices.Sorted(maps.Keys(f.answers)) {
		fmt.Fprintf(&b, "%8d  answers: %s\n", f.answers[what], what)
	}
	return b.String()
}
