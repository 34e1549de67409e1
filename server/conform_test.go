package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/nestpayments/nestpayments/gen"
)

// contract is the spec as the tests hold every answer against it: objects are
// closed, so that a property which the spec does not know is a failure.
type contract struct {
	spec   *openapi3.T
	router routers.Router
	mu     sync.Mutex
	// seen holds the statuses of each operation that a test has seen.
	seen map[string][]int
}

var theContract = sync.OnceValues(func() (*contract, error) {
	spec, err := openapi3.NewLoader().LoadFromData(gen.OpenAPI)
	if err != nil {
		return nil, err
	}
	spec.Servers = nil
	closed := false
	for _, s := range spec.Components.Schemas {
		if s.Value.Type.Is("object") && s.Value.AdditionalProperties.Has == nil {
			s.Value.AdditionalProperties.Has = &closed
		}
	}
	router, err := gorillamux.NewRouter(spec)
	return &contract{spec: spec, router: router, seen: map[string][]int{}}, err
})

// conform fails the test if the answer is not one that the spec allows for the
// request, and notes what was seen.
func conform(t testing.TB, r *http.Request, got answer) {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	if got.header.Get("X-Request-Id") == "" {
		t.Errorf("%s %s: no X-Request-Id", r.Method, r.URL.Path)
	}
	route, params, err := c.router.FindRoute(r)
	if err != nil || got.status == http.StatusMethodNotAllowed || got.status == http.StatusNoContent && r.Method == http.MethodOptions {
		c.conformOutside(t, r, got)
		return
	}
	c.note(route.Operation.OperationID, got.status)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 got.status,
		Header:                 got.header,
		Body:                   io.NopCloser(bytes.NewReader(got.body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		t.Errorf("%s %s: the answer breaks the spec: %v", r.Method, r.URL.Path, err)
	}
}

// conformOutside holds an answer to a request that the spec does not know
// against what holds everywhere: failures are problems.
func (c *contract) conformOutside(t testing.TB, r *http.Request, got answer) {
	t.Helper()
	if got.status < 400 || r.Method == http.MethodHead || strings.HasSuffix(r.URL.Path, "z") { // livez, readyz
		return
	}
	if ct := got.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("%s %s: Content-Type is %q, want a problem", r.Method, r.URL.Path, ct)
	}
	problem := c.spec.Components.Schemas["Problem"].Value
	if err := problem.VisitJSON(map[string]any(got.object(t)), openapi3.MultiErrors()); err != nil {
		t.Errorf("%s %s: not a problem: %v", r.Method, r.URL.Path, err)
	}
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

// partialRun tells whether only some of the tests were asked for.
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
