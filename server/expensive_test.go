package server_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// An answer lists at most 50 violations, the same for the same request, however many
// a request has.
func TestViolationsAreBounded(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	var properties, pairs []string
	for i := range 6500 {
		properties = append(properties, fmt.Sprintf(`"k%d":1`, i))
	}
	for i := range 700 {
		pairs = append(pairs, fmt.Sprintf("k%d=1", i))
	}
	for name, r := range map[string]request{
		"properties": {method: "POST", path: "/user/login", body: "{" + strings.Join(properties, ",") + "}"},
		"a patch":    {method: "PATCH", path: "/user/" + me.id, token: me.token, body: "{" + strings.Join(properties, ",") + "}"},
		"pairs":      {method: "GET", path: "/user?" + strings.Join(pairs, "&"), token: me.token},
		"empty ones": {method: "GET", path: "/payment?" + strings.Repeat("&", 5000), token: me.token},
		"few pairs":  {method: "GET", path: "/user?" + strings.Join(pairs[:50], "&"), token: me.token},
	} {
		first, second := a.send(r).problem(t, 400, "invalid_request"), a.send(r).problem(t, 400, "invalid_request")
		if n := len(first["errors"].([]any)); n == 0 || n > 50 {
			t.Errorf("%s: %d violations are listed", name, n)
		}
		if fmt.Sprint(first["errors"]) != fmt.Sprint(second["errors"]) {
			t.Errorf("%s: the same request lists %v, then %v", name, first["errors"], second["errors"])
		}
	}
}

// A script is sent compressed to every client that does not refuse that, and no
// request makes a server send a part for each of many ranges.
func TestScriptsAreCheapToServe(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	page := string(a.get("/docs", "").want(t, 200).body)
	scripts := regexp.MustCompile(`src="(docs/\w+\.[0-9a-f]{32}\.js)"`).FindAllStringSubmatch(page, -1)
	if len(scripts) != 2 {
		t.Fatalf("the page has the scripts %q", scripts)
	}
	get := func(path string, header http.Header) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", a.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	for _, s := range scripts {
		path := "/" + s[1]
		for encodings, packed := range map[string]bool{
			"": false, "gzip": true, "GZIP ;q=0.5": true, "br, , gzip": true, "x-gzip": true, "*": true, "*;q=0": false, "identity": false, "br": false,
			"gzip;q=0, *": false, "*;q=0, gzip;q=0.001": true, "identity;q=0": false,
		} {
			if got := get(path, http.Header{"Accept-Encoding": {encodings}}).Header.Get("Content-Encoding") == "gzip"; got != packed {
				t.Errorf("%s for %q: compressed is %t, want %t", path, encodings, got, packed)
			}
		}
		unstated := get(path, http.Header{})
		if r, err := gzip.NewReader(unstated.Body); err != nil {
			t.Errorf("%s without Accept-Encoding is not compressed: %v", path, err)
		} else if _, err := io.Copy(io.Discard, r); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"/" + scripts[0][1], "/openapi.yaml", "/docs"} {
		whole := get(path, http.Header{})
		for _, ranges := range [][]string{
			{"bytes=" + strings.Repeat("0-9,", 1000) + "0-9"}, {"bytes=0-0,5-5"}, {"bytes=0-0", "bytes=5-5"},
		} {
			got := get(path, http.Header{"Range": ranges})
			if got.StatusCode != 200 || got.Header.Get("Content-Length") != whole.Header.Get("Content-Length") {
				t.Errorf("%s of %d ranges: status %d, %s bytes, want the whole", path, strings.Count(ranges[0], ",")+1, got.StatusCode, got.Header.Get("Content-Length"))
			}
		}
		if got := get(path, http.Header{"Range": {"bytes=0-9"}}); got.StatusCode != 206 || got.Header.Get("Content-Length") != "10" {
			t.Errorf("%s: one range gets status %d and %s bytes", path, got.StatusCode, got.Header.Get("Content-Length"))
		}
	}
}

// If-None-Match is a list that may take several lines, with empty elements.
func TestConditionalRequests(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	for _, path := range []string{"/openapi.yaml", "/problems", "/problems/internal"} {
		tag := a.get(path, "").want(t, 200).header.Get("ETag")
		for _, known := range [][]string{{tag}, {"W/" + tag}, {`"a"`, tag}, {`"a", W/"b"`, `,, W/` + tag}, {`"a,b", ` + tag}, {" * "}} {
			a.send(request{method: "GET", path: path, header: http.Header{"If-None-Match": known}}).want(t, 304)
		}
		a.send(request{method: "GET", path: path, header: http.Header{"If-None-Match": {`"a"`, `"b"`}}}).want(t, 200)
	}
}
