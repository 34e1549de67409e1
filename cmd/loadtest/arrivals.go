package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// arrivals says when journeys arrive. It knows nothing of how they fare, so a slow
// server gets as many as a fast one.
type arrivals struct {
	rate float64 // a second
	// rand makes the gaps exponential, so that the arrivals are a Poisson
	// process. nil: they are all the same.
	rand *rand.Rand
	n    int
	last float64 // seconds
}

// next is when the next journey arrives, from the start of the load. The first
// one of a constant load arrives at 0.
func (a *arrivals) next() time.Duration {
	if a.rand != nil {
		a.last += a.rand.ExpFloat64() / a.rate
	} else {
		a.last = float64(a.n) / a.rate // no sum of rounded gaps
	}
	a.n++
	return time.Duration(a.last * float64(time.Second))
}

// mix is which journeys arrive, each as often as its weight is of the sum.
type mix struct {
	journeys []journey
	weights  []int
	sum      int
}

// newMix finds journeys by name. Weights are 0 to 1000, and not all of them 0.
func newMix(weights map[string]int) (mix, error) {
	var m mix
	var faults []error
	known := map[string]bool{}
	for _, j := range journeys() {
		known[j.name] = true
		switch w := weights[j.name]; {
		case w < 0 || w > 1000:
			faults = append(faults, fmt.Errorf("--mix: the weight of %s is %d: it must be 0 to 1000", j.name, w))
		case w > 0:
			m.journeys, m.weights, m.sum = append(m.journeys, j), append(m.weights, w), m.sum+w
		}
	}
	for name := range weights {
		if !known[name] {
			faults = append(faults, fmt.Errorf("--mix: there is no journey %q: choose from %s", name, strings.Join(journeyNames(), ", ")))
		}
	}
	if m.sum == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("--mix: at least one weight must be above 0"))
	}
	return m, errors.Join(faults...)
}

// pick chooses a journey.
func (m mix) pick(r *rand.Rand) journey {
	ticket := r.IntN(m.sum)
	i := slices.IndexFunc(m.weights, func(w int) bool {
		ticket -= w
		return ticket < 0
	})
	return m.journeys[i]
}
