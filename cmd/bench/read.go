package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	errFailed       = errors.New("the input tells of a failure")
	errUnfinished   = errors.New("the input ends before its benchmarks did")
	errNoBenchmarks = errors.New("the input has no benchmarks")
)

// report is what was read.
type report struct {
	// machine says where it was measured.
	machine []string
	results []*result
}

// result is one benchmark.
type result struct {
	// name is without "Benchmark" and the number of cores behind it.
	name    string
	metrics []metric
}

// metric is what a benchmark has measured in one unit, once for each -count.
type metric struct {
	unit   string
	values []float64
}

// figure is the median.
func (m metric) figure() float64 {
	v := slices.Sorted(slices.Values(m.values))
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}

var (
	// Format: https://go.dev/design/14313-benchmark-format
	benchmarkLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-(\d+))?\s+\d+\s+(\S+ .+|\S+\s.+)$`)
	failure       = regexp.MustCompile(`^(--- FAIL|FAIL|panic:|fatal error:)`)
	aboutMachine  = regexp.MustCompile(`^(goos|goarch|cpu): (.+)$`)
	ended         = regexp.MustCompile(`^ok\s+(\S+)`)
)

// read takes the output of go test -bench, of any number of packages. Beside the
// reader's error it returns errFailed, errUnfinished and errNoBenchmarks, and what
// it has read until then.
func read(in io.Reader) (r report, err error) {
	failed, running := false, map[string]bool{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if failure.MatchString(line) {
			failed = true
		} else if pkg, ok := strings.CutPrefix(line, "pkg: "); ok {
			running[pkg] = true
		} else if m := ended.FindStringSubmatch(line); m != nil {
			delete(running, m[1])
		} else if m := aboutMachine.FindStringSubmatch(line); m != nil {
			r.about(m[2])
		} else if m := benchmarkLine.FindStringSubmatch(line); m != nil {
			if m[2] != "" {
				r.about("GOMAXPROCS " + m[2])
			}
			if err := r.add(m[1], strings.Fields(m[3])); err != nil {
				return r, fmt.Errorf("%q: %w", line, err)
			}
		}
	}
	switch {
	case lines.Err() != nil:
		return r, lines.Err()
	case failed:
		return r, errFailed
	case len(running) > 0:
		return r, errUnfinished
	case len(r.results) == 0:
		return r, errNoBenchmarks
	}
	return r, nil
}

func (r *report) about(fact string) {
	if !slices.Contains(r.machine, fact) {
		r.machine = append(r.machine, fact)
	}
}

// add adds a benchmark's values, each with its unit behind it.
func (r *report) add(name string, fields []string) error {
	if len(fields)%2 != 0 {
		return errors.New("a value has no unit")
	}
	i := slices.IndexFunc(r.results, func(b *result) bool { return b.name == name })
	if i < 0 {
		i = len(r.results)
		r.results = append(r.results, &result{name: name})
	}
	for pair := range slices.Chunk(fields, 2) {
		value, err := strconv.ParseFloat(pair[0], 64)
		if err != nil {
			return err
		}
		r.results[i].add(pair[1], value)
	}
	return nil
}

func (b *result) add(unit string, value float64) {
	for i := range b.metrics {
		if b.metrics[i].unit == unit {
			b.metrics[i].values = append(b.metrics[i].values, value)
			return
		}
	}
	b.metrics = append(b.metrics, metric{unit, []float64{value}})
}

// of are the benchmarks of a group.
func (r report) of(g string) (all []*result) {
	for _, b := range r.results {
		if group(b.name) == g {
			all = append(all, b)
		}
	}
	return all
}

// in is the benchmark's metric of a unit.
func (b *result) in(unit string) (metric, bool) {
	i := slices.IndexFunc(b.metrics, func(m metric) bool { return m.unit == unit })
	if i < 0 {
		return metric{}, false
	}
	return b.metrics[i], true
}
