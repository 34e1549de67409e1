package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPaceOfTheGarbageCollector(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		live float64
		want int
	}{
		{"an empty heap is as one of four megabytes", 0, 250},
		{"a small one may fill up", 7 << 20, 100},
		{"one that is full may grow by a quarter", 14 << 20, 25},
		{"so may a large one", 320 << 20, 25},
	} {
		if got := pace(tc.live); got != tc.want {
			t.Errorf("%s: %d%%, want %d%%", tc.name, got, tc.want)
		}
	}
}

// It changes what all tests of this process share, and leaves it so, which only makes
// them faster.
func TestThePaceFollowsTheHeap(t *testing.T) {
	collectGarbage()
	used := make([]byte, 256<<20)
	percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for deadline := time.Now().Add(time.Minute); ; runtime.GC() {
		if metrics.Read(percent); percent[0].Value.Uint64() == garbagePercent {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with 256 MiB in use the pace is %d%%, want %d%%", percent[0].Value.Uint64(), garbagePercent)
		}
	}
	runtime.KeepAlive(used)
}
