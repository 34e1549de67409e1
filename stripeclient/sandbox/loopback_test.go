package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// send makes a request with a valid key, and returns the status and the body.
func (b *bench) send(method, path string, header http.Header) (int, string) {
	b.Helper()
	h := header.Clone()
	h.Set("Authorization", "Bearer "+testKey)
	response, body := b.browse(method, path, nil, h)
	return response.StatusCode, body
}

// Whatever the path, a name that is not of this machine and a page of another
// site are refused, and nothing happens.
func TestForeignSitesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	b.broken = true // Stripe has no 403 of this kind for a call without an account
	foreign := map[string]http.Header{
		"a rebound name":                 {"Host": {"evil.example:12111"}},
		"a rebound name of its own":      {"Host": {"evil.example"}, "Origin": {"http://evil.example"}},
		"a name that begins like ours":   {"Host": {"localhost.evil.example"}},
		"a name that ends like ours":     {"Host": {"evillocalhost"}},
		"an address that is not ours":    {"Host": {"192.0.2.1"}},
		"all interfaces":                 {"Host": {"0.0.0.0:12111"}},
		"a user before our name":         {"Host": {"evil@localhost"}},
		"a port that is no number":       {"Host": {"localhost:evil.example"}},
		"a page of another site":         {"Origin": {"https://evil.example"}},
		"a page that begins like ours":   {"Origin": {"http://127.0.0.1.evil.example"}},
		"a page without an origin":       {"Origin": {"null"}},
		"a script of another site":       {"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}},
		"our name and the page's origin": {"Host": {"localhost"}, "Origin": {"http://evil.example"}},
	}
	for name, header := range foreign {
		for _, path := range []string{
			"GET /", "GET /v1/customers", "POST /v1/customers", "DELETE /v1/customers/cus_x", "OPTIONS /v1/customers",
			"GET /_sandbox/", "GET /_sandbox/live", "GET /_sandbox/journal", "DELETE /_sandbox/faults",
			"POST /_sandbox/failures/disarm", "GET /_sandbox/dashboard/assets/style.css", "GET /nothing",
		} {
			method, target, _ := strings.Cut(path, " ")
			if status, body := b.send(method, target, header); status != http.StatusForbidden {
				t.Errorf("%s: %s: got %d, want 403\n%s", name, path, status, body)
			}
		}
	}
	if got := b.sandbox.Customers(); len(got) != 0 {
		t.Errorf("got customers %v, want none", got)
	}
}

func TestThisMachineIsAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for name, header := range map[string]http.Header{
		"a name":                             {"Host": {"localhost:1"}},
		"a name in capitals":                 {"Host": {"LOCALHOST"}},
		"a name below localhost":             {"Host": {"sandbox.localhost:80"}},
		"another loopback address":           {"Host": {"127.1.2.3"}},
		"IPv6":                               {"Host": {"[::1]:80"}},
		"a page of this machine":             {"Origin": {"http://localhost:3000"}, "Sec-Fetch-Site": {"cross-site"}},
		"a page of this machine over https":  {"Origin": {"https://[::1]:3000"}},
		"a link on another site is followed": {"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}},
	} {
		if status, body := b.send("GET", "/v1/customers", header); status != http.StatusOK {
			t.Errorf("%s: got %d, want 200\n%s", name, status, body)
		}
	}
}

// The stream says when something happens: only the dashboard's own pages read it.
func TestOnlyTheDashboardReadsItsStream(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for name, header := range map[string]http.Header{
		"a page on another port":   {"Origin": {"http://127.0.0.1:3000"}},
		"a page that is same-site": {"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"cors"}},
	} {
		if response, _ := b.browse("GET", "/_sandbox/live", nil, header); response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403", name, response.StatusCode)
		}
	}
}

func TestLoopbackOnlyGuardsAnyHandler(t *testing.T) {
	t.Parallel()
	served := 0
	h := sandbox.LoopbackOnly(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
	for target, want := range map[string]int{"http://127.0.0.1:8080/user": 200, "http://evil.example/user": 403, "http://[fe80::1]/user": 403} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", target, nil))
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", target, w.Code, want)
		}
	}
	if served != 1 {
		t.Errorf("got %d requests served, want 1", served)
	}
}
