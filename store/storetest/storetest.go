// Package storetest is the conformance suite of store.Store: what every
// implementation does, told as tests. It is imported by tests only.
//
// # Determinism
//
// Every time is a fixed one that lies in the past, so a store that looks at
// its own clock fails; no test sleeps or measures. Races start behind a
// barrier and judge what holds for every interleaving: how many won, what the
// others were told, and what is stored in the end.
package storetest

import (
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

// test is one behaviour, tried on an empty store.
type test struct {
	name string
	run  func(t *testing.T, s store.Store)
}

// Run runs the suite, its tests in parallel, each on a store of its own. open
// returns an empty store and sees to its cleanup; the suite may have closed it
// by then. A database that is slow to start is best started once, with open
// making a new namespace in it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	groups := []struct {
		name  string
		tests []test
	}{
		{"users", userTests},
		{"user pages", userPageTests},
		{"payments", paymentTests},
		{"payment pages", paymentPageTests},
		{"due work", dueTests},
		{"leases", leaseTests},
		{"attempts", attemptTests},
		{"races", raceTests},
		{"moves", moveTests},
		{"contexts", contextTests},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range g.tests {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					tt.run(t, open(t))
				})
			}
		})
	}
}
