package main

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestPoissonArrivals(t *testing.T) {
	t.Parallel()
	const rate, n = 200.0, 100_000
	l := &load{rate: rate, poisson: true, seed: 1}
	a, again := l.arrivals(), l.arrivals()
	var last time.Duration
	var sum, squares float64
	for range n {
		at := a.next()
		if at < last {
			t.Fatalf("%s comes after %s", at, last)
		}
		if twin := again.next(); twin != at {
			t.Fatalf("the same seed arrives at %s and at %s", at, twin)
		}
		gap := (at - last).Seconds() * rate
		sum, squares, last = sum+gap, squares+gap*gap, at
	}
	// Gaps of an exponential distribution have mean and deviation 1/rate. The
	// margins are four standard errors.
	mean := sum / n
	if math.Abs(mean-1) > 4/math.Sqrt(n) {
		t.Errorf("the mean gap is %v of 1/rate, want 1", mean)
	}
	if deviation := math.Sqrt(squares/n - mean*mean); math.Abs(deviation-1) > 4*math.Sqrt(2.0/n) {
		t.Errorf("the deviation of gaps is %v of 1/rate, want 1", deviation)
	}
	other := &load{rate: rate, poisson: true, seed: 2}
	if a, b := l.arrivals().next(), other.arrivals().next(); a == b {
		t.Errorf("two seeds both arrive at %s", a)
	}
}

func TestConstantArrivals(t *testing.T) {
	t.Parallel()
	a := (&load{rate: 3}).arrivals()
	for n := range 3_000_001 {
		at := a.next()
		if n%1_000_000 == 0 && (at-time.Duration(n)*time.Second/3).Abs() > time.Microsecond {
			t.Errorf("arrival %d is at %s, want %s", n, at, time.Duration(n)*time.Second/3)
		}
	}
}

func TestMixFollowsItsWeights(t *testing.T) {
	t.Parallel()
	m, err := newMix(map[string]int{"buyer": 1, "reader": 3, "owner": 0})
	if err != nil {
		t.Fatal(err)
	}
	const n = 40_000
	got := map[string]int{}
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		got[m.pick(r).name]++
	}
	if len(got) != 2 || math.Abs(float64(got["buyer"])/n-0.25) > 0.01 || math.Abs(float64(got["reader"])/n-0.75) > 0.01 {
		t.Errorf("got %v of %d, want a quarter of buyer and the rest of reader", got, n)
	}
}

func TestMixIsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		weights map[string]int
		want    string
	}{
		{"unknown journey", map[string]int{"buyer": 1, "burglar": 1}, `no journey "burglar"`},
		{"negative weight", map[string]int{"buyer": -1}, "must be 0 to 1000"},
		{"large weight", map[string]int{"buyer": 1001}, "must be 0 to 1000"},
		{"nothing", map[string]int{"buyer": 0}, "above 0"},
	} {
		if _, err := newMix(tc.weights); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want it to say %q", tc.name, err, tc.want)
		}
	}
}
