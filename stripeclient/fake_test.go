package stripeclient

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

const (
	testKey = "sk_test_leakcanarykey"
	// canary values stand in every answer, and nowhere else.
	canarySecret = "pi_1_secret_leakcanary"
	canaryEmail  = "leakcanary@example.com"
)

const intentJSON = `{"id":"pi_1","object":"payment_intent","amount":2000,"currency":"usd","status":"succeeded",
"customer":"cus_1","payment_method":"pm_1","client_secret":"` + canarySecret + `","created":1700000000,
"receipt_email":"` + canaryEmail + `","metadata":{"paymentId":"pay1","userId":"user1","cuid":"c1"}}`

const customerJSON = `{"id":"cus_1","object":"customer","email":"` + canaryEmail + `","name":"Ada","metadata":{"userId":"user1"}}`

// errorJSON is an error answer with the members given, and with a message and
// an intent that must not leak.
func errorJSON(members string) string {
	return `{"error":{` + members + `,"message":"No: ` + canaryEmail + ` ` + testKey + `","payment_intent":` + intentJSON + `}}`
}

// step answers one request.
type step func(*http.Request) (*http.Response, error)

// reply answers with a status, a body and headers in pairs.
func reply(status int, body string, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{"Request-Id": {"req_1"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{
			Status: http.StatusText(status), StatusCode: status, Header: h, Request: req,
			Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// cut answers like reply, but the connection breaks in the middle of the body.
func cut(status int, body string, header ...string) step {
	whole := reply(status, body, header...)
	return func(req *http.Request) (*http.Response, error) {
		res, err := whole(req)
		half := strings.NewReader(body[:len(body)/2])
		res.Body = io.NopCloser(io.MultiReader(half, iotest.ErrReader(io.ErrUnexpectedEOF)))
		return res, err
	}
}

var errDropped = errors.New("connection dropped")

// drop loses the answer.
func drop(*http.Request) (*http.Response, error) { return nil, errDropped }

// hang answers when the request is given up.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// sentRequest is what Stripe would have seen.
type sentRequest struct {
	at     time.Time
	method string
	path   string
	params url.Values
	header http.Header
}

// fake is a Stripe in memory that answers with its steps in order; the last
// one answers all further requests.
type fake struct {
	mu       sync.Mutex
	steps    []step
	requests []sentRequest
}

func newFake(steps ...step) *fake { return &fake{steps: steps} }

func (f *fake) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	params, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if req.Method == http.MethodGet {
		params = req.URL.Query()
	}
	f.mu.Lock()
	s := f.steps[min(len(f.requests), len(f.steps)-1)]
	f.requests = append(f.requests, sentRequest{time.Now(), req.Method, req.URL.Path, params, req.Header.Clone()})
	f.mu.Unlock()
	return s(req)
}

func (f *fake) sent() []sentRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sentRequest(nil), f.requests...)
}

// client returns a client of the fake; change adapts its configuration.
func (f *fake) client(t testing.TB, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{SecretKey: testKey, BaseURL: "http://stripe.test", Transport: f}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

// oneAttempt is for tests of what a single answer means.
func oneAttempt(cfg *Config) { cfg.MaxAttempts = 1 }

// failureOf asserts that err is an *Error.
func failureOf(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a *stripeclient.Error", err)
	}
	return e
}

func wantKind(t *testing.T, err error, want Kind) *Error {
	t.Helper()
	e := failureOf(t, err)
	if e.Kind != want {
		t.Fatalf("got kind %v (%v), want %v", e.Kind, err, want)
	}
	return e
}
