package server

import (
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// corsMaxAge is how long browsers may keep the answer to a preflight, in seconds.
const corsMaxAge = 600

// exposedHeaders are those of answers that pages may read, beside the ones that
// browsers always let them.
var exposedHeaders = []string{
	echo.HeaderXRequestID, "Link", echo.HeaderLocation, echo.HeaderRetryAfter,
	"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
}

// traceHeaders carry the trace of a page's own telemetry (W3C Trace Context and
// Baggage).
var traceHeaders = []string{"Baggage", "Traceparent", "Tracestate"}

// allowOrigins lets pages of the allowed origins call the paths of the spec from a
// browser, and names the methods and headers of the path in answers to preflights.
// Credentials stay off: access tokens are sent as headers, and cookies mean nothing
// here. Pages of other origins get the same answers, which their browsers keep from
// them.
//
// Echo's middleware takes every OPTIONS for a preflight. Those without the headers
// of one (Fetch standard, section 3.2.2) pass it by.
func (p paths) allowOrigins(allows func(origin string) bool) echo.MiddlewareFunc {
	cors := map[*specPath]echo.MiddlewareFunc{}
	for i := range p {
		methods, headers := takes(p[i].item)
		cors[&p[i]] = middleware.CORSWithConfig(middleware.CORSConfig{
			AllowOriginFunc: func(origin string) (bool, error) { return allows(origin), nil },
			AllowMethods:    methods, AllowHeaders: headers, ExposeHeaders: exposedHeaders, MaxAge: corsMaxAge,
		})
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			preflight := r.Header.Get(echo.HeaderOrigin) != "" && r.Header.Get(echo.HeaderAccessControlRequestMethod) != ""
			found := p.find(r)
			if found == nil || r.Method == http.MethodOptions && !preflight {
				return next(c)
			}
			if r.Method == http.MethodOptions {
				c.Set(echo.ContextKeyHeaderAllow, found.allow())
			}
			return cors[found](next)(c)
		}
	}
}

// takes returns the methods of a path, and the headers of its operations that a
// browser asks about.
func takes(item *openapi3.PathItem) (methods, headers []string) {
	headers = append([]string{echo.HeaderXRequestID}, traceHeaders...)
	for method, op := range item.Operations() {
		methods = append(methods, method)
		if op.Security == nil || len(*op.Security) > 0 {
			headers = append(headers, echo.HeaderAuthorization)
		}
		if op.RequestBody != nil {
			headers = append(headers, echo.HeaderContentType)
		}
	}
	slices.Sort(methods)
	slices.Sort(headers)
	return methods, slices.Compact(headers)
}
