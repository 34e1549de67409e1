package server

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/pb33f/libopenapi"
	validation "github.com/pb33f/libopenapi-validator"
)

// makeDist runs gen/dist.go over the source as it is in a folder of its own, and
// returns what it writes.
func makeDist(t *testing.T, program string) map[string][]byte {
	t.Helper()
	folder := t.TempDir()
	for from, to := range map[string]string{"../openapi.yaml": "openapi.yaml", "../gen/sdk.overlay.yaml": "gen/sdk.overlay.yaml"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, to), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gen/dist.go: %v\n%s", err, out)
	}
	files := map[string][]byte{}
	written, err := os.ReadDir(filepath.Join(folder, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range written {
		if files[f.Name()], err = os.ReadFile(filepath.Join(folder, "dist", f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

var (
	operationIDs = regexp.MustCompile(`"?operationId"?: "?\w+`)
	aRef         = regexp.MustCompile(`"?\$ref"?: ?["']#/components/(\w+)/([\w-]+)["']`)
)

// What is released can be made again by anyone, octet for octet, and says what
// openapi.yaml says.
func TestReleaseFiles(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "dist")
	for _, args := range [][]string{{"vet", "../gen/dist.go"}, {"build", "-o", program, "../gen/dist.go"}} {
		if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	files := makeDist(t, program)
	if again := makeDist(t, program); !reflect.DeepEqual(files, again) {
		t.Error("a second run in another folder writes something else")
	}
	want := []string{"SHA256SUMS", "openapi.dereferenced.json", "openapi.json", "openapi.sdk.yaml", "openapi.yaml"}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Fatalf("files are %v, want %v", got, want)
	}
	var sums strings.Builder
	for _, name := range want[1:] {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	if string(files["SHA256SUMS"]) != sums.String() {
		t.Errorf("SHA256SUMS is\n%swant\n%s", files["SHA256SUMS"], &sums)
	}

	source, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(files["openapi.yaml"]) != string(source) {
		t.Error("openapi.yaml is not the source")
	}
	if !reflect.DeepEqual(meaning(t, files["openapi.json"]), meaning(t, source)) {
		t.Error("openapi.json says something else than the source")
	}
	if ref := aRef.Find(files["openapi.dereferenced.json"]); ref != nil {
		t.Errorf("openapi.dereferenced.json has %s", ref)
	}
	for name, removed := range map[string][]string{
		"openapi.json": nil, "openapi.dereferenced.json": nil, "openapi.sdk.yaml": {"POST /webhook/stripe: endpoint added"},
	} {
		checkReleased(t, name, files[name], removed)
	}
	checkNothingIsLeftOver(t, files["openapi.sdk.yaml"])
}

// checkReleased fails the test if the file is no good OpenAPI, or is another API
// than ours but for what was removed.
func checkReleased(t *testing.T, name string, text []byte, removed []string) {
	t.Helper()
	if len(text) >= 4<<20 {
		t.Errorf("%s has %d octets: Azure takes less than 4 MB", name, len(text))
	}
	spec, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := spec.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableMultiError()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	second, errs := validation.NewValidator(document)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", name, errs)
	}
	if _, found := second.ValidateDocument(); len(found) > 0 {
		t.Errorf("%s: %v", name, found)
	}
	if spec.OpenAPI != "3.0.3" || spec.Info.Version != mustSpec(t).Info.Version {
		t.Errorf("%s is version %s in OpenAPI %s", name, spec.Info.Version, spec.OpenAPI)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes(t, path, checker.INFO) {
		got = append(got, c.where()+": "+c.text)
	}
	if !slices.Equal(got, removed) {
		t.Errorf("from %s to the source there are the changes %q, want %q", name, got, removed)
	}
	// In the order of the source, for readers.
	source, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ids := func(text []byte) (list []string) {
		for _, m := range operationIDs.FindAllString(string(text), -1) {
			if id := m[strings.LastIndexAny(m, ` "`)+1:]; len(removed) == 0 || !strings.HasPrefix(id, "Webhook") {
				list = append(list, id)
			}
		}
		return list
	}
	if got, want := ids(text), ids(source); !slices.Equal(got, want) {
		t.Errorf("%s has the operations and links %v, want %v", name, got, want)
	}
}

// checkNothingIsLeftOver fails the test if a component is not used: the overlay has
// to remove with an operation what only that used.
func checkNothingIsLeftOver(t *testing.T, text []byte) {
	t.Helper()
	used := map[string]bool{}
	for _, m := range aRef.FindAllStringSubmatch(string(text), -1) {
		used[m[1]+"/"+m[2]] = true
	}
	components := meaning(t, text).(map[string]any)["components"].(map[string]any)
	for kind, named := range components {
		for name := range named.(map[string]any) {
			if kind != "securitySchemes" && !used[kind+"/"+name] {
				t.Errorf("openapi.sdk.yaml: nothing uses the component %s/%s: remove it in gen/sdk.overlay.yaml", kind, name)
			}
		}
	}
	for _, tag := range meaning(t, text).(map[string]any)["tags"].([]any) {
		if name := tag.(map[string]any)["name"].(string); !strings.Contains(string(text), "tags: ["+name+"]") {
			t.Errorf("openapi.sdk.yaml: nothing is tagged %s", name)
		}
	}
}
