package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/pb33f/libopenapi"
	validation "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	validationerrors "github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi-validator/strict"
	"github.com/pb33f/libopenapi/datamodel/high/base"

	"github.com/nestpayments/nestpayments/server/auth"
)

// validator is one opinion on whether what the server answers is what the spec
// says. Both are stricter than the spec: what it does not declare, properties and
// headers, is refused, and so is an answer without a header that it does declare.
type validator interface {
	// answer says what is wrong with an answer of one of the spec's operations.
	answer(r *http.Request, got answer) error
	// problem says what is wrong with a problem that no operation sent.
	problem(body []byte) error
}

// undeclared are the headers that answers have and the spec does not declare, by
// the reason why it need not.
var undeclared = map[string]string{
	"Content-Type":                  "the spec names the media type; OpenAPI forbids to declare the header beside it",
	"Content-Length":                "framing, which is HTTP's own (RFC 9112)",
	"Date":                          "of every answer by HTTP itself (RFC 9110)",
	"Cache-Control":                 "for caches on the way: no-store on every answer",
	"Vary":                          "for caches on the way: which pages an answer is for",
	"Content-Security-Policy":       "for browsers that show an answer as a page",
	"Referrer-Policy":               "for browsers that show an answer as a page",
	"X-Frame-Options":               "for browsers that show an answer as a page",
	"X-Content-Type-Options":        "for browsers that show an answer as a page",
	"Access-Control-Expose-Headers": "for browsers, between a page and the server (CORS)",
}

// optional are the headers that the spec declares for answers which may lack them,
// by the reason.
var optional = map[string]string{
	"Link":                        "absent on the last page",
	"Access-Control-Allow-Origin": "for pages that may read the answer alone",
}

// kin is the opinion of kin-openapi, which the server validates requests with. It
// has no eye for undeclared headers, so these are looked for here.
type kin struct {
	spec    *openapi3.T
	router  routers.Router
	options *openapi3filter.Options
}

func newKin(source []byte) (*kin, error) {
	spec, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		return nil, err
	}
	spec.Servers = nil
	closed := false
	for _, s := range spec.Components.Schemas {
		if s.Value.Type.Is("object") && s.Value.AdditionalProperties.Has == nil {
			s.Value.AdditionalProperties.Has = &closed
		}
	}
	for _, item := range spec.Paths.Map() {
		for _, op := range item.Operations() {
			for _, response := range op.Responses.Map() {
				for name, header := range response.Value.Headers {
					header.Value.Required = optional[name] == ""
				}
			}
		}
	}
	router, err := gorillamux.NewRouter(spec)
	return &kin{spec, router, &openapi3filter.Options{
		IncludeResponseStatus: true, MultiError: true,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.WithStringFormatValidator("email", openapi3.NewCallbackValidator(checkEmail)),
		},
	}}, err
}

func (k *kin) answer(r *http.Request, got answer) error {
	route, params, err := k.router.FindRoute(r)
	if err != nil {
		return err
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 got.status,
		Header:                 got.header,
		Body:                   io.NopCloser(bytes.NewReader(got.body)),
		Options:                k.options,
	})
	response := route.Operation.Responses.Status(got.status)
	if err != nil || response == nil {
		return err
	}
	declared := map[string]bool{}
	for name := range response.Value.Headers {
		declared[http.CanonicalHeaderKey(name)] = true
	}
	for name, values := range got.header {
		if !declared[name] && undeclared[name] == "" {
			return fmt.Errorf("the header %s is not declared", name)
		}
		if len(values) > 1 {
			return fmt.Errorf("the header %s is sent %d times", name, len(values))
		}
	}
	if len(response.Value.Content) == 0 && (len(got.body) > 0 || got.header.Get("Content-Type") != "") {
		return fmt.Errorf("a body where the spec has none: %s", got.body)
	}
	return nil
}

func (k *kin) problem(body []byte) error {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	return k.spec.Components.Schemas["Problem"].Value.VisitJSON(value, openapi3.MultiErrors())
}

// pb33f is the opinion of libopenapi-validator, which shares no code with
// kin-openapi: its own reader, its own router, and JSON Schema instead of a walk
// over the spec.
type pb33f struct {
	validator     validation.Validator
	schemas       schema_validation.SchemaValidator
	problemSchema *base.Schema
	options       *config.ValidationOptions
}

func newLibopenapi(source []byte) (*pb33f, error) {
	document, err := libopenapi.NewDocument(source)
	if err != nil {
		return nil, err
	}
	model, err := document.BuildV3Model()
	if err != nil {
		return nil, err
	}
	for item := range model.Model.Paths.PathItems.ValuesFromOldest() {
		for op := range item.GetOperations().ValuesFromOldest() {
			for response := range op.Responses.Codes.ValuesFromOldest() {
				for name, header := range response.Headers.FromOldest() {
					header.Required = optional[name] == ""
				}
			}
		}
	}
	var ignored []string
	for name := range undeclared {
		ignored = append(ignored, name)
	}
	options := []config.Option{
		config.WithFormatAssertions(), config.WithStrictMode(), config.WithStrictIgnoredHeaders(ignored...),
		config.WithRejectUnsupportedBodyContent(),
		// JSON Schema's own email knows ASCII alone.
		config.WithCustomFormat("email", func(v any) error {
			text, ok := v.(string)
			if !ok {
				return nil // the type is another keyword's
			}
			return checkEmail(text)
		}),
	}
	return &pb33f{
		validator:     validation.NewValidatorFromV3Model(&model.Model, options...),
		schemas:       schema_validation.NewSchemaValidator(options...),
		problemSchema: model.Model.Components.Schemas.GetOrZero("Problem").Schema(),
		options:       config.NewValidationOptions(options...),
	}, nil
}

func (l *pb33f) answer(r *http.Request, got answer) error {
	// A fragment is the client's own, and not sent; this validator takes it for a
	// part of the path.
	r = r.Clone(r.Context())
	r.URL.Fragment, r.URL.RawFragment = "", ""
	// It also refuses a path whose encoded slashes or dots could lead a router to
	// another operation. Our router takes them as data, and the value of a parameter
	// does not matter for the answer.
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i, segment := range segments {
		if strings.Contains(segment, "%") || segment == "." || segment == ".." {
			segments[i] = "encoded"
		}
	}
	r.URL.Path, r.URL.RawPath = strings.Join(segments, "/"), ""
	if len(got.body) == 0 && got.header.Get("Content-Type") != "" {
		return errNoBody
	}
	_, found := l.validator.ValidateHttpResponse(r, &http.Response{
		StatusCode: got.status, Header: got.header, Body: io.NopCloser(bytes.NewReader(got.body)),
	})
	return join(found)
}

func (l *pb33f) problem(body []byte) error {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	if _, found := l.schemas.ValidateSchemaObjectWithVersion(l.problemSchema, value, 3.0); len(found) > 0 {
		return join(found)
	}
	if unknown := strict.ValidateBody(l.problemSchema, value, strict.DirectionResponse, l.options, 3.0); !unknown.Valid {
		return fmt.Errorf("properties that are not declared: %v", unknown.UndeclaredValues)
	}
	return nil
}

// errNoBody is what libopenapi-validator lets pass.
var errNoBody = errors.New("no body where the spec has one")

func join(found []*validationerrors.ValidationError) error {
	var all []error
	for _, e := range found {
		text := e.Message + ": " + e.Reason
		for _, s := range e.SchemaValidationErrors {
			text += "; " + strings.Join(s.InstancePath, "/") + " " + s.Reason
		}
		all = append(all, errors.New(text))
	}
	return errors.Join(all...)
}

func checkEmail(value string) error {
	_, _, err := auth.NormalizeEmail(value)
	return err
}
