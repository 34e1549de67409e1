package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/yaml"

	"github.com/nestpayments/nestpayments/gen"
)

// The rules that openapi.yaml keeps, so that SDK generators and API gateways read
// it without loss. Each says whom it is for.

// eachOperation calls f for every operation of the spec.
func eachOperation(t *testing.T, f func(method, path string, op *openapi3.Operation)) {
	t.Helper()
	paths := mustSpec(t).Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for method, op := range paths[path].Operations() {
			f(method, path, op)
		}
	}
}

// A client of the published API knows these; an SDK's methods are named after the
// operationIds, a gateway's routes too.
func TestOperations(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"POST /user":            "UserController_create",
		"GET /user":             "UserController_findAll",
		"GET /user/{id}":        "UserController_findOne",
		"PATCH /user/{id}":      "UserController_update",
		"DELETE /user/{id}":     "UserController_remove",
		"POST /user/register":   "UserController_register",
		"POST /user/login":      "UserController_login",
		"POST /user/password":   "UserController_changePassword",
		"POST /payment":         "PaymentController_createPayment",
		"GET /payment":          "PaymentController_getPayments",
		"GET /payment/{id}":     "PaymentController_getPayment",
		"POST /payment/confirm": "PaymentController_confirmPayment",
		// Stripe's, not the clients'.
		"POST /webhook/stripe": "WebhookController_stripe",
	}
	got := map[string]string{}
	tags := mustSpec(t).Tags
	eachOperation(t, func(method, path string, op *openapi3.Operation) {
		got[method+" "+path] = op.OperationID
		if len(op.Tags) != 1 || tags.Get(op.Tags[0]) == nil || op.Summary == "" || op.Description == "" {
			t.Errorf("%s: an operation has one declared tag, a summary and a description", op.OperationID)
		}
		if class, _, _ := strings.Cut(op.OperationID, "Controller_"); !slices.Equal(op.Tags, []string{class}) {
			t.Errorf("%s is tagged %v: SDKs file it elsewhere than its name says", op.OperationID, op.Tags)
		}
	})
	for route, id := range got {
		if want[route] != id {
			t.Errorf("%s is %s, want %q: add what is new to this list, from where it is never taken away", route, id, want[route])
		}
	}
	for route, id := range want {
		if got[route] == "" {
			t.Errorf("%s, %s, is gone: SDKs and gateways have it", route, id)
		}
	}
}

var goodSchemaRef = regexp.MustCompile(`^#/components/schemas/[A-Za-z0-9]+$`)

// Generators make up names for what has none, and some get several success or
// error types wrong. AWS takes only named models.
func TestBodiesAreNamedSchemas(t *testing.T) {
	t.Parallel()
	check := func(where, mediaType string, content openapi3.Content) {
		t.Helper()
		body := content[mediaType]
		if len(content) != 1 || body == nil {
			t.Errorf("%s: media types are %v, want %s alone", where, slices.Collect(maps.Keys(content)), mediaType)
			return
		}
		if !goodSchemaRef.MatchString(body.Schema.Ref) {
			t.Errorf("%s: the schema is not named: %q", where, body.Schema.Ref)
		}
		if len(body.Examples) == 0 {
			t.Errorf("%s has no example", where)
		}
		if problem := body.Schema.Ref == "#/components/schemas/Problem"; problem != (mediaType == "application/problem+json") {
			t.Errorf("%s: %s as %s", where, body.Schema.Ref, mediaType)
		}
	}
	eachOperation(t, func(_, _ string, op *openapi3.Operation) {
		if op.RequestBody != nil {
			check(op.OperationID, "application/json", op.RequestBody.Value.Content)
		}
		successes := 0
		for status, response := range op.Responses.Map() {
			where := op.OperationID + " " + status
			switch {
			case !regexp.MustCompile(`^[245]\d\d$`).MatchString(status):
				t.Errorf("%s: AWS refuses responses that are no single status", where)
			case status == "204":
				successes++
				if len(response.Value.Content) > 0 {
					t.Errorf("%s has a body", where)
				}
			case status < "300":
				successes++
				check(where, "application/json", response.Value.Content)
			default:
				check(where, "application/problem+json", response.Value.Content)
			}
		}
		if successes != 1 {
			t.Errorf("%s has %d success statuses, want one", op.OperationID, successes)
		}
	})
}

// Nothing nested is without a name, and a name is spelled one way.
func TestSchemasAreFlat(t *testing.T) {
	t.Parallel()
	for name, schema := range mustSpec(t).Components.Schemas {
		if !goodSchemaRef.MatchString("#/components/schemas/"+name) || schema.Value.Title != name {
			t.Errorf("%s is titled %q: generators take either for the name", name, schema.Value.Title)
		}
		nested := maps.Clone(schema.Value.Properties)
		for property, p := range schema.Value.Properties {
			if p.Value.Items != nil {
				nested[property+"[]"] = p.Value.Items
			}
		}
		if schema.Value.Items != nil {
			nested = openapi3.Schemas{"[]": schema.Value.Items}
		}
		for property, p := range nested {
			if p.Ref == "" && (p.Value.Type == nil || p.Value.Type.Is("object")) {
				t.Errorf("%s.%s is an object without a name, or of no type", name, property)
			}
		}
	}
}

// What may be added to a response breaks nobody who takes it as open; a request
// with an unknown property is a mistake.
func TestRequestsAreClosedAndResponsesOpen(t *testing.T) {
	t.Parallel()
	spec := mustSpec(t)
	requests := map[string]bool{}
	eachOperation(t, func(_, _ string, op *openapi3.Operation) {
		if op.RequestBody != nil && op.OperationID != "WebhookController_stripe" { // Stripe adds to its events
			requests[strings.TrimPrefix(op.RequestBody.Value.Content["application/json"].Schema.Ref, "#/components/schemas/")] = true
		}
	})
	for name, schema := range spec.Components.Schemas {
		closed := schema.Value.AdditionalProperties.Has
		if requests[name] && (closed == nil || *closed) {
			t.Errorf("%s is a request: close it with additionalProperties: false", name)
		}
		if !requests[name] && closed != nil {
			t.Errorf("%s is a response: leave additionalProperties out", name)
		}
		for property, p := range schema.Value.Properties {
			if p.Value.Enum != nil {
				t.Errorf("%s.%s has an enum: clients break on a value that is new; use x-extensible-enum", name, property)
			}
		}
	}
	for _, name := range []string{"ReturnPaymentDto", "PaymentCreatedDto"} {
		status := spec.Components.Schemas[name].Value.Properties["status"].Value
		if known, _ := status.Extensions["x-extensible-enum"].([]any); !slices.Contains(known, any("succeeded")) {
			t.Errorf("%s.status does not name the statuses: %v", name, known)
		}
	}
}

// Gateways enforce what is said here, and only this.
func TestSecurityIsDeclared(t *testing.T) {
	t.Parallel()
	spec := mustSpec(t)
	if got := fmt.Sprint(spec.Security); got != "[map[bearer:[]]]" {
		t.Errorf("security is %s, want bearer for all", got)
	}
	bearer := spec.Components.SecuritySchemes["bearer"].Value
	if bearer.Type != "http" || bearer.Scheme != "bearer" || bearer.BearerFormat != "JWT" || !strings.Contains(bearer.Description, "RFC8725") {
		t.Errorf("bearer is %+v, want a JWT used as RFC8725 says", bearer)
	}
	public := []string{"UserController_login", "UserController_register", "WebhookController_stripe"}
	eachOperation(t, func(_, _ string, op *openapi3.Operation) {
		if open := op.Security != nil; open != slices.Contains(public, op.OperationID) || open && len(*op.Security) > 0 {
			t.Errorf("%s: security is %v; without a token there are %v and no other", op.OperationID, op.Security, public)
		}
		if (op.Responses.Value("401") == nil) != (op.Security != nil && op.OperationID != "UserController_login") {
			t.Errorf("%s: 401 is for operations that need a token, and for login", op.OperationID)
		}
	})
}

// The headers that clients steer by are promised, not just sent.
func TestHeadersAreDeclared(t *testing.T) {
	t.Parallel()
	spec := mustSpec(t)
	used := map[string]bool{}
	eachOperation(t, func(method, path string, op *openapi3.Operation) {
		limited := op.Responses.Value("429") != nil && path != webhookPath // has a limit of its own, for what is not signed
		for status, response := range op.Responses.Map() {
			want := []string{"X-Request-Id"}
			switch status {
			case "401":
				want = append(want, "WWW-Authenticate")
			case "429", "503":
				want = append(want, "Retry-After")
			case "201":
				if spec.Paths.Value(path+"/{id}") != nil {
					want = append(want, "Location")
				}
			}
			if limited && status < "500" {
				want = append(want, "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
			}
			if status == "200" && response.Value.Content["application/json"].Schema.Value.Type.Is("array") {
				want = append(want, "Link")
			}
			for _, name := range want {
				header := response.Value.Headers[name]
				if header == nil || header.Ref != "#/components/headers/"+name {
					t.Errorf("%s %s does not declare %s", op.OperationID, status, name)
				}
			}
			for name := range response.Value.Headers {
				used[name] = true
			}
		}
	})
	for name := range spec.Components.Headers {
		if !used[name] {
			t.Errorf("the header %s is not used", name)
		}
	}
}

// Azure takes a parameter's name once in an operation, URLs below 128 characters
// and files below 4 MB; Google takes path variables that are whole segments.
func TestGatewayLimits(t *testing.T) {
	t.Parallel()
	spec := mustSpec(t)
	if len(spec.Servers) != 1 || !strings.HasPrefix(spec.Servers[0].URL, "https://") {
		t.Fatalf("servers are %v, want one with https", spec.Servers)
	}
	eachOperation(t, func(method, path string, op *openapi3.Operation) {
		if url := spec.Servers[0].URL + path; len(url) >= 128 {
			t.Errorf("%s is %d characters long", url, len(url))
		}
		names := map[string]bool{}
		for _, p := range op.Parameters {
			if names[p.Value.Name] {
				t.Errorf("%s has two parameters %s", op.OperationID, p.Value.Name)
			}
			names[p.Value.Name] = true
			if p.Value.In == openapi3.ParameterInPath && !slices.Contains(strings.Split(path, "/"), "{"+p.Value.Name+"}") {
				t.Errorf("%s %s: %s is no whole segment", method, path, p.Value.Name)
			}
		}
	})
	if len(gen.OpenAPI) >= 4<<20 {
		t.Errorf("openapi.yaml has %d octets", len(gen.OpenAPI))
	}
}

// A link is of use if a machine can follow it.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	operations := map[string]*openapi3.Operation{}
	eachOperation(t, func(_, _ string, op *openapi3.Operation) { operations[op.OperationID] = op })
	eachOperation(t, func(_, path string, op *openapi3.Operation) {
		created := op.Responses.Value("201")
		if created != nil && mustSpec(t).Paths.Value(path+"/{id}") != nil && len(created.Value.Links) == 0 {
			t.Errorf("%s creates something and does not link to it", op.OperationID)
		}
		for status, response := range op.Responses.Map() {
			for name, link := range response.Value.Links {
				to := operations[link.Value.OperationID]
				if to == nil {
					t.Errorf("%s %s: %s leads to %q", op.OperationID, status, name, link.Value.OperationID)
					continue
				}
				for parameter := range link.Value.Parameters {
					if !slices.ContainsFunc(to.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.Name == parameter }) {
						t.Errorf("%s %s: %s sets %s, which %s does not take", op.OperationID, status, name, parameter, link.Value.OperationID)
					}
				}
			}
		}
	})
}

// sharedSyntax is what regular expressions of RE2, which Go and Google read, and of
// ECMAScript, which OpenAPI means, have in common: no groups with a question mark,
// no classes by property, no escapes but these.
var sharedSyntax = regexp.MustCompile(`^([^\\(\[]|\\[SsDdWw.\\/^$*+?()\[\]{}|-]|\((?:[^?]|$)|\[[^\[\\\]]*\])*$`)

func TestPatternsAreUnderstoodEverywhere(t *testing.T) {
	t.Parallel()
	patterns := 0
	walk(t, func(path, key string, value any) {
		pattern, ok := value.(string)
		if key != "pattern" || !ok {
			return
		}
		patterns++
		if _, err := regexp.Compile(pattern); err != nil {
			t.Errorf("%s is not RE2: %v", path, err)
		}
		if !sharedSyntax.MatchString(pattern) {
			t.Errorf("%s: %s is not the same to RE2 and ECMAScript", path, pattern)
		}
	})
	if patterns < 20 {
		t.Errorf("%d patterns were found, the spec has more", patterns)
	}
	for _, bad := range []string{`(?i)a`, `\p{L}`, `\Aa\z`, `[[:alpha:]]`, `(?:a)`, `\Qa\E`, `(?=a)`, `\cA`, `\u0041`} {
		if sharedSyntax.MatchString(bad) {
			t.Errorf("%s is taken for shared syntax", bad)
		}
	}
}

// Gateways and generators choke on what is clever: the spec keeps to the subset
// that all of them read. What is a gateway's own stands in overlays.
func TestSpecIsPortable(t *testing.T) {
	t.Parallel()
	banned := []string{
		"allOf", "oneOf", "anyOf", "not", "discriminator", "nullable", "readOnly", "writeOnly", "xml", "callbacks",
		"operationRef", "externalValue", "exclusiveMinimum", "exclusiveMaximum", "patternProperties", "deprecated", "style", "explode",
	}
	// Both are conventions of many tools, not one's own: the values that an open
	// string has today, and whether a server is for the public.
	extensions := []string{"x-extensible-enum", "x-internal"}
	walk(t, func(path, key string, value any) {
		if slices.Contains(banned, key) {
			t.Errorf("%s: %s is not read everywhere", path, key)
		}
		if strings.HasPrefix(key, "x-") && !slices.Contains(extensions, key) {
			t.Errorf("%s: the extensions of a tool or gateway belong in its overlay", path)
		}
		if ref, ok := value.(string); key == "$ref" && (!ok || !strings.HasPrefix(ref, "#/components/")) {
			t.Errorf("%s leads out of the file: %v", path, value)
		}
	})
	spec := mustSpec(t)
	if spec.OpenAPI != "3.0.3" {
		t.Errorf("openapi is %s", spec.OpenAPI)
	}
	if err := spec.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableMultiError(),
		openapi3.EnableSchemaFormatValidation(), openapi3.EnableSchemaPatternValidation(), openapi3.EnableSchemaDefaultsValidation()); err != nil {
		t.Error(err)
	}
}

// walk calls f for each key of the spec that is a word of OpenAPI: not for the
// names of properties, components and headers, and not inside of examples.
func walk(t *testing.T, f func(path, key string, value any)) {
	t.Helper()
	text, err := yaml.YAMLToJSON(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var spec any
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	names := []string{
		"properties", "paths", "responses", "headers", "schemas", "parameters", "examples", "links", "securitySchemes", "content",
	}
	var visit func(path string, value any, words bool)
	visit = func(path string, value any, words bool) {
		switch value := value.(type) {
		case map[string]any:
			for key, v := range value {
				if words {
					f(path+"/"+key, key, v)
				}
				if !words || key != "example" && key != "value" {
					visit(path+"/"+key, v, !words || !slices.Contains(names, key))
				}
			}
		case []any:
			for i, v := range value {
				visit(fmt.Sprint(path, "/", i), v, true)
			}
		}
	}
	visit("#", spec, true)
}
