package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Characters that mean the same encoded or not are the same path (RFC 3986, section
// 2.3), in every path; all others are data.
func TestEquivalentPaths(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "paths")
	every := func(path string) string { // with every character encoded but the slashes
		var b strings.Builder
		for _, char := range []byte(path) {
			if char == '/' {
				b.WriteByte(char)
			} else {
				fmt.Fprintf(&b, "%%%02x", char)
			}
		}
		return b.String()
	}
	for _, path := range []string{
		"/payment/" + strings.Replace(id, "_", "%5F", 1), "/payment/" + strings.Replace(id, "_", "%5f", 1), every("/payment/" + id), every("/user/" + me.id),
		"/%75ser", "/us%65r?limit=1", every("/payment"), every("/livez"), every("/readyz"), every("/docs"), every("/openapi.json"), every("/.well-known/jwks.json"),
		"/problems/not%5Ffound",
	} {
		a.get(path, me.token).want(t, 200)
	}
	a.post(every("/user/login"), "", object{"email": me.email, "password": password}).want(t, 201)
	a.get(every("/user/login"), me.token).problem(t, 405, "method_not_allowed")
	for path, status := range map[string]int{
		"/user%2F" + me.id: 404, "/user/" + me.id + "%2F": 400, "/user/%2e%2e": 400, "/user/a%2Fb": 400, "/%2Fuser": 404, "/payment/pi%255F1": 400,
		"/payment/" + id + "%20": 400, "/payment/" + id + "%00": 400, "/payment/pi%EF%BC%BF1": 400, "/user/%2E%2E/livez": 404, "/payment/pi%5F1%25": 400,
	} {
		a.get(path, me.token).want(t, status)
	}
}

// What leads from one answer to the next stays below the path where a gateway serves
// the API.
func TestLinksStayBelowAPrefix(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	// lands resolves a reference against the URL that a client sent its request to.
	lands := func(path, reference string) string {
		t.Helper()
		u, err := url.Parse("https://api.example.com/prod" + path)
		if err != nil {
			t.Fatal(err)
		}
		to, err := u.Parse(reference)
		if err != nil {
			t.Fatal(err)
		}
		below, ok := strings.CutPrefix(to.String(), "https://api.example.com/prod/")
		if !ok {
			t.Errorf("from /prod%s %q leads to %s", path, reference, to)
		}
		return "/" + below
	}
	created := a.post("/user", me.token, object{"userName": "Ann", "email": "below@example.com", "password": password}).want(t, 201)
	at := lands("/user", created.header.Get("Location"))
	if got := a.get(at, me.token).want(t, 200).text(t, "userId"); got != created.text(t, "userId") {
		t.Errorf("%s is user %s", at, got)
	}
	for i := range 3 {
		paid := a.post("/payment", me.token, object{"cuid": fmt.Sprint("below", i)}).want(t, 201)
		at := lands("/payment", paid.header.Get("Location"))
		if got := a.get(at, me.token).want(t, 200).text(t, "id"); got != paid.text(t, "id") {
			t.Errorf("%s is payment %s", at, got)
		}
	}
	for _, list := range []string{"/payment", "/user"} {
		seen := 0
		for path := list + "?limit=1"; path != ""; {
			got := a.get(path, me.token)
			seen += len(got.list(t))
			link, more := strings.CutSuffix(strings.TrimPrefix(got.header.Get("Link"), "<"), `>; rel="next"`)
			if path = ""; more {
				path = lands(list+"?limit=1", link)
			}
		}
		if seen < 2 {
			t.Errorf("%s: the pages have %d items", list, seen)
		}
	}
	home := a.send(request{method: "GET", path: "/", header: http.Header{"Accept": {"text/html,*/*;q=0.8"}}}).want(t, 302)
	a.get(lands("/", home.header.Get("Location")), "").want(t, 200)
}
