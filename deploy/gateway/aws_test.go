package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestAWSImport(t *testing.T) {
	t.Parallel()
	_, document := made(t, "aws")
	var found []struct {
		Path, Method string
		Integration  struct{ Type, HTTPMethod, URI string }
	}
	if err := json.Unmarshal(tool(t, "venv/bin/python", "testdata/aws_import.py", document), &found); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range found {
		got[f.Method+" "+f.Path] = f.Integration.Type + " " + f.Integration.HTTPMethod + " " + f.Integration.URI
	}
	if len(got) != len(operations(t)) {
		t.Errorf("%d methods were imported, want %d", len(got), len(operations(t)))
	}
	for _, o := range operations(t) {
		want := "http_proxy " + o.method + " https://${stageVariables.backend}" + o.path
		if got := got[o.method+" "+o.path]; got != want {
			t.Errorf("%s is integrated as %q, want %q", o.id, got, want)
		}
	}
}

// The import of AWS is stricter than any emulation of it.
func TestAWSRules(t *testing.T) {
	t.Parallel()
	file, _ := made(t, "aws")
	if faults := awsFaults(t, file); len(faults) > 0 {
		t.Errorf("AWS would refuse or drop:\n%s", strings.Join(faults, "\n"))
	}
}

// The rules see what they are for.
func TestAWSRulesFindFaults(t *testing.T) {
	t.Parallel()
	file, _ := made(t, "aws")
	for _, tc := range []struct{ name, old, new, want string }{
		{"a range of statuses", "'201':", "4XX:", "the status 4XX"},
		{"a default response", "'201':", "default:", "the status default"},
		{"a response by reference", "description: The user was created.", "$ref: '#/components/responses/Created'", "is a reference"},
		{"a keyword of OpenAPI that models do not know", "additionalProperties: false", "discriminator: {propertyName: x}", "discriminator"},
		{"a model with a dash", "CreateUserDto:", "Create-User-Dto:", "model Create-User-Dto"},
		{"a parameter that is not handed on", "integration.request.path.id: method.request.path.id", "integration.request.path.ix: method.request.path.id", "is not handed on"},
		{"too much patience", "timeoutInMillis: 29000", "timeoutInMillis: 30000", "timeoutInMillis"},
		{"a reserved path", "/payment/confirm:", "/ping:", "/ping"},
		{"a bearer scheme", "components:", "components:\n    securitySchemes: {bearer: {type: http, scheme: bearer}}", "security scheme"},
	} {
		broken := strings.Replace(string(file), tc.old, tc.new, 1)
		if broken == string(file) {
			t.Errorf("%s: the document has no %q", tc.name, tc.old)
		}
		if faults := strings.Join(awsFaults(t, []byte(broken)), "\n"); !strings.Contains(faults, tc.want) {
			t.Errorf("%s: got %q, want a fault that names %q", tc.name, faults, tc.want)
		}
	}
}

var (
	awsSegment   = regexp.MustCompile(`^([A-Za-z0-9_.,:-]+|\{[A-Za-z0-9_.,:-]+\})$`)
	awsModel     = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	awsParameter = regexp.MustCompile(`^[A-Za-z0-9._$-]+$`)
	awsStatus    = regexp.MustCompile(`^[1-5][0-9][0-9]$`)
)

// awsUnknown are the keywords that models do not know: they are JSON Schema draft 4.
var awsUnknown = []string{
	"discriminator", "example", "examples", "exclusiveMinimum", "exclusiveMaximum", "readOnly", "writeOnly", "nullable",
	"deprecated", "oneOf", "anyOf", "allOf", "not", "xml", "externalDocs",
}

// awsFaults checks the document against what the developer guide says of the import
// of REST APIs.
// Source: docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
func awsFaults(t *testing.T, document []byte) []string {
	t.Helper()
	var doc struct {
		Paths      map[string]map[string]awsOperation
		Components struct {
			SecuritySchemes map[string]any `yaml:"securitySchemes"`
			Schemas         map[string]any
			Parameters      map[string]awsParam
		}
	}
	if err := yaml.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for name := range doc.Components.SecuritySchemes {
		fault("security scheme %s: only apiKey is known", name)
	}
	for name, schema := range doc.Components.Schemas {
		if !awsModel.MatchString(name) {
			fault("model %s: letters and digits only", name)
		}
		for _, keyword := range keywords(schema) {
			if slices.Contains(awsUnknown, keyword) || strings.HasPrefix(keyword, "x-") {
				fault("model %s: %s is not known", name, keyword)
			}
		}
	}
	for path, item := range doc.Paths {
		if path == "/ping" || path == "/sping" {
			fault("%s is AWS's own", path)
		}
		for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
			if !awsSegment.MatchString(segment) {
				fault("%s: the segment %s", path, segment)
			}
		}
		for method, o := range item {
			for _, f := range o.faults(path, method, doc.Components.Parameters) {
				fault("%s %s: %s", method, path, f)
			}
		}
	}
	return faults
}

type awsParam struct {
	Ref  string `yaml:"$ref"`
	Name string
	In   string
}

type awsOperation struct {
	Parameters []awsParam
	Security   any
	Responses  map[string]struct {
		Ref     string `yaml:"$ref"`
		Headers map[string]any
		Links   map[string]any
		Content map[string]struct{ Schema map[string]any }
	}
	Integration *struct {
		Type              string
		HTTPMethod        string `yaml:"httpMethod"`
		URI               string
		TimeoutInMillis   int               `yaml:"timeoutInMillis"`
		RequestParameters map[string]string `yaml:"requestParameters"`
	} `yaml:"x-amazon-apigateway-integration"`
}

func (o awsOperation) faults(path, method string, components map[string]awsParam) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if o.Security != nil {
		fault("asks for a security that is not there")
	}
	for status, response := range o.Responses {
		switch {
		case !awsStatus.MatchString(status):
			fault("the status %s", status)
		case response.Ref != "":
			fault("the response %s is a reference", status)
		case response.Links != nil || response.Headers != nil:
			fault("the response %s has links or headers", status)
		}
		for mediaType, content := range response.Content {
			if strings.Contains(mediaType, "*") || content.Schema["$ref"] == nil && content.Schema["type"] != "object" {
				fault("the response %s is neither an object nor a model", status)
			}
		}
	}
	if o.Integration == nil {
		fault("has no integration")
		return faults
	}
	if !strings.EqualFold(o.Integration.HTTPMethod, method) || !strings.HasSuffix(o.Integration.URI, path) || o.Integration.Type != "http_proxy" {
		fault("is integrated as %+v", *o.Integration)
	}
	if ms := o.Integration.TimeoutInMillis; ms < 50 || ms > 29000 {
		fault("timeoutInMillis is %d, which must be from 50 to 29000", ms)
	}
	seen := map[string]bool{}
	for _, p := range o.Parameters {
		if name, isRef := strings.CutPrefix(p.Ref, "#/components/parameters/"); isRef {
			p = components[name]
		}
		if !awsParameter.MatchString(p.Name) || seen[p.Name] {
			fault("the parameter %q is malformed, or there twice", p.Name)
		}
		seen[p.Name] = true
		if p.In == "path" && o.Integration.RequestParameters["integration.request.path."+p.Name] != "method.request.path."+p.Name {
			fault("the path parameter %s is not handed on", p.Name)
		}
	}
	return faults
}

// keywords are the keys of the schema and of those within it, without the names of
// properties.
func keywords(schema any) []string {
	m, isObject := schema.(map[string]any)
	if !isObject {
		return nil
	}
	var list []string
	for key, value := range m {
		list = append(list, key)
		if properties, isObject := value.(map[string]any); isObject && key == "properties" {
			for _, property := range properties {
				list = append(list, keywords(property)...)
			}
			continue
		}
		list = append(list, keywords(value)...)
	}
	return list
}
