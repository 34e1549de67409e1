package server_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/nestpayments/nestpayments/gen"
)

// contract is the spec as the tests hold every answer against it.
type contract struct {
	spec *openapi3.T
	// validators are independent of each other, by name.
	validators map[string]validator
	mu         sync.Mutex
	// seen holds the statuses of each operation that a test has seen.
	seen map[string][]int
}

var theContract = sync.OnceValues(func() (*contract, error) {
	first, err1 := newKin(gen.OpenAPI)
	second, err2 := newLibopenapi(gen.OpenAPI)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &contract{
		spec:       first.spec,
		validators: map[string]validator{"kin-openapi": first, "libopenapi-validator": second},
		seen:       map[string][]int{},
	}, nil
})

// conform fails the test if the answer is not one that the spec allows for the
// request, and notes what was seen.
func conform(t testing.TB, r *http.Request, got answer) {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	if c.operation(r) == nil && strings.Count(r.URL.Path, "/") == strings.Count(r.URL.EscapedPath(), "/") {
		// The same path without needless percent-encoding.
		r = r.Clone(r.Context())
		r.URL.RawPath = ""
	}
	check := func(v validator) error { return v.answer(r, got) }
	if op := c.operation(r); op != nil && r.Method == http.MethodHead {
		check = func(validator) error { return conformHead(op, got) }
	} else if op != nil {
		c.note(op.OperationID, got.status)
	} else {
		check = func(v validator) error { return conformOutside(v, r, got) }
	}
	if r.Method == http.MethodHead && len(got.body) > 0 {
		t.Errorf("HEAD %s: a body of %d bytes", r.URL.Path, len(got.body))
	}
	if err := guarded(r, got); err != nil {
		t.Errorf("%s %s: status %d: %v", r.Method, r.URL.Path, got.status, err)
	}
	for name, v := range c.validators {
		if err := check(v); err != nil {
			t.Errorf("%s %s: status %d breaks the spec, says %s: %v", r.Method, r.URL.Path, got.status, name, err)
		}
	}
}

// conformHead checks an answer to HEAD: it has the headers of an answer to GET.
func conformHead(op *openapi3.Operation, got answer) error {
	response := op.Responses.Status(got.status)
	if response == nil {
		return fmt.Errorf("GET has no answer with the status %d", got.status)
	}
	for name := range response.Value.Headers {
		if optional[name] == "" && len(got.header.Values(name)) != 1 {
			return fmt.Errorf("the header %s is %q", name, got.header.Values(name))
		}
	}
	return nil
}

// document are the paths of what may be cached, and of a page.
var document = regexp.MustCompile(`^/(openapi\.(yaml|json)|\.well-known/jwks\.json|docs.*|problems.*)$`)

// guarded says which of the headers that keep an answer from harm, whatever it is,
// is missing. OWASP's REST security cheat sheet has their reasons.
func guarded(r *http.Request, got answer) error {
	want := map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	}
	if document.MatchString(r.URL.Path) && got.status < 400 {
		delete(want, "Cache-Control")
		if strings.HasPrefix(r.URL.Path, "/docs") || strings.HasPrefix(r.URL.Path, "/problems") {
			delete(want, "Content-Security-Policy") // has scripts or styles, see docs.go and problem_pages.go
		}
	}
	for name, value := range want {
		if got.header.Get(name) != value {
			return fmt.Errorf("%s is %q, want %q", name, got.header.Get(name), value)
		}
	}
	return nil
}

// operation returns the operation of the spec that the request is for, nil if there
// is none: that of GET for HEAD. A path that the spec spells out is no value of a
// parameter.
func (c *contract) operation(r *http.Request) *openapi3.Operation {
	if r.Method == http.MethodHead {
		get := *r
		get.Method = http.MethodGet
		return c.operation(&get)
	}
	if item := c.spec.Paths.Value(r.URL.EscapedPath()); item != nil {
		return item.GetOperation(r.Method)
	}
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for path, item := range c.spec.Paths.Map() {
		if slices.EqualFunc(strings.Split(path, "/"), segments, func(t, s string) bool { return t == s || t[:min(1, len(t))] == "{" && s != "" }) {
			return item.GetOperation(r.Method)
		}
	}
	return nil
}

// outside are the headers that answers outside of the spec's operations may have
// beside the undeclared ones.
var outside = []string{
	"X-Request-Id", "Allow", "Etag", "Retry-After", "Location", "Accept-Ranges", "Content-Range", "Content-Encoding",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age",
}

// conformOutside holds an answer to a request that the spec does not know against
// what holds everywhere: it has an id and no strange headers, and a failure is a
// problem.
func conformOutside(v validator, r *http.Request, got answer) error {
	if got.header.Get("X-Request-Id") == "" {
		return errors.New("no X-Request-Id")
	}
	for name := range got.header {
		if undeclared[name] == "" && !slices.Contains(outside, name) {
			return fmt.Errorf("the header %s is not known", name)
		}
	}
	probe := r.URL.Path == "/livez" || r.URL.Path == "/readyz" // for orchestrators, in plain text
	if got.status < 400 || r.Method == http.MethodHead || probe && got.status == 503 {
		return nil
	}
	if ct := got.header.Get("Content-Type"); ct != "application/problem+json" {
		return fmt.Errorf("Content-Type is %q, want a problem", ct)
	}
	return v.problem(got.body)
}

func (c *contract) note(operationID string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.seen[operationID], status) {
		c.seen[operationID] = append(c.seen[operationID], status)
	}
}

// TestMain fails a whole run in which an operation was never exercised or a
// documented status never seen. A run of chosen tests is let off.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && !partialRun() {
		if missing := unseen(); len(missing) > 0 {
			fmt.Printf("FAIL: documented and never seen by a test:\n  %s\n", strings.Join(missing, "\n  "))
			code = 1
		}
	}
	os.Exit(code)
}

// partialRun reports whether only some of the tests were asked for.
func partialRun() bool {
	for _, arg := range os.Args[1:] {
		for _, flag := range []string{"-test.run", "-test.skip", "-test.bench", "-test.fuzz", "-test.list"} {
			if strings.HasPrefix(arg, flag+"=") {
				return true
			}
		}
	}
	return false
}

func unseen() []string {
	c, err := theContract()
	if err != nil {
		return []string{err.Error()}
	}
	var missing []string
	for _, item := range c.spec.Paths.Map() {
		for _, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if !slices.ContainsFunc(c.seen[op.OperationID], func(s int) bool { return fmt.Sprint(s) == status }) {
					missing = append(missing, op.OperationID+" "+status)
				}
			}
		}
	}
	slices.Sort(missing)
	return missing
}
