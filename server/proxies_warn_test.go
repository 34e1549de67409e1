package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
)

func TestAForwardingPeerThatIsNotTrustedIsReportedOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		trusted   []string
		forwarded []string
		want      int
	}{
		{"no proxies are trusted", nil, []string{"192.0.2.77"}, 1},
		{"others are trusted", []string{"10.0.0.0/8"}, []string{"192.0.2.77"}, 1},
		{"the peer is trusted", []string{"10.0.0.0/8", "127.0.0.0/8"}, []string{"192.0.2.77"}, 0},
		{"nothing is forwarded", nil, nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, setup{noWebhooks: true, change: func(c *server.Config) { c.TrustedProxies = tc.trusted }})
			for range 3 {
				a.send(request{method: "GET", path: "/user", header: http.Header{"X-Forwarded-For": tc.forwarded}}).want(t, 401)
			}
			logs := a.logs.String()
			if got := strings.Count(logs, "TRUSTED_PROXIES"); got != tc.want {
				t.Errorf("%d warnings, want %d", got, tc.want)
			}
			if strings.Contains(logs, "192.0.2.77") || strings.Contains(logs, "127.0.0.1") {
				t.Error("the log has an address")
			}
		})
	}
}
