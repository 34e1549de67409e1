package server

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"

	"github.com/nestpayments/nestpayments/gen"
)

// testdata/baseline.yaml is the API as it was first published, and frozen. A
// client of it must work with us: the only breaking changes are the tightened
// request bounds that testdata/tightened.txt lists, each with its reason.
func TestPublishedClientsKeepWorking(t *testing.T) {
	t.Parallel()
	loader := openapi3.NewLoader()
	base, err := load.NewSpecInfo(loader, load.NewSource("testdata/baseline.yaml"), load.WithFlattenAllOf(), load.WithFlattenParams())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := load.NewSpecInfoFromData(loader, gen.OpenAPI, "openapi.yaml", load.WithFlattenAllOf(), load.WithFlattenParams())
	if err != nil {
		t.Fatal(err)
	}
	report, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), base, ours)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range checker.CheckBackwardCompatibilityUntilLevel(checker.NewConfig(checker.GetAllChecks()), report, sources, checker.WARN) {
		got = append(got, c.GetOperation()+" "+c.GetPath()+": "+c.GetUncolorizedText(checker.NewDefaultLocalizer()))
	}
	want := lines(t, "testdata/tightened.txt")
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("breaks published clients: %s\nundo it, or if it is a tightened bound, add the line to testdata/tightened.txt with its reason", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("testdata/tightened.txt excuses what is not there any more: %s", line)
		}
	}
}

// What oasdiff has no eye for: the published examples are part of the contract.
func TestPublishedExamplesStand(t *testing.T) {
	t.Parallel()
	base, err := openapi3.NewLoader().LoadFromFile("testdata/baseline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ours := mustSpec(t)
	examples := 0
	for name, schema := range base.Components.Schemas {
		for property, want := range schema.Value.Properties {
			if want.Value.Example == nil {
				continue
			}
			examples++
			got := ours.Components.Schemas[name].Value.Properties[property].Value
			if got.Example != want.Value.Example {
				t.Errorf("%s.%s: example is %v, published is %v", name, property, got.Example, want.Value.Example)
			}
			if err := got.VisitJSON(want.Value.Example); err != nil {
				t.Errorf("%s.%s: the published example does not fit our schema: %v", name, property, err)
			}
		}
	}
	if examples < 25 {
		t.Errorf("compared %d examples, the baseline has more", examples)
	}
}

// Gateways and generators choke on what is clever: the spec keeps to the subset
// that all of them read.
func TestSpecIsPortable(t *testing.T) {
	t.Parallel()
	source := string(gen.OpenAPI)
	for _, banned := range []string{
		"\n      default:", "4XX", "5XX", "allOf:", "oneOf:", "anyOf:", "nullable:", "readOnly:", "writeOnly:",
		"x-kong", "x-amazon", "x-google", "x-ms-", "x-tyk",
	} {
		if strings.Contains(source, banned) {
			t.Errorf("openapi.yaml has %q", strings.TrimSpace(banned))
		}
	}
	if err := mustSpec(t).Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableMultiError(),
		openapi3.EnableSchemaFormatValidation(), openapi3.EnableSchemaPatternValidation(), openapi3.EnableSchemaDefaultsValidation()); err != nil {
		t.Error(err)
	}
}

// The codes in the spec's list and in the table of problems are the same.
func TestSpecListsEveryProblemCode(t *testing.T) {
	t.Parallel()
	listed := mustSpec(t).Components.Schemas["Problem"].Value.Properties["code"].Value.Extensions["x-extensible-enum"].([]any)
	known := []string{internal.code}
	for _, row := range problems {
		known = append(known, row.code)
	}
	for _, code := range known {
		if !slices.Contains(listed, any(code)) {
			t.Errorf("the server sends %s, the spec does not list it", code)
		}
	}
	for _, code := range listed {
		if !slices.Contains(known, code.(string)) {
			t.Errorf("the spec lists %s, the server never sends it", code)
		}
	}
}

func mustSpec(t testing.TB) *openapi3.T {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// lines reads a list without its comments.
func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}
