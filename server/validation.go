package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// bodyLimit is the largest request body, in octets.
const bodyLimit = 64 << 10

// loadSpec reads the spec for validation and checks it.
func loadSpec(source []byte) (*openapi3.T, error) {
	spec, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	if err := spec.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the OpenAPI document: %w", err)
	}
	// The server answers under whatever name it is reached.
	spec.Servers = nil
	return spec, nil
}

// operation is one operation of the spec, resolved once.
type operation struct {
	route   *routers.Route
	options *openapi3filter.Options
	// slashes is how many the path has.
	slashes int
	// secured operations need an access token.
	secured bool
	// query holds the names of the query parameters.
	query []string
}

// operations returns the middlewares of every operation by its id.
func (s *Server) operations(spec *openapi3.T) map[string][]echo.MiddlewareFunc {
	all := map[string][]echo.MiddlewareFunc{}
	for id, o := range resolve(spec) {
		all[id] = []echo.MiddlewareFunc{s.admit(o)}
	}
	return all
}

// resolve returns every operation by its id.
func resolve(spec *openapi3.T) map[string]operation {
	options := &openapi3filter.Options{
		MultiError:         true,
		KeepValidatedValue: true,
		// The handlers know the defaults.
		SkipSettingDefaults: true,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.DisableSchemaErrorDetails(),
			openapi3.WithStringFormatValidators(map[string]openapi3.StringFormatValidator{"email": openapi3.NewCallbackValidator(checkEmail)}),
		},
	}
	all := map[string]operation{}
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			unsecured := *op // admit verifies the token before it validates
			unsecured.Security = openapi3.NewSecurityRequirements()
			o := operation{
				route:   &routers.Route{Spec: spec, Path: path, PathItem: item, Method: method, Operation: &unsecured},
				options: options,
				slashes: strings.Count(path, "/"),
				secured: op.Security == nil || len(*op.Security) > 0,
			}
			for _, p := range op.Parameters {
				if p.Value.In == openapi3.ParameterInQuery {
					o.query = append(o.query, p.Value.Name)
				}
			}
			all[op.OperationID] = o
		}
	}
	return all
}

// admit lets a request through to its handler if its sender has one left, and it
// says what it accepts, who it comes from, and fits the schema. In this order: a
// caller without a token learns nothing of the schema.
func (s *Server) admit(o operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			e := eventOf(r.Context())
			if strings.Count(r.URL.EscapedPath(), "/") != o.slashes {
				// Echo lets the last parameter of a path take slashes.
				return echo.ErrNotFound
			}
			e.operationID = o.route.Operation.OperationID
			var claims auth.Claims
			var tokenErr error
			if o.secured {
				claims, tokenErr = s.tokenClaims(r.Header)
			}
			if err := s.requests.count(c.Response().Header(), senderOf(claims, e.from)); err != nil {
				return err
			}
			if !acceptsJSON(r.Header) {
				return errNotAcceptable
			}
			if tokenErr != nil {
				return tokenErr
			}
			if o.secured {
				u, err := s.findCaller(r.Context(), claims)
				if err != nil {
					return err
				}
				e.userID, e.caller = u.ID, u
				c.SetRequest(r.WithContext(stripeclient.WithPayer(r.Context(), u.ID)))
			}
			if err := o.check(c); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// check reads the body, if the operation has one, and validates the request.
func (o operation) check(c echo.Context) error {
	r := c.Request()
	if o.route.Operation.RequestBody != nil {
		if err := readJSON(c.Response(), r); err != nil {
			return err
		}
	}
	return o.validate(r, c)
}

// validate checks parameters and body against the schema. It returns
// *invalidRequest with every violation.
func (o operation) validate(r *http.Request, c echo.Context) error {
	input := &openapi3filter.RequestValidationInput{
		Request: r, Route: o.route, Options: o.options, QueryParams: c.QueryParams(),
		PathParams: make(map[string]string, len(c.ParamNames())),
	}
	for i, name := range c.ParamNames() {
		input.PathParams[name] = c.ParamValues()[i]
	}
	var found []gen.ProblemError
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		if found = violations(err); len(found) == 0 {
			return err
		}
	}
	if r.URL.RawQuery != "" {
		found = append(found, o.queryViolations(r.URL.RawQuery, c.QueryParams())...)
	}
	if len(found) > 0 {
		return newInvalidRequest(found)
	}
	return nil
}

// queryViolations finds in a query what a schema of its parameters cannot refuse.
func (o operation) queryViolations(raw string, params url.Values) (found []gen.ProblemError) {
	if _, err := url.ParseQuery(raw); err != nil {
		// Go drops what it cannot read; a gateway may have read it.
		found = append(found, inParameter("query", "must be name=value pairs, percent-encoded and joined by &"))
	}
	for name, values := range params {
		if !slices.Contains(o.query, name) {
			found = append(found, inParameter(name, "is not a parameter of this operation"))
		} else if len(values) > 1 {
			found = append(found, inParameter(name, "must be given once"))
		}
	}
	return found
}

// readJSON reads the body, up to bodyLimit, and makes sure that it is exactly one
// I-JSON value (RFC 7493): valid UTF-8, no duplicate keys, nothing behind it.
// What is validated and bound after this cannot be read in two ways.
func readJSON(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	switch {
	case err != nil && isTooLarge(err):
		return err
	case err != nil:
		return errors.Join(errJSON, err)
	}
	if len(body) > 0 {
		if !isJSON(r.Header) {
			return errUnsupportedContent
		}
		if !jsontext.Value(body).IsValid() {
			return errJSON
		}
		if r.Header.Get("Content-Type") != jsonType {
			// The spec's media type, however the client spelled it.
			r.Header.Set("Content-Type", jsonType)
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	return nil
}

func checkEmail(value string) error {
	_, _, err := auth.NormalizeEmail(value)
	return err
}
