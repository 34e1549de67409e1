package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/nestpayments/nestpayments/store"
)

// The server keeps the spec's word. The tables below are what it answers to requests
// that are wrong or odd in form; they are made for every path and operation of the
// spec, so that a new one cannot be forgotten. The harness holds each answer against
// the spec.

// probe is a way to change a request, and what comes of it.
type probe struct {
	name   string
	change func(*request)
	status int
	code   string
}

// with sets a header.
func with(name string, values ...string) func(*request) {
	return func(r *request) {
		r.header = maps.Clone(r.header)
		if r.header == nil {
			r.header = http.Header{}
		}
		r.header[name] = values
	}
}

// text makes the body from the text of the good one.
func text(change func(good string) string) func(*request) {
	return func(r *request) { r.body = change(r.body.(string)) }
}

// toAny are probes of operations of every kind, toSecured of those that need a
// token, toBody of those that take a body, and toID of those that have an id in the
// path.
var (
	toAny = []probe{
		{"accepts HTML alone", with("Accept", "text/html"), 406, "not_acceptable"},
		{"accepts everything but JSON", with("Accept", "application/json;q=0, text/*"), 406, "not_acceptable"},
		{"an unknown query parameter", func(r *request) { r.path += "?foo=1" }, 400, "invalid_request"},
		{"a query that cannot be read", func(r *request) { r.path += "?%zz" }, 400, "invalid_request"},
	}
	toSecured = []probe{
		{"no token", func(r *request) { r.token = "" }, 401, "unauthenticated"},
		{"a token that is none", func(r *request) { r.token = "none" }, 401, "token_invalid"},
		{"another scheme", with("Authorization", "Basic YTpi"), 401, "unauthenticated"},
		{"no token, and more amiss", func(r *request) { r.token, r.body = "", "{"; r.path += "?foo=1" }, 401, "unauthenticated"},
	}
	toBody = []probe{
		{"plain text", with("Content-Type", "text/plain"), 415, "unsupported_media_type"},
		{"of no type", with("Content-Type"), 415, "unsupported_media_type"},
		{"in Latin-1", with("Content-Type", "application/json; charset=iso-8859-1"), 415, "unsupported_media_type"},
		{"compressed", with("Content-Encoding", "gzip"), 415, "unsupported_media_type"},
		{"too large, with its length", func(r *request) { r.body = tooLarge }, 413, "body_too_large"},
		{"too large, in chunks", func(r *request) { r.body = &chunks{strings.NewReader(tooLarge)} }, 413, "body_too_large"},
		{"none", func(r *request) { r.body = "" }, 400, "invalid_request"},
		{"broken", text(func(good string) string { return good[1:] }), 400, "invalid_json"},
		{"something behind", text(func(good string) string { return good + " x" }), 400, "invalid_json"},
		{"a second value", text(func(good string) string { return good + good }), 400, "invalid_json"},
		{"a comment", text(func(good string) string { return good + "//" }), 400, "invalid_json"},
		{"a key twice", text(func(good string) string { return `{"a":1,"a":1,` + good[1:] }), 400, "invalid_json"},
		{"invalid UTF-8", text(func(good string) string { return "{\"a\":\"\xff\"," + good[1:] }), 400, "invalid_json"},
		{"half a surrogate", text(func(good string) string { return `{"a":"\ud800",` + good[1:] }), 400, "invalid_json"},
		{"a byte order mark", text(func(good string) string { return "\ufeff" + good }), 400, "invalid_json"},
		{"NUL", text(func(good string) string { return good + "\x00" }), 400, "invalid_json"},
		{"nested very deeply", func(r *request) { r.body = strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) }, 400, "invalid_json"},
		{"nested without end", func(r *request) { r.body = strings.Repeat("[", 30_000) }, 400, "invalid_json"},
		{"white space", func(r *request) { r.body = " \n" }, 400, "invalid_json"},
		{"null", func(r *request) { r.body = "null" }, 400, "invalid_request"},
		{"a list", func(r *request) { r.body = "[]" }, 400, "invalid_request"},
		{"an unknown property", text(func(good string) string { return `{"foo":1,` + good[1:] }), 400, "invalid_request"},
		{"a huge number", text(func(good string) string { return `{"foo":1e999999,` + good[1:] }), 400, "invalid_request"},
	}
	toID = []probe{
		{"NUL", lastSegment("%00"), 400, "invalid_request"},
		{"invalid UTF-8", lastSegment("%ff%fe"), 400, "invalid_request"},
		{"a slash in it", lastSegment("a%2Fb"), 400, "invalid_request"},
		{"short", lastSegment("a"), 400, "invalid_request"},
		{"long", lastSegment(strings.Repeat("a", 1000)), 400, "invalid_request"},
		{"another path", lastSegment("..%2Fpayment"), 400, "invalid_request"},
	}
)

var tooLarge = `{"a":"` + strings.Repeat("a", 70_000) + `"}`

func lastSegment(segment string) func(*request) {
	return func(r *request) { r.path = r.path[:strings.LastIndex(r.path, "/")+1] + segment }
}

// These are other ways to say the same, and none is refused.
var (
	fineToAny = map[string]func(*request){
		"takes anything":        with("Accept", "*/*"),
		"takes any application": with("Accept", "text/html, application/*;q=0.1"),
		"takes problems":        with("Accept", "application/problem+json"),
		"another letter case":   with("Accept", "Application/JSON"),
		"says nothing":          with("Accept"),
	}
	fineToBody = map[string]func(*request){
		"in UTF-8":              with("Content-Type", "Application/JSON; charset=utf-8"),
		"as it is":              with("Content-Encoding", "identity"),
		"white space around it": text(func(good string) string { return "\r\n\t " + good + " \n" }),
		"keys that are escaped": text(func(good string) string { return strings.Replace(good, `{"e`, `{"\u0065`, 1) }),
		"in chunks":             func(r *request) { r.body = &chunks{strings.NewReader(r.body.(string))} },
	}
)

func TestEveryOperationKeepsItsWord(t *testing.T) {
	t.Parallel()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range c.spec.Paths.Map() {
		for _, op := range item.Operations() {
			if op.OperationID == "WebhookController_stripe" {
				continue // Stripe sends what it signs, see TestWebhookSignatures
			}
			t.Run(op.OperationID, func(t *testing.T) {
				t.Parallel()
				s := newScene(t)
				it := s.objects()
				probes, fine := toAny, maps.Clone(fineToAny)
				if op.Security == nil {
					probes = slices.Concat(probes, toSecured)
				}
				if op.RequestBody != nil {
					probes = slices.Concat(probes, toBody)
					maps.Copy(fine, fineToBody)
				}
				if strings.Contains(path, "{id}") {
					probes = slices.Concat(probes, toID)
				}
				for _, p := range probes {
					r := s.good(it, op)
					p.change(&r)
					if got := s.send(r); got.status != p.status || got.object(t)["code"] != p.code {
						t.Errorf("%s: got %d %.200s, want %d %s", p.name, got.status, got.body, p.status, p.code)
					}
				}
				for name, change := range fine {
					r := s.good(s.objects(), op)
					change(&r)
					if got := s.send(r); got.status >= 300 {
						t.Errorf("%s: refused with %d %s", name, got.status, got.body)
					}
				}
			})
		}
	}
}

// good is a request that the operation takes, from the owner of the objects.
func (s *scene) good(it objects, op *openapi3.Operation) request {
	s.t.Helper()
	r := it.request(op.OperationID)
	if op.Security == nil {
		r.token = it.owner.token
	}
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			s.t.Fatal(err)
		}
		r.body = string(encoded)
	}
	return r
}

// Paths answer the methods of the spec and OPTIONS, and 405 to every other, with
// what they do take; other spellings of a path are none. A path that is spelled out
// is not taken for one with a parameter: GET /user/register reads no user.
func TestEveryPathKeepsItsWord(t *testing.T) {
	t.Parallel()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t)
	it := s.objects()
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "QUERY", "PROPFIND", "LOCK", "X-CUSTOM", "get"}
	for template, item := range c.spec.Paths.Map() {
		allow := []string{"OPTIONS"}
		path := template
		for method, op := range item.Operations() {
			if allow = append(allow, method); method == "GET" {
				allow = append(allow, "HEAD")
			}
			path = it.request(op.OperationID).path
		}
		slices.Sort(allow)
		for _, token := range []string{"", it.owner.token} {
			for _, method := range methods {
				if method != "OPTIONS" && slices.Contains(allow, method) {
					continue
				}
				got := s.send(request{method: method, path: path, token: token})
				switch method {
				case "OPTIONS":
					got.want(t, 204)
				case "HEAD":
					got.want(t, 405)
				default:
					got.problem(t, 405, "method_not_allowed")
				}
				if set := sortedList(got.header.Get("Allow")); set != strings.Join(allow, ", ") {
					t.Errorf("%s %s: Allow is %q, want %q", method, path, set, strings.Join(allow, ", "))
				}
			}
			for _, other := range []string{path + "/", path + "//", "/" + path, "/." + path, "/v1" + path, path + "/x/y", strings.ToUpper(path)} {
				s.send(request{method: "GET", path: other, token: token}).problem(t, 404, "not_found")
			}
		}
	}
}

func TestEventsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	body := `{"id":"` + strings.Repeat("a", 1<<20) + `"}`
	a.post("/webhook/stripe", "", body).problem(t, 413, "body_too_large")
	header := http.Header{"Stripe-Signature": {fmt.Sprintf("t=%d,v1=00", a.clock().Unix())}}
	a.send(request{method: "POST", path: "/webhook/stripe", body: &chunks{strings.NewReader(body)}, header: header}).problem(t, 413, "body_too_large")
}

// hurried is a store that notes what time its callers have.
type hurried struct {
	store.Store
	deadlines chan time.Time
}

func (h hurried) User(ctx context.Context, id string) (*store.User, error) {
	deadline, _ := ctx.Deadline()
	h.deadlines <- deadline
	return h.Store.User(ctx, id)
}

// The request's own context reaches what is done for it, the look-up of the caller
// included: with the deadline of the request, and ended when the client has gone.
func TestTheRequestsTimeBoundsItsWork(t *testing.T) {
	t.Parallel()
	deadlines := make(chan time.Time, 100)
	a := start(t, setup{noWebhooks: true, wrap: func(db store.Store) store.Store { return hurried{db, deadlines} }})
	me := a.register()
	for len(deadlines) > 0 {
		<-deadlines
	}
	began := time.Now()
	a.get("/user/"+me.id, me.token).want(t, 200)
	if len(deadlines) == 0 {
		t.Fatal("the caller was not looked up")
	}
	for len(deadlines) > 0 {
		if d := <-deadlines; d.Before(began) || d.After(time.Now().Add(time.Minute)) {
			t.Errorf("the look-up may take until %s, of a request at %s", d, began)
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, "GET", "/user/"+me.id, nil)
	r.Header.Set("Authorization", "Bearer "+me.token)
	(*a.handler.Load()).ServeHTTP(w, r)
	if w.Code != 503 {
		t.Errorf("a request whose client has gone goes on: status %d", w.Code)
	}
	e := a.logged("UserController_findOne", 2)[1]
	if e["status"] != 499.0 || e["code"] != "client_gone" || e["level"] != "INFO" {
		t.Errorf("it is logged as %v, want status 499, code client_gone and level INFO", e)
	}
}
