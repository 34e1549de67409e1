package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// recorded is a small run with one of everything.
func recorded() (options, *recorder) {
	o := options{
		URL: "http://127.0.0.1:8080", Rate: 2, Duration: 3 * time.Second, Arrivals: "poisson", Seed: 7,
		Mix: map[string]int{"buyer": 1, "reader": 2}, Think: 100 * time.Millisecond, Users: 20, MaxInFlight: 3, Drain: time.Second,
	}
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newRecorder(o.Duration + o.Drain)
	r.begin(start)
	for i, f := range []*fault{
		nil, nil, nil,
		{Status: 500, Code: "internal"},
		{Status: 201, Code: codeWrong, Detail: "not the status succeeded"},
		{Code: codeTimedOut, noAnswer: true},
		{Status: 429, Code: "rate_limited"},
	} {
		r.arrive()
		due := start.Add(time.Duration(i) * 400 * time.Millisecond)
		operation := []string{opConfirm, opUser}[i%2]
		r.lateness(time.Duration(i) * time.Millisecond)
		r.request(operation, due, due.Add(time.Millisecond), due.Add(time.Duration(i+2)*100*time.Millisecond), f)
		var err error
		if f != nil {
			err = f
		}
		r.journey([]string{"buyer", "reader"}[i%2], timing{time.Duration(i+2) * 100 * time.Millisecond, time.Duration(i+1) * 100 * time.Millisecond}, err)
	}
	r.request(opLogin, start.Add(2900*time.Millisecond), start.Add(2900*time.Millisecond), start.Add(2901*time.Millisecond), &fault{Status: 429, Code: "too_many_requests"})
	r.drop()
	r.stopArrivals(start.Add(3 * time.Second))
	return o, r
}

func TestReportIsAsDocumented(t *testing.T) {
	t.Parallel()
	o, rec := recorded()
	r := newReport(o, rec, false)
	file := filepath.Join(t.TempDir(), "run.json")
	if err := r.writeJSON(file); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", got)
	var text bytes.Buffer
	r.writeText(&text)
	golden(t, "report.txt", text.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not as it was (-update, if it is meant; raise schemaVersion if a field of the JSON changed):\n%s", name, got)
	}
}

// Arrived journeys are those of the other counts, and so are requests of their
// parts.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	o, rec := recorded()
	r := newReport(o, rec, false)
	if j := r.Journeys; j.Arrived != j.Completed+j.Failed+j.Dropped {
		t.Errorf("%+v does not add up", j)
	}
	var requests, faults, limited, answered int64
	for _, row := range r.ByOperation {
		requests += row.Count
	}
	for _, e := range r.Errors {
		faults += e.Count
	}
	for _, l := range r.Limited {
		limited += l.Count
	}
	for _, p := range r.Timeline {
		answered += p.Answered
	}
	if all := r.Requests; requests != all.Count || faults != all.Errors || limited != all.Limited || answered != all.Count {
		t.Errorf("%d requests, %d errors, %d limited, %d answered; want %d, %d, %d and %[5]d", requests, faults, limited, answered, all.Count, all.Errors, all.Limited)
	}
}

func TestLimitsNameTheirVariable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ operation, code, want string }{
		{opUser, "rate_limited", "REQUEST_LIMIT"},
		{opLogin, "rate_limited", "REQUEST_LIMIT"},
		{opLogin, "too_many_requests", "LOGIN_LIMIT"},
		{opRegister, "too_many_requests", "SIGN_UP_LIMIT"},
		{opCreate, "too_many_unconfirmed_payments", "UNCONFIRMED_LIMIT"},
		{opConfirm, "too_many_declines", "DECLINE_LIMIT"},
		{opUser, codeUnreadable, ""}, // of a gateway, say
	} {
		if got := limitOf(tc.operation, tc.code); got != tc.want {
			t.Errorf("%s %s: got %q, want %q", tc.operation, tc.code, got, tc.want)
		}
	}
}

// A long run has longer slots, and never many more than ten minutes have seconds.
func TestSlotsAreBounded(t *testing.T) {
	t.Parallel()
	for most, want := range map[time.Duration]time.Duration{
		time.Second: time.Second, longest: time.Second, longest + 1: 2 * time.Second, maxDuration: 6 * time.Second,
	} {
		if got := newRecorder(most).slot; got != want {
			t.Errorf("%s: got slots of %s, want %s", most, got, want)
		}
	}
}

// Every plot is well-formed, has its titles with units, and no coordinate that is
// no number or out of the picture; also of a run without any request.
func TestPlotsAreDrawn(t *testing.T) {
	t.Parallel()
	_, some := recorded()
	none := newRecorder(time.Second)
	none.begin(time.Now())
	for name, rec := range map[string]*recorder{"some": some, "none": none} {
		dir := filepath.Join(t.TempDir(), "plots")
		if err := writePlots(dir, rec); err != nil {
			t.Fatal(err)
		}
		for file, titles := range map[string][]string{
			"percentiles.svg": {"Latency (ms)", "Percentile (%)", "response time", "service time"},
			"operations.svg":  {"Response time (ms)", "Percentile (%)"},
			"latency.svg":     {"Response time (ms)", "Time since the start (s)", "p50", "p99"},
			"throughput.svg":  {"Requests per second", "Time since the start (s)", "of these, errors"},
		} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			checkSVG(t, name+"/"+file, string(text), titles)
		}
	}
}

func checkSVG(t *testing.T, name, svg string, titles []string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s is not well-formed: %v", name, err)
		}
	}
	for _, title := range append(titles, "prefers-color-scheme: dark") {
		if !strings.Contains(svg, title) {
			t.Errorf("%s has no %q", name, title)
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Errorf("%s has a coordinate that is not a number:\n%s", name, svg)
	}
}

func TestLineIsBrokenWhereNothingIsKnown(t *testing.T) {
	t.Parallel()
	c := &chart{x: axis{ticks: []tick{{0, ""}, {10, ""}}}, y: axis{ticks: []tick{{1, ""}, {100, ""}}, log: true}}
	got := c.path([]xy{{0, 1}, {5, 10}, {6, math.NaN()}, {7, 0}, {20, 1000}})
	want := "M76.0 380.0L406.0 222.0M538.0 380.0L736.0 64.0"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTicksAreRound(t *testing.T) {
	t.Parallel()
	for high, want := range map[float64]string{
		0: "0 0.2 0.4 0.6 0.8 1.0", 1: "0 0.2 0.4 0.6 0.8 1.0", 7: "0 2 4 6 8", 45: "0 10 20 30 40 50", 1234: "0 500 1000 1500",
	} {
		if got := texts(evenTicks(high)); !strings.HasPrefix(strings.ReplaceAll(got, "0.0 ", "0 "), want) {
			t.Errorf("up to %v: got %s, want %s", high, got, want)
		}
	}
	if got, want := texts(decadeTicks(0.3, 45)), "0.1 1 10 100"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func texts(ticks []tick) string {
	var all []string
	for _, t := range ticks {
		all = append(all, t.text)
	}
	return strings.Join(all, " ")
}

// The JSON has a version, and every list is one even if it is empty.
func TestEmptyReportHasNoNulls(t *testing.T) {
	t.Parallel()
	r := newReport(options{Mix: map[string]int{}}, newRecorder(time.Second), false)
	text, err := json.Marshal(r)
	if err != nil || bytes.Contains(text, []byte("null")) || !bytes.HasPrefix(text, []byte(`{"schemaVersion":1,`)) {
		t.Errorf("%v: %s", err, text)
	}
}
