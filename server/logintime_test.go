package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
)

// BenchmarkLoginTime compares how long a failed login takes for an email that
// somebody has and for one that nobody has, one of each by turns, at the real
// cost of a hash. The nearer unknown/known, the ratio of the means, is to 1, the
// less time tells. On a machine with other work the ratio of the medians is the
// steadier one.
//
//	go test -run '^$' -bench LoginTime -benchtime 200x ./server
func BenchmarkLoginTime(b *testing.B) {
	a := start(b, setup{noWebhooks: true, change: func(c *server.Config) {
		c.Passwords, c.Logger = auth.HasherConfig{}, slog.New(slog.DiscardHandler)
	}})
	known, unknown := a.register().email, "nobody@example.org"
	handler := *a.handler.Load()
	fail := func(email string) time.Duration {
		r := httptest.NewRequest("POST", "/user/login", strings.NewReader(`{"email":"`+email+`","password":"not the password"}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		started := time.Now()
		handler.ServeHTTP(w, r)
		took := time.Since(started)
		if w.Code != http.StatusUnauthorized {
			b.Fatalf("status is %d, want 401: %s", w.Code, w.Body)
		}
		return took
	}
	// The first of each finds caches cold and prunes.
	fail(known)
	fail(unknown)
	var ofKnown, ofUnknown []time.Duration
	for b.Loop() {
		// Neither has the better place.
		if len(ofKnown)%2 == 0 {
			ofKnown = append(ofKnown, fail(known))
			ofUnknown = append(ofUnknown, fail(unknown))
		} else {
			ofUnknown = append(ofUnknown, fail(unknown))
			ofKnown = append(ofKnown, fail(known))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(mean(ofKnown).Microseconds()), "µs/known")
	b.ReportMetric(float64(mean(ofUnknown).Microseconds()), "µs/unknown")
	b.ReportMetric(float64(mean(ofUnknown))/float64(mean(ofKnown)), "unknown/known")
	b.ReportMetric(float64(median(ofUnknown))/float64(median(ofKnown)), "medians")
}

func mean(all []time.Duration) (m time.Duration) {
	for _, d := range all {
		m += d
	}
	return m / time.Duration(len(all))
}

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}
