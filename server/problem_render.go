package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// problemType starts the type of every problem; the code follows. It names the kind
// of problem and is the same on every server, so that clients can compare it. Each
// server explains its problems at the path of the same URI.
const problemType = "https://nest-payments.dev" + problemsPath + "/"

// renderError is Echo's HTTPErrorHandler: the one place that answers a failure.
func (s *Server) renderError(err error, c echo.Context) {
	e := eventOf(c.Request().Context())
	k := kindOf(err)
	e.fail(k.code, err)
	if c.Response().Committed {
		return
	}
	p := newProblem(k, e.requestID)
	var invalid *invalidRequest
	if errors.As(err, &invalid) {
		p.Errors = &invalid.violations
	}
	var input *auth.InputError
	if errors.As(err, &input) {
		p.Errors = &[]gen.ProblemError{inBody([]string{propertyOf(input.Field)}, input.Detail)}
	}
	var declined *payments.DeclinedError
	if errors.As(err, &declined) {
		reason := declined.Reason()
		p.DeclineCode, p.Detail = &reason, declineSentence(reason)
	}
	writeProblem(c.Response(), p, err)
}

// propertyOf returns the property of a body that holds the field.
func propertyOf(field auth.Field) string {
	return map[auth.Field]string{
		auth.FieldName: "userName", auth.FieldEmail: "email", auth.FieldPassword: "password", auth.FieldNewPassword: "newPassword",
	}[field]
}

// newProblem returns a problem of this kind in the answer to a request.
func newProblem(k kind, requestID string) gen.Problem {
	return gen.Problem{
		Type: problemType + k.code, Title: k.title, Status: k.status, Detail: k.detail, Instance: requestID, Code: k.code,
	}
}

// writeProblem writes the problem and the headers that its status needs.
func writeProblem(w http.ResponseWriter, p gen.Problem, cause error) {
	h := w.Header()
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set(echo.HeaderWWWAuthenticate, challenge(cause))
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(waitFor(cause)))
	}
	body, err := json.Marshal(p)
	if err != nil { // a struct of strings and numbers always encodes
		panic(err)
	}
	h.Set(echo.HeaderContentType, "application/problem+json")
	w.WriteHeader(int(p.Status))
	// An error means that the client has gone.
	_, _ = w.Write(body)
}

// challenge is the WWW-Authenticate header of RFC 6750, section 3: bare for a
// request without a token, and with an error for one whose token is not valid.
func challenge(cause error) string {
	const bare = `Bearer realm="nest-payments"`
	switch {
	case errors.Is(cause, auth.ErrTokenExpired):
		return bare + `, error="invalid_token", error_description="The access token expired"`
	case errors.Is(cause, auth.ErrTokenInvalid):
		return bare + `, error="invalid_token", error_description="The access token is not valid"`
	}
	return bare
}

// waitFor is the Retry-After of an error in whole seconds, at least 1.
func waitFor(err error) int {
	var stripe *stripeclient.Error
	if errors.As(err, &stripe) && stripe.RetryAfter > 0 {
		return wholeSeconds(stripe.RetryAfter)
	}
	var limited *rateLimitedError
	if errors.As(err, &limited) {
		return wholeSeconds(limited.retryAfter)
	}
	var throttled *auth.ThrottledError
	if errors.As(err, &throttled) {
		return wholeSeconds(throttled.RetryAfter)
	}
	return retryAfter
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
