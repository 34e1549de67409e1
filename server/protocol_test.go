package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/yaml"

	"github.com/nestpayments/nestpayments/gen"
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

// A path answers the methods of the spec, OPTIONS, and 405 to every other, with
// what it does take. Static paths are not taken for paths with a parameter.
func TestMethods(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for path, allow := range map[string]string{
		"/user": "GET, OPTIONS, POST", "/user/register": "OPTIONS, POST", "/user/login": "OPTIONS, POST",
		"/payment": "GET, OPTIONS, POST", "/payment/confirm": "OPTIONS, POST", "/webhook/stripe": "OPTIONS, POST",
		"/user/" + me.id: "DELETE, GET, OPTIONS, PATCH", "/payment/pi_1": "GET, OPTIONS",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "QUERY", "PROPFIND"} {
			takes := strings.Contains(allow, method)
			if takes && method != "OPTIONS" {
				continue
			}
			got := a.send(request{method: method, path: path, token: me.token})
			if method == "OPTIONS" {
				got.want(t, 204)
			} else {
				got.want(t, 405)
			}
			if method != "OPTIONS" && method != "HEAD" {
				got.problem(t, 405, "method_not_allowed")
			}
			if set := sortedList(got.header.Get("Allow")); set != allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, set, allow)
			}
		}
	}
}

func TestHeadersOnEveryAnswer(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, got := range []answer{
		a.get("/user", me.token), a.get("/user", ""), a.get("/nope", ""), a.send(request{method: "PUT", path: "/user"}),
		a.get("/livez", ""), a.post("/user/login", "", "{"),
	} {
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
		} {
			if value := got.header.Get(name); value != want {
				t.Errorf("status %d: %s is %q, want %q", got.status, name, value, want)
			}
		}
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

// What is served is the source, in both formats, operationIds and all.
func TestServedSpec(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	source := a.get("/openapi.yaml", "").want(t, 200)
	if string(source.body) != string(gen.OpenAPI) {
		t.Error("/openapi.yaml is not the source")
	}
	served := a.get("/openapi.json", "").want(t, 200)
	want, err := yaml.YAMLToJSON(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if !sameJSON(t, served.body, want) {
		t.Error("/openapi.json says something else than the source")
	}
	spec, err := openapi3.NewLoader().LoadFromData(served.body)
	if err != nil {
		t.Fatal(err)
	}
	if op := spec.Paths.Find("/user").Post.OperationID; op != "UserController_create" {
		t.Errorf("operationId is %q", op)
	}
	again := a.send(request{method: "GET", path: "/openapi.yaml", header: http.Header{"If-None-Match": {source.header.Get("ETag")}}})
	again.want(t, 304)
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
