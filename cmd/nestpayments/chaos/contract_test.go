package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/nestpayments/nestpayments/gen"
)

// contract is the spec that every answer is held against.
type contract struct{ router routers.Router }

func newContract(t *testing.T) *contract {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	spec.Servers = nil
	router, err := gorillamux.NewRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{router}
}

// check tells what is wrong with an answer, and which operation it is of.
func (c *contract) check(r *http.Request, res *http.Response, body []byte) (operationID string, err error) {
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return "", err
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	err = openapi3filter.ValidateResponse(context.Background(), input)
	if res.Header.Get("X-Request-Id") == "" {
		err = errors.Join(err, errors.New("no X-Request-Id"))
	}
	return route.Operation.OperationID, err
}

// line is the connection of a client: it sends requests, checks every answer
// and counts it. Each request takes a connection of its own, and so whichever
// replica the balancer picks.
type line struct {
	system *system
	http   *http.Client
}

// requestTimeout is more than the server takes for anything.
const requestTimeout = 45 * time.Second

func newLine(s *system) *line {
	return &line{system: s, http: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// againError is an answer after which the same request is to be sent again.
type againError struct {
	status int
	after  time.Duration
}

func (e *againError) Error() string { return fmt.Sprintf("status %d", e.status) }

// Do is what the generated client sends with. An answer of 429 or 5xx comes back
// as *againError.
func (l *line) Do(r *http.Request) (*http.Response, error) {
	s := l.system
	s.figures.add("requests", 1)
	res, err := l.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	operationID, err := s.contract.check(r, res, body)
	if err != nil {
		s.verdict.violate("%s: an answer with status %d breaks the spec: %v\n%s", operationID, res.StatusCode, err, body)
	}
	var problem struct {
		Status         int
		Code, Instance string
	}
	if res.StatusCode >= 400 {
		if err := json.Unmarshal(body, &problem); err != nil || problem.Status != res.StatusCode || problem.Instance != res.Header.Get("X-Request-Id") {
			s.verdict.violate("%s: the problem does not fit its status %d or its request: %s", operationID, res.StatusCode, body)
		}
	}
	s.figures.answer(operationID, res.StatusCode, problem.Code)
	if res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests {
		return nil, l.again(operationID, res, problem.Instance, body)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// again reads what the server advises. A 503 is the one server error that chaos
// explains: no outage is the server's own failure (500) or Stripe's refusal (502).
func (l *line) again(operationID string, res *http.Response, requestID string, body []byte) error {
	s := l.system
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	expected := res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests
	if !expected || err != nil || seconds < 1 {
		s.verdict.violate("%s: status %d, Retry-After %q: want 503 or 429 with seconds: %s\n%s",
			operationID, res.StatusCode, res.Header.Get("Retry-After"), body, s.logs.of(requestID))
	}
	return &againError{res.StatusCode, time.Duration(seconds) * time.Second}
}
