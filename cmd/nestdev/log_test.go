package main

import (
	"bytes"
	"log/slog"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func TestRequestsAreLoggedAsOneShortLine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		attrs []any
		want  string
	}{
		{"a decline", []any{"method", "POST", "route", "/payment/confirm", "status", 402, "durationMs", 34.6,
			"code", "payment_declined", "requestId", "req_1", "storeCalls", 3, "stripeCalls", 1},
			`^\d\d:\d\d:\d\d INF POST /payment/confirm 402 payment_declined 35ms 3×db 1×stripe\n$`},
		{"a page", []any{"method", "GET", "route", "/docs", "status", 200, "durationMs", 0.2},
			`^\d\d:\d\d:\d\d INF GET /docs 200 0ms\n$`},
		{"a failure", []any{"method", "GET", "route", "/user", "status", 500, "durationMs", 1.0, "requestId", "req_1", "error", "disk full"},
			`^\d\d:\d\d:\d\d INF GET /user 500 1ms requestId=req_1 error="disk full"\n$`},
	} {
		var out bytes.Buffer
		newLog(&out, slog.LevelInfo).Info("request", tc.attrs...)
		if !regexp.MustCompile(tc.want).MatchString(out.String()) {
			t.Errorf("%s: got %q, want a match of %s", tc.name, &out, tc.want)
		}
	}
	var out bytes.Buffer
	newLog(&out, slog.LevelWarn).Info("request")
	if out.Len() > 0 {
		t.Errorf("logged below the level: %q", &out)
	}
}

// The tour that nestdev prints runs twice, and the log shows its calls to Stripe.
func TestTheTourRunsTwice(t *testing.T) {
	t.Parallel()
	d := startDev(t, t.TempDir())
	tour := regexp.MustCompile(`A tour, in another terminal:\n\n((?:  .*\n)+)`).FindStringSubmatch(d.out.String())
	if tour == nil {
		t.Fatalf("no tour in the welcome:\n%s", d.out)
	}
	for range 2 {
		out, err := exec.CommandContext(t.Context(), "bash", "-ec", tour[1]).CombinedOutput()
		if err != nil || strings.Count(string(out), `"status":"succeeded"`) != 2 {
			t.Fatalf("the tour ended with %v:\n%s\nwant one payment that succeeded", err, out)
		}
	}
	d.end(t)
	if !regexp.MustCompile(`POST /payment/confirm 201 \d+ms \d×db 1×stripe`).MatchString(d.out.String()) {
		t.Errorf("no line for the confirmation and its call to Stripe:\n%s", d.out)
	}
}
