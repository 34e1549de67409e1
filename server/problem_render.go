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

// problemType is what the type of every problem starts with; the code follows.
const problemType = "https://nest-payments.dev/problems/"

// renderError is Echo's HTTPErrorHandler: the one place that answers a failure.
func (s *Server) renderError(err error, c echo.Context) {
	e := eventOf(c.Request().Context())
	k := kindOf(err)
	e.fail(k.code, err)
	if c.Response().Committed {
		return
	}
	p := gen.Problem{
		Type: problemType + k.code, Title: k.title, Status: int32(k.status), Detail: k.detail,
		Instance: e.requestID, Code: k.code,
	}
	var invalid *invalidRequest
	if errors.As(err, &invalid) {
		p.Errors = &invalid.violations
	}
	var input *auth.InputError
	if errors.As(err, &input) {
		pointer := "#/userName"
		p.Errors = &[]gen.ProblemError{{Pointer: &pointer, Detail: input.Detail}}
	}
	var declined *payments.DeclinedError
	if errors.As(err, &declined) {
		reason := declined.Reason()
		p.DeclineCode = &reason
	}
	s.writeProblem(c, p, err)
}

func (s *Server) writeProblem(c echo.Context, p gen.Problem, cause error) {
	h := c.Response().Header()
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set(echo.HeaderWWWAuthenticate, challenge(p.Code))
	case http.StatusServiceUnavailable:
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(waitFor(cause)))
	}
	body, err := json.Marshal(p)
	if err != nil { // a struct of strings and numbers always encodes
		panic(err)
	}
	h.Set(echo.HeaderContentType, "application/problem+json")
	c.Response().WriteHeader(int(p.Status))
	if c.Request().Method != http.MethodHead {
		// The client has gone if this fails; there is nobody left to tell.
		_, _ = c.Response().Write(body)
	}
}

// challenge is the WWW-Authenticate header of RFC 6750, section 3.
func challenge(code string) string {
	switch code {
	case "token_expired":
		return `Bearer realm="nest-payments", error="invalid_token", error_description="The access token expired"`
	default:
		return `Bearer realm="nest-payments"`
	}
}

// waitFor is the Retry-After of an error in whole seconds, at least 1.
func waitFor(err error) int {
	var e *stripeclient.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return int((e.RetryAfter + time.Second - 1) / time.Second)
	}
	return retryAfter
}
