package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
)

const shop = "https://shop.example.com"

func startForPages(t *testing.T) *api {
	t.Helper()
	return start(t, setup{noWebhooks: true, change: func(c *server.Config) { c.Origins = []string{"http://localhost:3000", shop} }})
}

// preflight asks as a browser does before it sends the method with the headers.
func (a *api) preflight(path, origin, method string) answer {
	a.t.Helper()
	return a.send(request{method: "OPTIONS", path: path, header: http.Header{
		"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {"authorization,content-type"},
	}})
}

// corsHeaders are the headers of CORS that the answer has.
func corsHeaders(got answer) (names []string) {
	for name := range got.header {
		if strings.HasPrefix(name, "Access-Control-") {
			names = append(names, name)
		}
	}
	return names
}

func headerSet(got answer, name string) string {
	items := strings.Split(strings.ReplaceAll(strings.Join(got.header.Values(name), ","), " ", ""), ",")
	slices.Sort(items)
	return strings.Join(items, " ")
}

func TestPreflightTellsWhatAPathTakes(t *testing.T) {
	t.Parallel()
	a := startForPages(t)
	for path, want := range map[string]struct{ methods, headers string }{
		"/user":                          {"GET POST", "Authorization Content-Type X-Request-Id"},
		"/user/register":                 {"POST", "Content-Type X-Request-Id"},
		"/user/login":                    {"POST", "Content-Type X-Request-Id"},
		"/user/5f9f1c9b9c9c9c9c9c9c9c9c": {"DELETE GET PATCH", "Authorization Content-Type X-Request-Id"},
		"/payment":                       {"GET POST", "Authorization Content-Type X-Request-Id"},
		"/payment/pi_1":                  {"GET", "Authorization X-Request-Id"},
		"/payment/confirm":               {"POST", "Authorization Content-Type X-Request-Id"},
	} {
		got := a.preflight(path, shop, "POST").want(t, 204)
		headers := strings.Fields(want.headers + " Baggage Traceparent Tracestate")
		slices.Sort(headers)
		allow := strings.ReplaceAll(want.methods+" OPTIONS", " ", ", ")
		if strings.Contains(want.methods, "GET") {
			allow += ", HEAD"
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": shop, "Access-Control-Allow-Methods": want.methods, "Access-Control-Allow-Headers": strings.Join(headers, " "),
			"Access-Control-Max-Age": "600", "Access-Control-Allow-Credentials": "",
			"Vary":  "Access-Control-Request-Headers Access-Control-Request-Method Origin",
			"Allow": sortedList(allow),
		} {
			value := headerSet(got, name)
			if name == "Allow" {
				value = sortedList(got.header.Get("Allow"))
			}
			if value != want {
				t.Errorf("%s: %s is %q, want %q", path, name, value, want)
			}
		}
		if len(got.body) != 0 || got.header.Get("Content-Type") != "" {
			t.Errorf("%s: a 204 with a body or a Content-Type: %s", path, got.body)
		}
	}
}

// A page may read the answers, failures too, and the headers that clients need.
func TestAnswersToPages(t *testing.T) {
	t.Parallel()
	a := startForPages(t)
	me := a.register()
	for _, origin := range []string{shop, "http://localhost:3000"} {
		header := http.Header{"Origin": {origin}}
		for status, r := range map[int]request{
			200: {method: "GET", path: "/user", token: me.token, header: header},
			401: {method: "GET", path: "/user", header: header},
			404: {method: "GET", path: "/payment/pi_unknown", token: me.token, header: header},
			405: {method: "PUT", path: "/user/login", header: header},
			400: {method: "POST", path: "/user/login", body: "{", header: header},
		} {
			got := a.send(r).want(t, status)
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "", "Vary": "Origin",
				"Access-Control-Expose-Headers": "Link Location RateLimit-Limit RateLimit-Remaining RateLimit-Reset Retry-After X-Request-Id",
			} {
				if value := headerSet(got, name); value != want {
					t.Errorf("%d: %s is %q, want %q", status, name, value, want)
				}
			}
		}
	}
}

func TestForeignOriginsGetNoCORSHeaders(t *testing.T) {
	t.Parallel()
	a := startForPages(t)
	me := a.register()
	for _, origin := range []string{
		"https://evil.example.com", "http://shop.example.com", shop + ".evil.com", "https://shop.example.com:8443", "null", "*", "HTTPS://SHOP.EXAMPLE.COM",
	} {
		for _, got := range []answer{
			a.preflight("/user", origin, "POST").want(t, 204),
			a.preflight("/user/register", origin, "POST").want(t, 204),
			a.send(request{method: "GET", path: "/user", token: me.token, header: http.Header{"Origin": {origin}}}).want(t, 200),
		} {
			if names := corsHeaders(got); len(names) > 0 {
				t.Errorf("%s is given %v", origin, names)
			}
			if !slices.Contains(got.header.Values("Vary"), "Origin") {
				t.Errorf("%s: Vary is %v, want Origin in it", origin, got.header.Values("Vary"))
			}
		}
	}
	// Nor is one who names no origin.
	got := a.get("/user", me.token).want(t, 200)
	if names := corsHeaders(got); len(names) > 0 || got.header.Get("Vary") != "Origin" {
		t.Errorf("without an origin: %v, Vary %q, want none, and Vary: Origin for caches", names, got.header.Get("Vary"))
	}
}

// OPTIONS that are no preflight, and paths outside of the spec, are answered as
// ever.
func TestCORSChangesNothingElse(t *testing.T) {
	t.Parallel()
	with, without := startForPages(t), start(t, setup{noWebhooks: true})
	for _, r := range []request{
		{method: "OPTIONS", path: "/user"},
		{method: "OPTIONS", path: "/user/5f9f1c9b9c9c9c9c9c9c9c9c"},
		{method: "OPTIONS", path: "/user/login", header: http.Header{"Origin": {shop}}},
		{method: "OPTIONS", path: "/nope"},
		{method: "GET", path: "/nope", header: http.Header{"Origin": {shop}}},
		{method: "GET", path: "/user/", header: http.Header{"Origin": {shop}}},
		{method: "GET", path: "/livez", header: http.Header{"Origin": {shop}}},
		{method: "GET", path: "/openapi.yaml", header: http.Header{"Origin": {shop}}},
	} {
		got, want := with.send(r), without.send(r)
		if got.status != want.status || sortedList(got.header.Get("Allow")) != sortedList(want.header.Get("Allow")) || len(corsHeaders(got)) > 0 {
			t.Errorf("%s %s: %d, Allow %q, %v; without CORS %d, Allow %q", r.method, r.path,
				got.status, got.header.Get("Allow"), corsHeaders(got), want.status, want.header.Get("Allow"))
		}
	}
}

func TestCORSIsOffByDefault(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	for _, got := range []answer{
		a.preflight("/user", shop, "POST"), a.send(request{method: "GET", path: "/user", header: http.Header{"Origin": {shop}}}),
	} {
		if names := corsHeaders(got); len(names) > 0 || got.header.Get("Vary") != "" {
			t.Errorf("got %v, Vary %q, want none", names, got.header.Get("Vary"))
		}
	}
}
