package main

import "path"

// mark is what we want of benchmarks.
type mark struct {
	// benchmarks is a pattern of names; * stands for one part between slashes.
	benchmarks string
	unit       string
	sense      sense
	limit      float64
}

// sense is on which side of its limit a figure has to be.
type sense string

const (
	atLeast sense = "≥"
	atMost  sense = "≤"
	below   sense = "<"
)

// marks are all that there are.
var marks = []mark{
	// Throughput of the whole server over that of the plainest one that could do
	// the same.
	{"Near/UserController_findOne", "ratio", atLeast, 0.75},
	{"Near/PaymentController_getPayments", "ratio", atLeast, 0.75},
	{"Near/PaymentController_createPayment", "ratio", atLeast, 0.80},
	{"Near/UserController_login", "ratio", atLeast, 0.95},

	{"Layers/*/validation", "ns/op", below, 15_000},
	{"Layers/*/validation", "allocs/op", below, 40},

	// Time with much data over time with little, and of the last page over the
	// first.
	{"Flat/sqlite/*", "ratio", atMost, 1.5},
	{"Flat/sqlite/*/pages", "ratio", atMost, 1.5},

	// 99th percentile of a read under a load of something else, over that without.
	{"Isolated/logins", "ratio", atMost, 5},
	{"Isolated/stripe_hangs", "ratio", atMost, 2},

	{"Light/memory", "MiB", atMost, 64},
	{"Light/ready", "ms", atMost, 300},
	{"Light/goroutines", "left", atMost, 0},

	// The document before Stripe is asked, and what came of it.
	{"Writes/*/create", "store-writes/op", atMost, 2},
	{"Writes/*/create", "stripe-calls/op", atMost, 1},
	{"Writes/*/confirm", "store-writes/op", atMost, 1},
	{"Writes/*/confirm", "stripe-calls/op", atMost, 1},
}

// concerns tells whether the mark is for a metric.
func (k mark) concerns(benchmark, unit string) bool {
	// The error is of a bad pattern, and the tests match every one.
	ok, _ := path.Match(k.benchmarks, benchmark)
	return ok && unit == k.unit
}

// reached tells whether a figure will do.
func (k mark) reached(figure float64) bool {
	switch k.sense {
	case atLeast:
		return figure >= k.limit
	case atMost:
		return figure <= k.limit
	}
	return figure < k.limit
}
