package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// garbageFloor is how much garbage may lie about before it is collected, in
	// octets. Go's own rule is as much as what is in use: for a server with 4 MB in
	// use that is a collection every few hundred requests, at an eighth of its time,
	// and for one that has handed out the memory of a hash, twice that memory.
	garbageFloor = 16 << 20
	// garbagePercent is the same for a large heap, in hundredths of what is in use.
	garbagePercent = 50
)

// collectGarbage sets the pace of the garbage collector anew after each of its
// rounds, for as long as the process runs.
func collectGarbage() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var last int
	// What nothing refers to is finalized after the next round.
	var afterRound func(*[16]byte)
	afterRound = func(round *[16]byte) {
		metrics.Read(sample)
		if percent := pace(sample[0].Value.Uint64()); percent != last {
			last = percent
			debug.SetGCPercent(percent)
		}
		runtime.SetFinalizer(round, afterRound)
	}
	afterRound(new([16]byte))
}

// pace is the percentage for a heap with so many octets in use.
func pace(live uint64) int {
	return int(max(garbagePercent, 100*garbageFloor/max(live, 1<<20)))
}
