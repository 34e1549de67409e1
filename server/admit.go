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
	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// loadSpec reads the spec for validation and checks it.
func loadSpec(source []byte) (*openapi3.T, error) {
	spec, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	if err := spec.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the OpenAPI document: %w", err)
	}
	// Otherwise a request for a host that is not listed would be a 400.
	spec.Servers = nil
	return spec, nil
}

// operation is one operation of the spec, resolved once.
type operation struct {
	route   *routers.Route
	options *openapi3filter.Options
	// slashes is the number of slashes in the path.
	slashes int
	// secured operations need an access token.
	secured bool
	// query holds the names of the query parameters.
	query []string
	// body is the schema of the body, nil if the operation takes no body.
	body *openapi3.Schema
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
		// Handlers apply the defaults; kin-openapi would encode the body again.
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
			if op.RequestBody != nil {
				o.body = op.RequestBody.Value.Content[jsonType].Schema.Value
			}
			all[op.OperationID] = o
		}
	}
	return all
}

// admit checks a request before its handler runs: rate limit, Accept header,
// access token, schema. The order matters: a caller without a valid token must
// not learn anything about the schema. The token is verified first, because it decides
// whose rate limit counts; a bad token is reported after the limit and the Accept header.
func (s *Server) admit(o operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			e := eventOf(r.Context())
			if strings.Count(r.URL.EscapedPath(), "/") != o.slashes {
				// Echo allows slashes in the last parameter of a path.
				return echo.ErrNotFound
			}
			e.operationID = o.route.Operation.OperationID
			var claims auth.Claims
			var tokenErr error
			if o.secured {
				claims, tokenErr = s.tokenClaims(r.Header)
			}
			from := senderOf(claims, e.from)
			if err := s.requests.count(c.Response().Header(), from); err != nil {
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
			if err := s.check(c, o, from); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// check reads the body, if the operation has one, and validates the request.
func (s *Server) check(c echo.Context, o operation, from sender) error {
	found, err := s.readBody(c, o, from)
	if err != nil {
		return err
	}
	return o.validate(c.Request(), c, found)
}

// readBody reads the body, if the operation has one, for the validator and the
// handler. It returns the violations that the validator does not see.
func (s *Server) readBody(c echo.Context, o operation, from sender) ([]gen.ProblemError, error) {
	if o.body == nil {
		return nil, nil
	}
	r := c.Request()
	body, err := s.bodies.read(c.Response(), r, from)
	switch {
	case isTooLarge(err), errors.Is(err, errTooManyBodies):
		return nil, err
	case err != nil: // it did not arrive in time, or not whole
		return nil, errors.Join(errJSON, err)
	}
	body, found, err := o.readJSON(r.Header, body)
	if err != nil {
		return nil, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return found, nil
}

// validate checks parameters and body against the schema. It returns
// *invalidRequest with every violation, those found before among them.
func (o operation) validate(r *http.Request, c echo.Context, found []gen.ProblemError) error {
	if strings.Count(r.URL.RawQuery, "&") >= maxQueryPairs {
		return newInvalidRequest(append(found, inParameter("query", fmt.Sprintf("must have at most %d parameters", maxQueryPairs))))
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, Route: o.route, Options: o.options, QueryParams: c.QueryParams(),
		PathParams: make(map[string]string, len(c.ParamNames())),
	}
	for i, name := range c.ParamNames() {
		input.PathParams[name] = c.ParamValues()[i]
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		invalid := violations(err)
		if len(invalid) == 0 {
			return err
		}
		found = append(found, invalid...)
	}
	if r.URL.RawQuery != "" {
		found = append(found, o.queryViolations(r.URL.RawQuery, c.QueryParams())...)
	}
	if len(found) > 0 {
		return newInvalidRequest(found)
	}
	return nil
}

// maxQueryPairs bounds the work that a query can cause. No operation has as many
// parameters.
const maxQueryPairs = 50

// queryViolations returns the faults that schemas cannot express: bad encoding, unknown
// and repeated parameters.
func (o operation) queryViolations(raw string, params url.Values) (found []gen.ProblemError) {
	if _, err := url.ParseQuery(raw); err != nil {
		// Go drops a pair that it cannot decode; a gateway may decode it.
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

func checkEmail(value string) error {
	_, _, err := auth.NormalizeEmail(value)
	return err
}
