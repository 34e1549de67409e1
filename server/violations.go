package server

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
)

// maxViolations is how many violations an answer lists, as the spec says.
const maxViolations = 50

// invalidRequest is a request that does not fit the schema.
type invalidRequest struct{ violations []gen.ProblemError }

// newInvalidRequest sorts the violations by place and drops repetitions, so that
// the same request gets the same answer.
func newInvalidRequest(found []gen.ProblemError) *invalidRequest {
	slices.SortFunc(found, func(a, b gen.ProblemError) int {
		return cmp.Or(strings.Compare(place(a), place(b)), strings.Compare(a.Detail, b.Detail))
	})
	found = slices.CompactFunc(found, func(a, b gen.ProblemError) bool {
		return place(a) == place(b) && a.Detail == b.Detail
	})
	return &invalidRequest{found[:min(len(found), maxViolations)]}
}

// place is where the violation is: a pointer, which starts with #, or the name of
// a parameter.
func place(v gen.ProblemError) string {
	if v.Pointer != nil {
		return *v.Pointer
	}
	return *v.Parameter
}

func (e *invalidRequest) Error() string {
	return fmt.Sprintf("%d violations of the schema", len(e.violations))
}

// violations turns what the validator found into the spec's terms, in words of
// our own: the validator's may quote the value.
func violations(err error) []gen.ProblemError {
	var f finder
	f.add(err)
	return f.found
}

type finder struct{ found []gen.ProblemError }

func (f *finder) add(err error) {
	switch e := err.(type) {
	case openapi3.MultiError:
		for _, one := range e {
			f.add(one)
		}
	case *openapi3filter.RequestError:
		f.addRequest(e)
	case *openapi3.SchemaError:
		f.found = append(f.found, inBody(e.JSONPointer(), expectation(e)))
	}
}

func (f *finder) addRequest(e *openapi3filter.RequestError) {
	missing := errors.Is(e.Err, openapi3filter.ErrInvalidRequired)
	var schema *openapi3.SchemaError
	switch {
	case e.Parameter == nil && missing:
		f.found = append(f.found, inBody(nil, "a body is required"))
	case e.Parameter == nil:
		f.add(e.Err)
	case missing:
		f.found = append(f.found, inParameter(e.Parameter.Name, "is required"))
	case errors.As(e.Err, &schema):
		f.found = append(f.found, inParameter(e.Parameter.Name, expectation(schema)))
	default:
		f.found = append(f.found, inParameter(e.Parameter.Name, "must be "+describe(e.Parameter.Schema.Value)))
	}
}

// expectation says what the schema asks for at the place of the violation.
func expectation(e *openapi3.SchemaError) string {
	s := e.Schema
	var input *auth.InputError
	switch {
	case errors.As(e.Origin, &input):
		return input.Detail
	case e.SchemaField == "required":
		return "is required"
	case e.SchemaField == "pattern" && s.Pattern == `\S`:
		return "must not be blank"
	case e.SchemaField == "pattern":
		return "must match the pattern " + s.Pattern
	case e.SchemaField == "minLength" && s.MinLength == 1:
		return "must not be empty"
	case e.SchemaField == "minLength":
		return fmt.Sprintf("must be at least %d characters long", s.MinLength)
	case e.SchemaField == "maxLength":
		return fmt.Sprintf("must be at most %d characters long", *s.MaxLength)
	}
	return "must be " + describe(s)
}

// describe names the type of the schema and the bounds of a number.
func describe(s *openapi3.Schema) string {
	switch {
	case s.Type.Is("integer") && s.Min != nil && s.Max != nil:
		return fmt.Sprintf("an integer from %.0f to %.0f", *s.Min, *s.Max)
	case s.Type.Is("integer"):
		return "an integer"
	case s.Type.Is("object"):
		return "an object"
	case s.Type.Is("array"):
		return "an array"
	}
	return "a string"
}

// inBody is a violation at a place in the body, named by a JSON Pointer in a URI
// fragment (RFC 6901, section 6).
func inBody(path []string, detail string) gen.ProblemError {
	pointer := "#"
	for _, key := range path {
		pointer += "/" + escapePointer(key)
	}
	return gen.ProblemError{Pointer: &pointer, Detail: detail}
}

// inParameter is a violation of a parameter. A name that the caller made up is
// cut to what the spec allows.
func inParameter(name, detail string) gen.ProblemError {
	name = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' {
			return r
		}
		return '_'
	}, name)
	if name == "" {
		name = "_"
	}
	name = name[:min(len(name), 128)]
	return gen.ProblemError{Parameter: &name, Detail: detail}
}

// longestKey is how much of a property name that a caller made up is repeated.
const longestKey = 128

// escapePointer writes a property name as a reference token in a URI fragment.
func escapePointer(key string) string {
	if len(key) > longestKey {
		key = strings.ToValidUTF8(key[:longestKey], "") + "…"
	}
	key = strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
	return strings.ReplaceAll(url.PathEscape(key), "+", "%2B")
}
