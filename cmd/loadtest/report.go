package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// schemaVersion is that of the JSON. It grows when a field changes its meaning or
// goes away; new fields may come at any time.
const schemaVersion = 1

// report is what a run measured. As JSON it is the program's interface to others:
// every time is in milliseconds, every rate per second.
type report struct {
	SchemaVersion int       `json:"schemaVersion"`
	StartedAt     time.Time `json:"startedAt"`
	// Passed: all that was asked for was done, and every answer was right. If
	// not, Failures says in words what was not.
	Passed   bool     `json:"passed"`
	Failures []string `json:"failures"`
	// Warnings are what a reader should know and what fails no run.
	Warnings []string `json:"warnings"`
	Load     asked    `json:"load"`
	// Seconds is for how long journeys arrived. Rates are by it.
	Seconds  float64       `json:"seconds"`
	Journeys journeyCounts `json:"journeys"`
	// Lag is how late the generator sent the first requests of the journeys: a
	// part of their response times that is no fault of the server's.
	Lag latency `json:"lag"`
	// Requests is of all requests, ByOperation and ByJourney of each kind, by
	// name.
	Requests    row   `json:"requests"`
	ByOperation []row `json:"byOperation"`
	ByJourney   []row `json:"byJourney"`
	// Errors are the wrong answers, Limited what a limit turned away (429); the
	// most frequent first.
	Errors  []errorRow   `json:"errors"`
	Limited []limitedRow `json:"limited"`
	// Timeline is the run in slots of SlotSeconds.
	SlotSeconds float64 `json:"slotSeconds"`
	Timeline    []point `json:"timeline"`
}

// asked is the load as it was asked for.
type asked struct {
	URL         string         `json:"url"`
	Rate        float64        `json:"rate"`
	Seconds     float64        `json:"seconds"`
	Arrivals    string         `json:"arrivals"`
	Seed        uint64         `json:"seed"`
	Mix         map[string]int `json:"mix"`
	Think       float64        `json:"think"`
	Users       int            `json:"users"`
	MaxInFlight int            `json:"maxInFlight"`
}

// journeyCounts are what became of the journeys: Arrived is the sum of the others.
type journeyCounts struct {
	Arrived   int64 `json:"arrived"`
	Completed int64 `json:"completed"`
	// Failed ended early, at a wrong answer or at a limit.
	Failed int64 `json:"failed"`
	// Dropped were never begun: too many were under way.
	Dropped int64 `json:"dropped"`
}

// row is what is known of one kind of request or journey. Response is from when
// it was due, Service from when it was sent; of a journey, without think time.
type row struct {
	Name     string  `json:"name"`
	Count    int64   `json:"count"`
	Errors   int64   `json:"errors"`
	Limited  int64   `json:"limited"`
	Rate     float64 `json:"rate"`
	Response latency `json:"response"`
	Service  latency `json:"service"`
}

// latency is of right answers, and of waits in vain. All is 0 if there was none.
type latency struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

// errorRow is how often something was wrong. Status is 0 if there was no answer.
// Code is the problem's or one of this program's; Detail says what a right status
// was wrong about.
type errorRow struct {
	Operation string `json:"operation"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Count     int64  `json:"count"`
}

// limitedRow is how often a limit turned an operation away. Variable is the one of
// the server to raise, "" if the limit is not the server's.
type limitedRow struct {
	Operation string `json:"operation"`
	Variable  string `json:"variable"`
	Count     int64  `json:"count"`
}

// point is one slot of the run. P50 and P99 are of the requests that were due in
// it; Answered and Errors, limits included, are of those that ended in it.
type point struct {
	At       float64 `json:"at"` // seconds from the start
	Due      int64   `json:"due"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	Answered int64   `json:"answered"`
	Errors   int64   `json:"errors"`
}

// newReport tells of a run that is over. interrupted is one that was ended before
// its time.
func newReport(o options, r *recorder, interrupted bool) *report {
	r.mu.Lock()
	defer r.mu.Unlock()
	seconds := r.arrivals.Seconds()
	rep := &report{
		SchemaVersion: schemaVersion, StartedAt: r.start.UTC().Truncate(time.Second), Seconds: round(seconds),
		Load: asked{
			URL: o.URL, Rate: o.Rate, Seconds: o.Duration.Seconds(), Arrivals: o.Arrivals, Seed: o.Seed,
			Mix: o.Mix, Think: ms(o.Think.Microseconds()), Users: o.Users, MaxInFlight: o.MaxInFlight,
		},
		Journeys:    journeyCounts{r.arrived, r.completed, r.failed, r.dropped},
		Lag:         newLatency(r.lag),
		Requests:    newRow("all", r.all, seconds),
		ByOperation: newRows(r.byOperation, seconds),
		ByJourney:   newRows(r.byJourney, seconds),
		Errors:      []errorRow{}, Limited: []limitedRow{},
		SlotSeconds: r.slot.Seconds(), Timeline: []point{},
	}
	for k, n := range r.faults {
		rep.Errors = append(rep.Errors, errorRow{k.Operation, k.Status, k.Code, k.Detail, n})
	}
	for k, n := range r.limits {
		rep.Limited = append(rep.Limited, limitedRow{k.Operation, limitOf(k.Operation, k.Code), n})
	}
	slices.SortFunc(rep.Errors, func(a, b errorRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	slices.SortFunc(rep.Limited, func(a, b limitedRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	for i, s := range r.slots {
		l := newLatency(s.response)
		rep.Timeline = append(rep.Timeline, point{float64(i) * rep.SlotSeconds, l.Count, l.P50, l.P99, s.answered, s.errors})
	}
	rep.judge(o, interrupted)
	return rep
}

// judge says what was not as it should be.
func (r *report) judge(o options, interrupted bool) {
	r.Failures, r.Warnings = []string{}, []string{}
	fail := func(format string, args ...any) { r.Failures = append(r.Failures, fmt.Sprintf(format, args...)) }
	if interrupted {
		fail("interrupted after %.1f of %.1f s", r.Seconds, o.Duration.Seconds())
	}
	if n := r.Journeys.Dropped; n > 0 {
		fail("DROPPED %d of %d journeys, as %d were under way (--max-in-flight): this was less load than was asked for",
			n, r.Journeys.Arrived, o.MaxInFlight)
	}
	if n := r.Requests.Errors; n > 0 {
		fail("%d of %d requests had a wrong answer, or none", n, r.Requests.Count)
	} else if n := sum(r.ByJourney, func(w row) int64 { return w.Errors }); n > 0 {
		fail("%d journeys were not over %s after the last arrival (--drain)", n, o.Drain)
	}
	for _, l := range r.Limited {
		fail("a limit turned %s away %d times: %s", l.Operation, l.Count, limitAdvice(l.Variable))
	}
	r.Passed = len(r.Failures) == 0
	if r.Lag.P99 > slowStart {
		r.Warnings = append(r.Warnings, fmt.Sprintf("this program was late: 1 in 100 journeys began %.1f ms or more after they were due. "+
			"Response times include that; give it more of the machine, or compare service times", r.Lag.P99))
	}
}

// slowStart is a lag in ms, at the 99th percentile, that a reader is warned of.
const slowStart = 10

func sum(rows []row, of func(row) int64) (n int64) {
	for _, r := range rows {
		n += of(r)
	}
	return n
}

// verdict is an error if the run did not pass.
func (r *report) verdict() error {
	if r.Passed {
		return nil
	}
	return errors.New(strings.Join(r.Failures, "; "))
}

// limitOf is the variable of the server that bounds what was turned away. "" if
// something else did.
func limitOf(operation, code string) string {
	switch {
	case code == "rate_limited":
		return "REQUEST_LIMIT"
	case code == "too_many_requests" && operation == opLogin:
		return "LOGIN_LIMIT"
	case code == "too_many_requests" && operation == opRegister:
		return "SIGN_UP_LIMIT"
	case code == "too_many_unconfirmed_payments":
		return "UNCONFIRMED_LIMIT"
	case code == "too_many_declines":
		return "DECLINE_LIMIT"
	}
	return ""
}

func limitAdvice(variable string) string {
	if variable == "" {
		return "raise the limit of what stands in front of the server"
	}
	return "raise " + variable + " of the server"
}

func newRows(tallies map[string]*tally, seconds float64) []row {
	rows := []row{}
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		rows = append(rows, newRow(name, tallies[name], seconds))
	}
	return rows
}

func newRow(name string, t *tally, seconds float64) row {
	return row{
		Name: name, Count: t.count, Errors: t.errors, Limited: t.limited, Rate: round(float64(t.count) / max(seconds, 0.001)),
		Response: newLatency(t.response), Service: newLatency(t.service),
	}
}

func newLatency(h *hdrhistogram.Histogram) latency {
	at := func(q float64) float64 { return ms(h.ValueAtQuantile(q)) }
	return latency{
		Count: h.TotalCount(), Mean: round(h.Mean() / 1000),
		P50: at(50), P90: at(90), P95: at(95), P99: at(99), P999: at(99.9), Max: ms(h.Max()),
	}
}

// ms is so many microseconds in milliseconds.
func ms(micros int64) float64 { return float64(micros) / 1000 }

// round rounds to three digits behind the point.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// writeJSON writes the report, for its owner and for programs.
func (r *report) writeJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644) // #nosec G306 -- nothing in it is secret
	}
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
