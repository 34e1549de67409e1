package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

// paths are the paths of the spec, those with the fewest parameters first. They
// decide what a request is for before it is routed: left alone, Echo would take a
// path that the spec spells out for one with a parameter, and GET /user/register
// would read the user "register".
type paths []specPath

// specPath is one path of the spec.
type specPath struct {
	item     *openapi3.PathItem
	segments []string
	// methods are those of its operations, sorted, and HEAD where it has GET.
	methods []string
}

// newPaths lists the paths of the spec. Without a webhook that path does not exist.
func newPaths(spec *openapi3.T, webhook bool) paths {
	var all paths
	for template, item := range spec.Paths.Map() {
		if template == webhookPath && !webhook {
			continue
		}
		p := specPath{item: item, segments: strings.Split(template, "/")}
		for method := range item.Operations() {
			p.methods = append(p.methods, method)
		}
		if item.Get != nil {
			p.methods = append(p.methods, http.MethodHead)
		}
		slices.Sort(p.methods)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b specPath) int { return parameters(a.segments) - parameters(b.segments) })
	return all
}

// find returns the path of the spec that a request is for, nil if there is none.
func (p paths) find(r *http.Request) *specPath {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i := range p {
		if fits(p[i].segments, segments) {
			return &p[i]
		}
	}
	return nil
}

// allow returns the path's methods as in an Allow header.
func (p *specPath) allow() string {
	methods := append([]string{http.MethodOptions}, p.methods...)
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// hasOperation reports whether an operation of the spec answers the request.
func (p paths) hasOperation(r *http.Request) bool {
	found := p.find(r)
	return found != nil && slices.Contains(found.methods, r.Method)
}

// checkMethod answers OPTIONS, and refuses the methods that a path of the spec does
// not have.
func (p paths) checkMethod(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		found := p.find(r)
		if found == nil || slices.Contains(found.methods, r.Method) {
			return next(c)
		}
		c.Response().Header().Set(echo.HeaderAllow, found.allow())
		if r.Method == http.MethodOptions {
			return c.NoContent(http.StatusNoContent)
		}
		return echo.ErrMethodNotAllowed
	}
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

// fits reports whether a path has the form of a path of the spec.
func fits(template, path []string) bool {
	return slices.EqualFunc(template, path, func(t, p string) bool { return t == p || isParameter(t) && p != "" })
}

// headRouter routes HEAD wherever it routes GET. The handlers answer both alike, and
// net/http leaves out the body.
type headRouter struct{ *echo.Echo }

func (h headRouter) GET(path string, handler echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	h.HEAD(path, handler, m...)
	return h.Echo.GET(path, handler, m...)
}

// normalized returns the request with those percent-encoded characters of its path
// decoded that mean the same either way (RFC 3986, section 2.3), so that
// /payment/pi%5F1 is /payment/pi_1. All others stay as they are: %2F is a character
// of a segment, not a separator.
func normalized(r *http.Request) *http.Request {
	if !strings.Contains(r.URL.RawPath, "%") {
		return r
	}
	again, u := *r, *r.URL
	if u.RawPath = decodeUnreserved(u.RawPath); u.RawPath == u.Path {
		u.RawPath = ""
	}
	again.URL = &u
	return &again
}

// decodeUnreserved decodes letters, digits and -._~ in a path.
func decodeUnreserved(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if char := unhex(path[i+1])<<4 | unhex(path[i+2]); isUnreserved(char) {
				b.WriteByte(char)
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// unhex returns the value of a hexadecimal digit. net/http has refused all others.
func unhex(digit byte) byte {
	if digit >= 'A' {
		return (digit | 0x20 - 'a') + 10
	}
	return digit - '0'
}

func isUnreserved(char byte) bool {
	return 'a' <= char && char <= 'z' || 'A' <= char && char <= 'Z' || '0' <= char && char <= '9' || strings.IndexByte("-._~", char) >= 0
}
