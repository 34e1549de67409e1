package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// writeText prints the report for people. What cannot be printed is lost.
func (r *report) writeText(w io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d journeys arrived in %.1f s, %.1f a second of %.1f asked (%s, seed %d): %d completed, %d failed, %d dropped.\n",
		r.Journeys.Arrived, r.Seconds, float64(r.Journeys.Arrived)/max(r.Seconds, 0.001), r.Load.Rate, r.Load.Arrivals, r.Load.Seed,
		r.Journeys.Completed, r.Journeys.Failed, r.Journeys.Dropped)
	fmt.Fprintf(&b, "Their first requests were sent late by %s ms at the median, %s at the 99th percentile, %s at most.\n",
		short(r.Lag.P50), short(r.Lag.P99), short(r.Lag.Max))

	response := func(w row) latency { return w.Response }
	service := func(w row) latency { return w.Service }
	requests := append(r.ByOperation[:len(r.ByOperation):len(r.ByOperation)], r.Requests)
	writeRows(&b, "Response time of requests, in ms from when they were due", requests, response)
	writeRows(&b, "Service time of requests, in ms from when they were sent", requests, service)
	writeRows(&b, "Response time of journeys, in ms without think time", r.ByJourney, response)
	writeRows(&b, "Service time of journeys, in ms without think time", r.ByJourney, service)

	if len(r.Errors) > 0 {
		b.WriteString("\nErrors\n")
		for _, e := range r.Errors {
			fmt.Fprintf(&b, "  %6d  %s", e.Count, e.Operation)
			if e.Status != 0 {
				fmt.Fprintf(&b, "  %d", e.Status)
			}
			fmt.Fprintf(&b, "  %s", e.Code)
			if e.Detail != "" {
				fmt.Fprintf(&b, ": %s", e.Detail)
			}
			b.WriteByte('\n')
		}
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "\nWARNING: %s.\n", warning)
	}
	for _, failure := range r.Failures {
		fmt.Fprintf(&b, "\nFAILED: %s.\n", failure)
	}
	if r.Passed {
		b.WriteString("\nPassed: every journey was made, and every answer was right.\n")
	}
	_, _ = io.WriteString(w, b.String())
}

func writeRows(b *strings.Builder, title string, rows []row, of func(row) latency) {
	fmt.Fprintf(b, "\n%s\n  %-32s %7s %6s %7s %7s %8s %8s %8s %8s %8s %8s %8s\n", title, "",
		"count", "errors", "limited", "rate/s", "mean", "p50", "p90", "p95", "p99", "p99.9", "max")
	for _, r := range rows {
		l := of(r)
		fmt.Fprintf(b, "  %-32s %7d %6d %7d %7.1f", r.Name, r.Count, r.Errors, r.Limited, r.Rate)
		for _, v := range []float64{l.Mean, l.P50, l.P90, l.P95, l.P99, l.P999, l.Max} {
			text := "-"
			if l.Count > 0 {
				text = short(v)
			}
			fmt.Fprintf(b, " %8s", text)
		}
		b.WriteByte('\n')
	}
}

// short is a time in ms with as many digits as are of use.
func short(ms float64) string {
	switch {
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 2, 64)
	case ms < 100:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return strconv.FormatFloat(ms, 'f', 0, 64)
}
