package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// corsMaxAge is for how long browsers may remember what a path takes, in seconds.
const corsMaxAge = 600

// exposedHeaders are those of answers that pages may read, beside the ones that
// browsers always let them.
var exposedHeaders = []string{
	echo.HeaderXRequestID, "Link", echo.HeaderLocation, echo.HeaderRetryAfter,
	"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
}

// allowOrigins lets pages of these origins call the paths of the spec from a
// browser, and tells them the methods and headers of the path. Credentials stay
// off: access tokens are sent as headers, and cookies mean nothing here. Pages of
// other origins get the same answers, which their browsers keep from them.
//
// Echo's middleware takes every OPTIONS for a preflight; those without the
// headers of one (Fetch standard, section 3.2.2) are let pass to whoever answers
// them.
func allowOrigins(spec *openapi3.T, origins []string) echo.MiddlewareFunc {
	type path struct {
		segments []string
		cors     echo.MiddlewareFunc
		allow    string
	}
	var paths []path
	for template, item := range spec.Paths.Map() {
		methods, headers := takes(item)
		paths = append(paths, path{
			segments: strings.Split(template, "/"),
			cors: middleware.CORSWithConfig(middleware.CORSConfig{
				AllowOriginFunc: func(origin string) (bool, error) { return slices.Contains(origins, origin), nil },
				AllowMethods:    methods, AllowHeaders: headers, ExposeHeaders: exposedHeaders, MaxAge: corsMaxAge,
			}),
			allow: strings.Join(append(methods, http.MethodOptions), ", "),
		})
	}
	// The path that says most about a request comes first.
	slices.SortFunc(paths, func(a, b path) int { return parameters(a.segments) - parameters(b.segments) })
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			preflight := r.Header.Get(echo.HeaderOrigin) != "" && r.Header.Get(echo.HeaderAccessControlRequestMethod) != ""
			if r.Method == http.MethodOptions && !preflight {
				return next(c)
			}
			segments := strings.Split(r.URL.EscapedPath(), "/")
			for _, p := range paths {
				if fits(p.segments, segments) {
					if r.Method == http.MethodOptions {
						c.Set(echo.ContextKeyHeaderAllow, p.allow)
					}
					return p.cors(next)(c)
				}
			}
			return next(c)
		}
	}
}

// takes returns the methods of a path, and the headers that its operations need
// and a browser would ask for.
func takes(item *openapi3.PathItem) (methods, headers []string) {
	headers = []string{echo.HeaderXRequestID}
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

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

func parameters(segments []string) (n int) {
	for _, s := range segments {
		if isParameter(s) {
			n++
		}
	}
	return n
}

// fits tells whether a path has the form of a path of the spec.
func fits(template, path []string) bool {
	return slices.EqualFunc(template, path, func(t, p string) bool { return t == p || isParameter(t) && p != "" })
}

// checkOrigins reports every origin that no browser would send as it is written
// (RFC 6454, section 6.2).
func checkOrigins(origins []string) error {
	var faults []error
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Hostname() == "" ||
			strings.Contains(o, "*") || o != u.Scheme+"://"+strings.ToLower(u.Host) || u.Port() == defaultPort(u.Scheme) {
			faults = append(faults, fmt.Errorf("%q is not a web origin: write it as browsers do, like https://shop.example.com or http://localhost:3000, without a path, a default port or a wildcard", o))
		}
	}
	return errors.Join(faults...)
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}
