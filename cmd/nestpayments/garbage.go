package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Go's own rule is to let as much garbage lie about as there is in use. For a server
// with 4 MB in use that is a collection every few hundred requests, at an eighth of its
// time; for one that has handed out the memory of a hash it is twice that memory.
const (
	// smallHeap is what the heap may take, garbage included, before garbage is
	// collected, in bytes.
	smallHeap = 14 << 20
	// garbagePercent is how much garbage may lie about in a larger one, in hundredths
	// of what is in use.
	garbagePercent = 25
)

// collectGarbage sets the pace of the garbage collector again after each of its
// rounds, for as long as the process runs, unless the variable GOGC says what it is.
// GOMEMLIMIT holds beside it.
func collectGarbage() {
	if os.Getenv("GOGC") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var last int
	// What nothing refers to is finalized after the next round.
	var afterRound func(*[16]byte)
	afterRound = func(round *[16]byte) {
		metrics.Read(sample)
		if percent := pace(float64(sample[0].Value.Uint64())); percent != last {
			last = percent
			debug.SetGCPercent(percent)
		}
		runtime.SetFinalizer(round, afterRound)
	}
	afterRound(new([16]byte))
}

// pace is the percentage for a heap with so many bytes in use. Go applies it to 4 MiB
// at least.
func pace(live float64) int {
	live = max(live, 4<<20)
	return max(garbagePercent, int(100*(smallHeap-live)/live))
}
