package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/yaml"
)

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, path := range []string{"/", "/nope", "/users", "/user/", "//user", "/user/" + me.id + "/payments", "/payment/confirm/x", "/webhook", "/USER", "/user/5f9f%2f1c"} {
		got := a.get(path, me.token)
		if path == "/user/5f9f%2f1c" { // one segment, and no id
			got.problem(t, 400, "invalid_request")
			continue
		}
		got.problem(t, 404, "not_found")
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	given := a.send(request{method: "GET", path: "/user", header: http.Header{"X-Request-Id": {"from-the-gateway.1"}}})
	if got := given.problem(t, 401, "unauthenticated")["instance"]; got != "from-the-gateway.1" {
		t.Errorf("instance is %v, want the id that the gateway gave", got)
	}
	for _, bad := range []string{"line\tbreak", strings.Repeat("a", 129), "<script>"} {
		got := a.send(request{method: "GET", path: "/user", header: http.Header{"X-Request-Id": {bad}}})
		id := got.header.Get("X-Request-Id")
		if !strings.HasPrefix(id, "req_") || got.object(t)["instance"] != id {
			t.Errorf("id is %q, want one that the server made", id)
		}
	}
}

// What is served is the source, in both formats, operationIds and all, and caches
// can tell when it changes.
func TestServedSpec(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	root, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := yaml.YAMLToJSON(root)
	if err != nil {
		t.Fatal(err)
	}
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	etags := map[string]bool{}
	for path, contentType := range map[string]string{"/openapi.yaml": "application/yaml", "/openapi.json": "application/json"} {
		served := a.get(path, "").want(t, 200)
		if path == "/openapi.yaml" && string(served.body) != string(root) {
			t.Error("/openapi.yaml is not the source")
		}
		if path == "/openapi.json" && !sameJSON(t, served.body, asJSON) {
			t.Error("/openapi.json says something else than the source")
		}
		spec, err := openapi3.NewLoader().LoadFromData(served.body)
		if err != nil {
			t.Fatal(err)
		}
		if spec.Info.Version != c.spec.Info.Version {
			t.Errorf("%s is version %s, want %s", path, spec.Info.Version, c.spec.Info.Version)
		}
		for template, item := range c.spec.Paths.Map() {
			for method, op := range item.Operations() {
				if id := spec.Paths.Value(template).GetOperation(method).OperationID; id != op.OperationID {
					t.Errorf("%s: the operationId of %s %s is %q, want %q", path, method, template, id, op.OperationID)
				}
			}
		}
		// To be kept by caches, and asked for every time whether it is still the same.
		etag := served.header.Get("ETag")
		for name, want := range map[string]string{"Content-Type": contentType, "Cache-Control": "no-cache", "ETag": etag} {
			if got := served.header.Get(name); got != want || got == "" {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		etags[etag] = true
		for known, want := range map[string]int{etag: 304, "W/" + etag: 304, `"a", ` + etag: 304, "*": 304, `"a"`: 200, "": 200} {
			got := a.send(request{method: "GET", path: path, header: http.Header{"If-None-Match": {known}}})
			if got.status != want || got.header.Get("ETag") != etag || want == 304 && len(got.body) > 0 {
				t.Errorf("%s: If-None-Match: %s: status %d, ETag %s, %d bytes; want %d", path, known, got.status, got.header.Get("ETag"), len(got.body), want)
			}
		}
		head := a.send(request{method: "HEAD", path: path}).want(t, 200)
		if len(head.body) > 0 || head.header.Get("ETag") != etag || head.header.Get("Content-Length") != fmt.Sprint(len(served.body)) {
			t.Errorf("HEAD %s: %v", path, head.header)
		}
		a.send(request{method: "POST", path: path}).problem(t, 405, "method_not_allowed")
		part := a.send(request{method: "GET", path: path, header: http.Header{"Range": {"bytes=0-9"}}}).want(t, 206)
		if string(part.body) != string(served.body[:10]) {
			t.Errorf("the first ten bytes of %s are %q", path, part.body)
		}
	}
	if len(etags) != 2 {
		t.Errorf("ETags are %v: two representations have two", etags)
	}
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	got := a.get("/.well-known/jwks.json", "").want(t, 200)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(got.body, &set); err != nil || len(set.Keys) != 1 || set.Keys[0]["kty"] != "RSA" {
		t.Fatalf("the key set is %s", got.body)
	}
	if _, private := set.Keys[0]["d"]; private {
		t.Error("the key set holds the private key")
	}
	if cache := got.header.Get("Cache-Control"); cache != "public, max-age=300" {
		t.Errorf("Cache-Control is %q", cache)
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	canonical := func(text []byte) string {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	return canonical(a) == canonical(b)
}
