package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// writePlots draws what was measured into the folder, which is made if need be.
func writePlots(dir string, r *recorder) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := os.MkdirAll(dir, 0o755); err != nil { // #nosec G301 -- nothing in it is secret
		return fmt.Errorf("write plots: %w", err)
	}
	for name, c := range map[string]*chart{
		"percentiles.svg": percentilePlot(r),
		"operations.svg":  operationPlot(r),
		"latency.svg":     latencyPlot(r),
		"throughput.svg":  throughputPlot(r),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.svg()), 0o644); err != nil { // #nosec G306 -- nor in these
			return fmt.Errorf("write plots: %w", err)
		}
	}
	return nil
}

// percentilePlot is the distribution of all requests, where the distance of the
// two lines is the wait for the generator.
func percentilePlot(r *recorder) *chart {
	return &chart{
		title:    "Latency by percentile, all requests",
		subtitle: fmt.Sprintf("%d requests; response time counts from when a request was due", r.all.response.TotalCount()),
		x:        percentileAxis(r.all.response),
		y:        axis{title: "Latency (ms)", ticks: evenTicks(ms(r.all.response.Max()))},
		lines: []line{
			{"response time", percentiles(r.all.response)},
			{"service time", percentiles(r.all.service)},
		},
	}
}

// operationPlot is the distribution of each operation. They are orders of
// magnitude apart.
func operationPlot(r *recorder) *chart {
	c := &chart{title: "Response time by percentile, each operation", subtitle: "On a logarithmic scale", x: percentileAxis(r.all.response)}
	low := math.Inf(1)
	for _, name := range slices.Sorted(maps.Keys(r.byOperation)) {
		if h := r.byOperation[name].response; h.TotalCount() > 0 {
			points := percentiles(h)
			low = min(low, points[0].y)
			c.lines = append(c.lines, line{shortName(name), points})
		}
	}
	c.y = axis{title: "Response time (ms)", ticks: decadeTicks(max(min(low, 1), 0.01), ms(r.all.response.Max())), log: true}
	return c
}

// shortName is an operation without its controller.
func shortName(operation string) string {
	for i, r := range operation {
		if r == '_' {
			return operation[i+1:]
		}
	}
	return operation
}

// latencyPlot is how requests fared by when they were due.
func latencyPlot(r *recorder) *chart {
	var p50, p99 []xy
	highest := 0.0
	for i, s := range r.slots {
		x, l := r.middle(i), newLatency(s.response)
		if l.Count == 0 {
			l.P50, l.P99 = math.NaN(), math.NaN()
		} else {
			highest = max(highest, l.P99)
		}
		p50, p99 = append(p50, xy{x, l.P50}), append(p99, xy{x, l.P99})
	}
	return &chart{
		title:    "Response time over the run, all requests",
		subtitle: fmt.Sprintf("Of the requests that were due in each %s", r.slot),
		x:        r.timeAxis(),
		y:        axis{title: "Response time (ms)", ticks: evenTicks(highest)},
		lines:    []line{{"p99", p99}, {"p50", p50}},
	}
}

// throughputPlot is what was answered when.
func throughputPlot(r *recorder) *chart {
	var answered, errors []xy
	highest := 0.0
	for i, s := range r.slots {
		x, rate := r.middle(i), float64(s.answered)/r.slot.Seconds()
		highest = max(highest, rate)
		answered = append(answered, xy{x, rate})
		errors = append(errors, xy{x, float64(s.errors) / r.slot.Seconds()})
	}
	return &chart{
		title:    "Throughput and errors over the run, all requests",
		subtitle: fmt.Sprintf("Of the requests that ended in each %s; errors include those that a limit turned away", r.slot),
		x:        r.timeAxis(),
		y:        axis{title: "Requests per second", ticks: evenTicks(highest)},
		lines:    []line{{"answered", answered}, {"of these, errors", errors}},
	}
}

func (r *recorder) middle(i int) float64 { return (float64(i) + 0.5) * r.slot.Seconds() }

func (r *recorder) timeAxis() axis {
	return axis{title: "Time since the start (s)", ticks: evenTicks(float64(len(r.slots)) * r.slot.Seconds())}
}

// percentileAxis gives every nine the same room, as many as there are values for.
func percentileAxis(h *hdrhistogram.Histogram) axis {
	a := axis{title: "Percentile (%)", ticks: []tick{{1, "0"}, {2, "50"}}, log: true}
	for x := 10.0; ; x *= 10 {
		a.ticks = append(a.ticks, tick{x, strconv.FormatFloat(100-100/x, 'f', -1, 64)})
		if x >= float64(h.TotalCount()) {
			return a
		}
	}
}

// percentiles are the points of the distribution, x being 1/(1-q), up to the
// largest value.
func percentiles(h *hdrhistogram.Histogram) []xy {
	const perDecade = 40
	var points []xy
	most := float64(h.TotalCount())
	for k := 0; ; k++ {
		x := math.Pow(10, float64(k)/perDecade)
		if x >= most {
			return append(points, xy{most, ms(h.Max())})
		}
		points = append(points, xy{x, ms(h.ValueAtQuantile(100 - 100/x))})
	}
}
