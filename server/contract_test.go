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
	var got []string
	for _, c := range changes(t, "testdata/baseline.yaml", checker.WARN) {
		got = append(got, c.where()+": "+c.text)
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

// change is one difference between two specs that a client can see.
type change struct{ method, path, text string }

func (c change) where() string { return c.method + " " + c.path }

// changes are the differences from the spec in the file to ours of at least the
// level: WARN are those that break clients or may.
func changes(t *testing.T, from string, level checker.Level) (found []change) {
	t.Helper()
	loader := openapi3.NewLoader()
	base, err := load.NewSpecInfo(loader, load.NewSource(from), load.WithFlattenAllOf(), load.WithFlattenParams())
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
	for _, c := range checker.CheckBackwardCompatibilityUntilLevel(checker.NewConfig(checker.GetAllChecks()), report, sources, level) {
		found = append(found, change{c.GetOperation(), c.GetPath(), c.GetUncolorizedText(checker.NewDefaultLocalizer())})
	}
	return found
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
