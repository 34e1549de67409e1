package main

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answering is a server in this process, which runs on the fake clock of a bubble.
type answering func(r *http.Request) error

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := f(r); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"r"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"userId":"u","userName":"n","email":"e"}`)),
	}, nil
}

// takes is a server that takes so long, or until its client gives up.
func takes(d time.Duration) answering {
	return func(r *http.Request) error {
		if !sleepUntil(r.Context(), time.Now().Add(d)) {
			return r.Context().Err()
		}
		return nil
	}
}

// reads is a journey that reads the user so many times.
func reads(n int) mix {
	return mix{journeys: []journey{{name: "reads", run: func(ctx context.Context, v *visit) error {
		for range n {
			if err := v.readUser(ctx, &person{id: "u", name: "n", email: "e"}); err != nil {
				return err
			}
		}
		return nil
	}}}, weights: []int{1}, sum: 1}
}

// newLoad is an even load of 100 a second, to change.
func newLoad(t *testing.T, s answering, m mix, o *options) *load {
	t.Helper()
	o.Rate, o.MaxInFlight, o.Drain, o.Timeout = 100, 1000, 10*time.Second, 30*time.Second
	api, err := (&transport{s}).client("http://localhost")
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCast("")
	if err != nil {
		t.Fatal(err)
	}
	return &load{
		rate: o.Rate, duration: o.Duration, drain: o.Drain, maxInFlight: o.MaxInFlight, timeout: o.Timeout,
		mix: m, api: api, cast: c, rec: newRecorder(o.Duration + o.Drain),
	}
}

func wantMS(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > want/100+0.1 {
		t.Errorf("%s is %v ms, want %v", what, got, want)
	}
}

// A server that stands still for two seconds of thirty keeps all waiting who are
// due meanwhile, 200 of 3000. One request at a time would have met the stall once,
// and its 99th percentile would be 1 ms.
func TestStallIsInThePercentiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		from, to := start.Add(10*time.Second), start.Add(12*time.Second)
		server := func(r *http.Request) error {
			if now := time.Now(); !now.Before(from) && now.Before(to) {
				time.Sleep(to.Sub(now))
			}
			return takes(time.Millisecond)(r)
		}
		o := options{Duration: 30 * time.Second}
		l := newLoad(t, server, reads(1), &o)
		l.run(t.Context())
		r := newReport(o, l.rec, false)
		if r.Requests.Count != 3000 || !r.Passed {
			t.Fatalf("%d requests, %v; want 3000 and no failures", r.Requests.Count, r.Failures)
		}
		wantMS(t, "p50", r.Requests.Response.P50, 1)
		wantMS(t, "p90", r.Requests.Response.P90, 1)
		wantMS(t, "p95", r.Requests.Response.P95, 501)  // 150 of 3000 wait longer
		wantMS(t, "p99", r.Requests.Response.P99, 1701) // 30 do
		wantMS(t, "max", r.Requests.Response.Max, 2001)
		wantMS(t, "lag", r.Lag.Max, 0)
		// They are told of when they were due, and answered when they were.
		wantMS(t, "p50 of the 11th second", r.Timeline[10].P50, 1500)
		if got := r.Timeline[11].Answered; got != 0 {
			t.Errorf("%d answers in the 12th second, want none", got)
		}
		if got := r.Timeline[12].Answered; got < 299 {
			t.Errorf("%d answers in the second after the stall, want those of three seconds", got)
		}
	})
}

// A later request is due when the answer before it has come and the think time is
// over; a journey is as long as its requests.
func TestThinkTimeIsNobodysFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options{Duration: time.Second}
		l := newLoad(t, takes(20*time.Millisecond), reads(3), &o)
		l.think = 300 * time.Millisecond
		start := time.Now()
		l.run(t.Context())
		if got, want := time.Since(start), 990*time.Millisecond+3*20*time.Millisecond+2*l.think; got != want {
			t.Errorf("all was over after %s, want %s", got, want)
		}
		r := newReport(o, l.rec, false)
		if r.Requests.Count != 300 || r.Journeys.Completed != 100 {
			t.Errorf("%d requests of %d journeys, want 300 of 100", r.Requests.Count, r.Journeys.Completed)
		}
		wantMS(t, "the longest request", r.Requests.Response.Max, 20)
		wantMS(t, "the longest journey", r.ByJourney[0].Response.Max, 60)
		wantMS(t, "its service", r.ByJourney[0].Service.Max, 60)
	})
}

// What is sent late was waited for: that is in the response time, and not in the
// service time.
func TestLateStartIsResponseTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options{Duration: time.Second}
		l := newLoad(t, takes(20*time.Millisecond), reads(2), &o)
		l.rec.begin(time.Now())
		v := l.newVisit(0, "late", time.Now().Add(-3*time.Second))
		v.travel(t.Context(), l.mix.journeys[0])
		l.rec.stopArrivals(time.Now())
		r := newReport(o, l.rec, false)
		wantMS(t, "the lag", r.Lag.Max, 3000)
		wantMS(t, "the response time of the first request", r.Requests.Response.Max, 3020)
		wantMS(t, "that of the second", r.Requests.Response.P50, 20)
		wantMS(t, "the service time", r.Requests.Service.Max, 20)
		wantMS(t, "the journey's response time", r.ByJourney[0].Response.Max, 3040)
		wantMS(t, "the journey's service time", r.ByJourney[0].Service.Max, 40)
		if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "late") {
			t.Errorf("warnings are %q, want one of the lag", r.Warnings)
		}
	})
}

// Two of one client's requests are due at the same time, and its journey goes on
// after the slower one.
func TestTwiceGoesOnAfterTheSlower(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options{Duration: time.Second}
		l := newLoad(t, takes(20*time.Millisecond), reads(1), &o)
		l.rec.begin(time.Now())
		v := l.newVisit(0, "twice", time.Now())
		v.travel(t.Context(), journey{name: "twice", run: func(ctx context.Context, v *visit) error {
			return v.twice(func(v *visit, i int) error {
				return reads(1 + 2*(1-i)).journeys[0].run(ctx, v)
			})
		}})
		l.rec.stopArrivals(time.Now())
		r := newReport(o, l.rec, false)
		wantMS(t, "the journey", r.ByJourney[0].Response.Max, 60)
		wantMS(t, "the longest request", r.Requests.Response.Max, 20)
	})
}

// A server that never answers fills the places; the rest is dropped and counted,
// and those under way are cut after the drain with the time that they have waited.
func TestTooManyInFlightAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options{Duration: 8 * time.Second}
		l := newLoad(t, takes(time.Hour), reads(1), &o)
		o.MaxInFlight = 10
		l.maxInFlight, l.timeout = o.MaxInFlight, time.Minute
		var stderr bytes.Buffer
		live := startProgress(&stderr, l.rec, o.Duration, o.MaxInFlight)
		l.run(t.Context())
		live.stop()
		r := newReport(o, l.rec, false)
		if want := (journeyCounts{Arrived: 800, Failed: 10, Dropped: 790}); r.Journeys != want {
			t.Errorf("got %+v, want %+v", r.Journeys, want)
		}
		if got := r.verdict(); got == nil || !strings.Contains(got.Error(), "DROPPED 790 of 800") {
			t.Errorf("the verdict is %v, want it to tell of 790 of 800", got)
		}
		if !strings.Contains(stderr.String(), "DROPPING") || strings.Index(stderr.String(), "DROPPING") > strings.Index(stderr.String(), "8 of 8 s") {
			t.Errorf("progress does not say at once that journeys are dropped:\n%s", &stderr)
		}
		want := []errorRow{{Operation: opUser, Code: codeUnfinished, Count: 10}}
		if len(r.Errors) != 1 || r.Errors[0] != want[0] {
			t.Errorf("errors are %+v, want %+v", r.Errors, want)
		}
		if r.Requests.Response.Count != 10 || r.Requests.Response.P50 < 17_900 {
			t.Errorf("%+v, want the 10 requests to have waited for the 8 s and the drain of 10 s", r.Requests.Response)
		}
	})
}

// A request that times out has taken at least so long.
func TestTimeOutsAreInThePercentiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options{Duration: time.Second}
		l := newLoad(t, takes(time.Hour), reads(1), &o)
		l.timeout = 3 * time.Second
		l.run(t.Context())
		r := newReport(o, l.rec, false)
		wantMS(t, "p50", r.Requests.Response.P50, 3000)
		if len(r.Errors) != 1 || r.Errors[0].Code != codeTimedOut || r.Errors[0].Count != 100 || r.verdict() == nil {
			t.Errorf("errors are %+v, want 100 of %s", r.Errors, codeTimedOut)
		}
	})
}

// Ctrl-C ends the arrivals; journeys under way end in peace.
func TestInterruptedRunIsMeasured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2995*time.Millisecond, cancel)
		o := options{Duration: 10 * time.Second}
		l := newLoad(t, takes(50*time.Millisecond), reads(1), &o)
		l.run(ctx)
		r := newReport(o, l.rec, ctx.Err() != nil)
		if want := (journeyCounts{Arrived: 300, Completed: 300}); r.Journeys != want {
			t.Errorf("got %+v, want %+v", r.Journeys, want)
		}
		if err := r.verdict(); err == nil || !strings.Contains(err.Error(), "interrupted after 3.0 of 10.0 s") {
			t.Errorf("the verdict is %v, want it to say that the run was interrupted", err)
		}
		if got := r.Requests.Rate; math.Abs(got-100) > 1 {
			t.Errorf("the rate is %v, want the 100 a second until then", got)
		}
	})
}

// A journey that is cut while it thinks has failed, though each of its requests
// was answered.
func TestJourneyCutInThoughtFailsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options{Duration: time.Second}
		l := newLoad(t, takes(time.Millisecond), reads(2), &o)
		l.think = time.Minute
		l.run(t.Context())
		r := newReport(o, l.rec, false)
		if err := r.verdict(); err == nil || !strings.Contains(err.Error(), "100 journeys were not over") {
			t.Errorf("the verdict is %v, want 100 journeys that were not over", err)
		}
	})
}
