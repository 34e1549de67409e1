package main

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v4"

	"github.com/nestpayments/nestpayments/gen"
)

// tools is where tools/install has put the programs of the gateways. Without it only
// what needs none of them is tested.
var tools = flag.String("gateway.tools", "", "the folder of the gateways' tools (make gateway-check)")

// operation is an operation of the contract.
type operation struct {
	id, method, path string
	// secured means that it needs an access token.
	secured bool
	// sample is a path that it answers.
	sample string
}

// operations are those of the contract, in the order of their ids.
func operations(t *testing.T) []operation {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var list []operation
	for path, item := range spec.Paths.Map() {
		for method, o := range item.Operations() {
			list = append(list, operation{
				id: o.OperationID, method: method, path: path,
				secured: o.Security == nil || len(*o.Security) > 0,
				sample:  sample(t, path, o),
			})
		}
	}
	slices.SortFunc(list, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	if len(list) < 12 {
		t.Fatalf("the contract has %d operations, want 12 at least", len(list))
	}
	return list
}

// sample puts the examples of the parameters into the path.
func sample(t *testing.T, path string, o *openapi3.Operation) string {
	t.Helper()
	for _, p := range o.Parameters {
		if p.Value.In == openapi3.ParameterInPath {
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", p.Value.Example.(string))
		}
	}
	if strings.Contains(path, "{") {
		t.Fatalf("%s: a parameter has no example", path)
	}
	return path
}

// made builds the file of the gateway and returns it with a path where it is.
func made(t *testing.T, name string, own ...string) (file []byte, path string) {
	t.Helper()
	file, err := build(gen.OpenAPI, name, own...)
	if err != nil {
		t.Fatal(err)
	}
	return file, written(t, name, file)
}

func written(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tool runs a program from the folder of tools and returns what it prints. Without
// the folder the test ends here.
func tool(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), toolPath(t, program), args...)
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, &out, &faults)
	}
	return out.Bytes()
}

func toolPath(t *testing.T, program string) string {
	t.Helper()
	if *tools == "" {
		t.Skip("needs the gateways' tools: run make gateway-check")
	}
	return filepath.Join(*tools, program)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"tyk"}} {
		var out bytes.Buffer
		if err := run(args, &out); err == nil || !strings.Contains(err.Error(), "envoy, google, kong") {
			t.Errorf("%q: %v, want the names of the gateways", args, err)
		}
	}
	var out bytes.Buffer
	if err := run([]string{"kong", "no-such.yaml"}, &out); err == nil {
		t.Error("an overlay that is not there was passed over")
	}
}

func TestREADMEHasEveryGateway(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	known, err := names()
	if err != nil || len(known) < 5 {
		t.Fatalf("got %v, %v, want five gateways at least", known, err)
	}
	for _, name := range known {
		if command := "go run ./deploy/gateway " + name + " "; !strings.Contains(string(text), command) {
			t.Errorf("README.md does not say %q", command)
		}
	}
}

// Every operation of the contract is in every gateway's document, under its id.
func TestDocumentsHaveEveryOperation(t *testing.T) {
	t.Parallel()
	known, err := names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range known {
		document, err := overlaid(gen.OpenAPI, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		spec, err := openapi3.NewLoader().LoadFromData(document)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, o := range operations(t) {
			item := spec.Paths.Value(o.path)
			if item == nil || item.GetOperation(o.method) == nil || item.GetOperation(o.method).OperationID != o.id {
				t.Errorf("%s: %s %s is not %s", name, o.method, o.path, o.id)
			}
		}
	}
}

// An overlay that the contract has left behind is noticed: without any one of its
// targets, building fails.
func TestStaleOverlaysAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := build(gen.OpenAPI, "kong", written(t, "own", []byte(`
overlay: 1.0.0
info: {title: own, version: 1.0.0}
actions:
  - target: $.paths['/no/such/path']
    update: {summary: nothing}
`))); err == nil || !strings.Contains(err.Error(), "matched zero nodes") {
		t.Errorf("an action that matches nothing: %v", err)
	}
	var document map[string]any
	if err := yaml.Unmarshal(gen.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	moved := maps.Clone(document)
	moved["paths"] = maps.Clone(document["paths"].(map[string]any))
	delete(moved["paths"].(map[string]any), "/user/login")
	text, err := yaml.Marshal(moved)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build(text, "aws"); err == nil {
		t.Error("aws: an integration of a path that is gone was passed over")
	}
}

// What the operator says comes last.
func TestOwnOverlays(t *testing.T) {
	t.Parallel()
	_, err := build(gen.OpenAPI, "envoy", written(t, "own", []byte(`
overlay: 1.0.0
info: {title: own, version: 1.0.0}
actions:
  - target: $.servers[0]
    update: {url: https://payments.internal}
`)))
	if err == nil || !strings.Contains(err.Error(), "https://payments.internal") {
		t.Errorf("an address without a port: %v, want it refused by name", err)
	}
}
