package server_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page at /docs may run its own scripts and call its own server. What it then
// does in a browser is tested in cmd/nestdev/browser.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	got := a.get("/docs", "").want(t, 200)
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	} {
		if value := got.header.Get(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	if bytes.Contains(got.body, []byte("//")) || bytes.Contains(got.body, []byte("{{")) {
		t.Errorf("the page links to another machine, or nowhere:\n%s", got.body)
	}
	head := a.send(request{method: "HEAD", path: "/docs"}).want(t, 200)
	if head.header.Get("ETag") != got.header.Get("ETag") || len(head.body) != 0 {
		t.Errorf("HEAD: ETag %s and %d bytes, want %s and none", head.header.Get("ETag"), len(head.body), got.header.Get("ETag"))
	}
	a.send(request{method: "GET", path: "/docs", header: http.Header{"If-None-Match": {got.header.Get("ETag")}}}).want(t, 304)
	a.send(request{method: "POST", path: "/docs"}).want(t, 405).problem(t, 405, "method_not_allowed")
	a.get("/docs/", "").problem(t, 404, "not_found")
	a.get("/docs/scalar.js", "").problem(t, 404, "not_found")
}

// A script is the same to every client, compressed or not, and may be kept for
// ever: its path changes with it.
func TestDocsScripts(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	scripts := regexp.MustCompile(`src="(docs/(\w+)\.[0-9a-f]{32}\.js)"`).FindAllSubmatch(a.get("/docs", "").body, -1)
	if len(scripts) != 2 {
		t.Fatalf("the page has the scripts %q, want two", scripts)
	}
	for _, s := range scripts {
		path, name := "/"+string(s[1]), string(s[2])
		plain := script(t, a.url+path, "br, gzip;q=0")
		for header, want := range map[string]string{
			"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable", "Content-Encoding": "",
		} {
			if value := plain.header.Get(header); value != want {
				t.Errorf("%s: %s is %q, want %q", name, header, value, want)
			}
		}
		packed := script(t, a.url+path, "br, gzip")
		a.send(request{method: "GET", path: path, header: http.Header{
			"Accept-Encoding": {"gzip"}, "If-None-Match": {packed.header.Get("ETag")},
		}}).want(t, 304)
		if packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("Vary") != "Accept-Encoding" || plain.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: compressed, the headers are %v, else %v", name, packed.header, plain.header)
		}
		if packed.header.Get("ETag") == plain.header.Get("ETag") {
			t.Errorf("%s: compressed or not, the ETag is %s", name, plain.header.Get("ETag"))
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(packed.body))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(text, plain.body) {
			t.Errorf("%s: compressed, it is another script (%v)", name, err)
		}
		if name == "scalar" {
			checkFetched(t, plain.body)
		}
	}
}

// script gets a script as it is: unlike an answer of the API, it is full of what
// looks like somebody's data.
func script(t *testing.T, url, encodings string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", encodings)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d, %v", url, res.StatusCode, err)
	}
	return answer{res.StatusCode, res.Header, body}
}

// checkFetched compares a script with the sum of the one that docs/fetch.sh
// fetches.
func checkFetched(t *testing.T, script []byte) {
	t.Helper()
	fetch, err := os.ReadFile("docs/fetch.sh")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(script)
	if line := "\nsha256=" + hex.EncodeToString(sum[:]) + "\n"; !strings.Contains(string(fetch), line) {
		t.Errorf("docs/scalar.js.gz is not what docs/fetch.sh fetches: it has %s", strings.TrimSpace(line))
	}
}
