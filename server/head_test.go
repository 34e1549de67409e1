package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// HEAD is answered wherever GET is, with the same status and headers and without a
// body, and Allow lists it there and nowhere else.
func TestHeadWhereverGetWorks(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "head")
	paths := map[string]bool{ // by whether GET works
		"/livez": true, "/readyz": true, "/docs": true, "/openapi.yaml": true, "/openapi.json": true, "/.well-known/jwks.json": true, "/problems": true,
		"/problems/internal": true, "/user": true, "/user/" + me.id: true, "/payment": true, "/payment/" + id: true, "/payment/pi_unknown": true, "/user/42": true,
		"/user?limit=0": true, "/user/login": false, "/user/register": false, "/payment/confirm": false, "/webhook/stripe": false,
	}
	for path, works := range paths {
		for _, token := range []string{me.token, "", "garbage"} {
			get, head := a.get(path, token), a.send(request{method: "HEAD", path: path, token: token})
			if len(head.body) > 0 || head.status != get.status {
				t.Errorf("HEAD %s: status %d and %d bytes, GET has status %d", path, head.status, len(head.body), get.status)
			}
			for name := range get.header {
				changes := slices.Contains([]string{"Date", "X-Request-Id", "Content-Length", "Ratelimit-Remaining", "Ratelimit-Reset"}, name)
				if got := head.header.Get(name); got != get.header.Get(name) && !changes {
					t.Errorf("HEAD %s: %s is %q, GET has %q", path, name, got, get.header.Get(name))
				}
			}
		}
		allow := a.send(request{method: "OPTIONS", path: path}).want(t, 204).header.Get("Allow")
		refused := a.send(request{method: "PUT", path: path}).want(t, 405).header.Get("Allow")
		if listed := strings.Contains(allow, "HEAD"); listed != works || sortedList(allow) != sortedList(refused) {
			t.Errorf("%s: OPTIONS allows %q and a 405 %q, want HEAD: %t", path, allow, refused, works)
		}
	}
	a.send(request{method: "HEAD", path: "/nope"}).want(t, 404)
	got := a.send(request{method: "HEAD", path: "/user/login", header: http.Header{"Accept": {"text/html"}}}).want(t, 405)
	if got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("Content-Type is %q", got.header.Get("Content-Type"))
	}
}
