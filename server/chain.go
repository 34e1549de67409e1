package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

// useChain installs what every request passes before its route is known.
func (s *Server) useChain(spec *openapi3.T) {
	known := newPaths(spec, s.webhook != nil)
	s.echo.Pre(s.observe, s.recover, s.limitOthers(known))
	if s.allowsOrigin != nil {
		s.echo.Pre(known.allowOrigins(s.allowsOrigin))
	}
	s.echo.Pre(known.checkMethod)
}

// handlingTimeout bounds all that is done for one request.
const handlingTimeout = 30 * time.Second

// statusClientGone is logged and counted for a request whose client left before the
// answer was ready, as nginx does. It is not a failure of the server, and never sent.
const statusClientGone = 499

// observe gives the request its id, sets the headers that every answer has, and
// logs the event.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	// Every answer shares these values, which nothing changes in place.
	headers := []struct {
		name  string
		value []string
	}{
		{"Cache-Control", []string{"no-store"}},
		{echo.HeaderXContentTypeOptions, []string{"nosniff"}},
		{echo.HeaderXFrameOptions, []string{"DENY"}},
		{echo.HeaderContentSecurityPolicy, []string{"default-src 'none'; frame-ancestors 'none'"}},
		{echo.HeaderReferrerPolicy, []string{"no-referrer"}},
	}
	return func(c echo.Context) error {
		r := c.Request()
		e := &event{requestID: requestID(r.Header), from: clientAddress(c), logFrom: s.logAddresses, started: time.Now()}
		h := c.Response().Header()
		h.Set(echo.HeaderXRequestID, e.requestID)
		for _, fixed := range headers {
			h[fixed.name] = fixed.value
		}
		ctx, cancel := context.WithTimeout(withEvent(r.Context(), e), handlingTimeout)
		defer cancel()
		ctx, span := s.startSpan(ctx, r)
		defer endSpan(span, c, e)
		s.telemetry.Begin()
		c.SetRequest(r.WithContext(ctx))
		if err := next(c); err != nil {
			c.Error(err)
		}
		e.status = c.Response().Status
		if e.status == http.StatusServiceUnavailable && r.Context().Err() != nil {
			e.status, e.code = statusClientGone, "client_gone"
		}
		took := time.Since(e.started)
		s.telemetry.End(telemetry.Answer{OperationID: e.operationID, Status: e.status, Code: e.code, Took: took})
		e.log(ctx, s.log, r.Method, c.Path(), took)
		return nil
	}
}

var goodRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// requestID takes over the id that a gateway has given the request, or makes one.
func requestID(h http.Header) string {
	if id := h.Get(echo.HeaderXRequestID); id != "" && goodRequestID.MatchString(id) {
		return id
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails, since Go 1.24
	return "req_" + hex.EncodeToString(b[:])
}

// recover turns a panic into an internal error, and the server goes on.
func (s *Server) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}()
		return next(c)
	}
}
