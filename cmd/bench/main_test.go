package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

var update = flag.Bool("update", false, "write the table of testdata/output.txt anew")

func TestTable(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("testdata/output.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out, progress bytes.Buffer
	if err := run(bytes.NewReader(recorded), &out, &progress); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(progress.Bytes(), recorded) {
		t.Error("the input is not repeated as it came")
	}
	const golden = "testdata/table.txt"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("the table is\n%s\nwant\n%s", out.Bytes(), want)
	}
}

func TestInputsThatAreFailures(t *testing.T) {
	t.Parallel()
	const begun = "pkg: example.com/p\nBenchmarkNear/UserController_login-2 1 1.00 ratio\n"
	for _, tt := range []struct {
		name, in string
		want     error
		// table: what was measured is told all the same.
		table bool
	}{
		{"a benchmark fails", begun + "--- FAIL: BenchmarkLight/memory-2\n    light_test.go:1: no\nFAIL\nexit status 1\nFAIL\texample.com/p\t1.0s\n", errFailed, true},
		{"a benchmark panics", begun + "panic: oh\n\ngoroutine 1 [running]:\n", errFailed, true},
		{"a package does not compile", "# example.com/p\np.go:1: no\nFAIL\texample.com/p [build failed]\nFAIL\n", errFailed, false},
		{"go test is killed", begun, errUnfinished, true},
		{"there is no benchmark", "PASS\nok  \texample.com/p\t0.1s\n", errNoBenchmarks, false},
		{"there is nothing", "", errNoBenchmarks, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := run(strings.NewReader(tt.in), &out, io.Discard); !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
			if got := out.Len() > 0; got != tt.table {
				t.Errorf("a table was printed: %t, want %t:\n%s", got, tt.table, &out)
			}
		})
	}
}

func TestInputThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"a value without a unit": "BenchmarkX 1 5 ns/op 7\n",
		"a value is no number":   "BenchmarkX 1 five ns/op\n",
	} {
		if _, err := read(strings.NewReader(in)); err == nil || errors.Is(err, errNoBenchmarks) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	broken := errors.New("broken")
	if _, err := read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error is %v, want the reader's", err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	r, err := read(strings.NewReader("BenchmarkA/n-5 \t 1\t 7 ns/op\t 0.5 ratio\nBenchmarkA/n-5 1 9 ns/op 4 ratio\nBenchmarks are these\nBenchmarkB\nBenchmarkB 10 1e3 ns/op\nBenchmarkA/n-5 1 30 ns/op 3 ratio\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, b := range r.results {
		for _, m := range b.metrics {
			got[b.name+" "+m.unit] = m.figure()
		}
	}
	want := map[string]float64{"A/n ns/op": 9, "A/n ratio": 3, "B ns/op": 1000}
	if len(got) != len(want) {
		t.Errorf("read %v, want %v", got, want)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	if even := (metric{values: []float64{4, 1, 2, 3}}).figure(); even != 2.5 {
		t.Errorf("the figure of four values is %v, want 2.5", even)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sense          sense
		less, is, more bool
	}{
		{atLeast, false, true, true},
		{atMost, true, true, false},
		{below, true, false, false},
	} {
		k := mark{sense: tt.sense, limit: 2}
		if got, want := [3]bool{k.reached(1.9), k.reached(2), k.reached(2.1)}, [3]bool{tt.less, tt.is, tt.more}; got != want {
			t.Errorf("%s 2 is reached by 1.9, 2, 2.1: %v, want %v", tt.sense, got, want)
		}
	}
	for i, k := range marks {
		if _, err := path.Match(k.benchmarks, ""); err != nil {
			t.Errorf("%s: %v", k.benchmarks, err)
		}
		if !slices.Contains([]sense{atLeast, atMost, below}, k.sense) {
			t.Errorf("%s has the sense %q", k.benchmarks, k.sense)
		}
		for _, other := range marks[:i] {
			if other.benchmarks == k.benchmarks && other.unit == k.unit {
				t.Errorf("%s has two marks in %s", k.benchmarks, k.unit)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value float64
		unit  string
		want  string
	}{
		{613.4, "ns/op", "613ns"},
		{12_610, "ns/op", "12.6µs"},
		{44_801_900, "ns/op", "44.8ms"},
		{0, "ns/op", "0s"},
		{0.7912, "ratio", "0.79 ratio"},
		{5, "ratio", "5 ratio"},
		{812.53, "payments/s", "813 payments/s"},
		{19_934_616, "B/op", "19934616 B/op"},
	} {
		if got := (metric{tt.unit, []float64{tt.value}}).String(); got != tt.want {
			t.Errorf("%v %s is printed as %q, want %q", tt.value, tt.unit, got, tt.want)
		}
	}
}
