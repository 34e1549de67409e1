// Package cmd_test holds the rules about what may import what.
package cmd_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/nestpayments/nestpayments/"

// allowed says which packages of ours each may import; * stands for those below
// the folder. Test packages (…test) are for tests and are checked by the second
// rule.
var allowed = map[string][]string{
	"gen":                   {},
	"gen/client":            {},
	"store":                 {},
	"store/sqlite":          {"store"},
	"store/mongo":           {"store"},
	"store/storetest":       {"store"},
	"store/mongo/mongotest": {},
	"stripeclient":          {},
	"stripeclient/sandbox":  {},
	"server/auth":           {"store", "stripeclient"},
	"server/payments":       {"store", "stripeclient"},
	"server/telemetry":      {"store", "stripeclient"},
	"server":                {"gen", "store", "stripeclient", "server/auth", "server/payments", "server/telemetry"},
	"deploy":                {},
	"deploy/gateway":        {"gen"},
}

func TestDependencyDirection(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(list(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "../...")) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], module)
		if strings.HasPrefix(pkg, "cmd") || strings.HasPrefix(pkg, "test/") {
			continue // wires everything, or tests the whole
		}
		may, known := allowed[pkg]
		if !known {
			t.Errorf("%s is a new package: say in this test what it may import", pkg)
		}
		for _, imported := range fields[1:] {
			if ours, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(may, ours) {
				t.Errorf("%s imports %s", pkg, ours)
			}
		}
	}
}

// The production binary links nothing that is for development or tests.
func TestProductionLinksNoTestCode(t *testing.T) {
	t.Parallel()
	deps := strings.Fields(list(t, "-deps", "./nestpayments"))
	if !slices.Contains(deps, module+"server") {
		t.Fatal("the list of dependencies is not that of the server")
	}
	for _, dep := range deps {
		for _, banned := range []string{
			"FerretDB", "stripe-mock", module + "stripeclient/sandbox", module + "store/storetest", module + "store/mongo/mongotest",
			"pgregory.net/rapid", "oasdiff/oasdiff", "pb33f/libopenapi", "net/http/httptest", "chromedp", "HdrHistogram",
			module + "cmd/nestdev/nestdevtest",
			// It calls methods by name: the linker would keep all of every package.
			"alecthomas/kong",
		} {
			if strings.Contains(dep, banned) {
				t.Errorf("nestpayments links %s", dep)
			}
		}
		if dep == "testing" {
			t.Error("nestpayments links testing")
		}
	}
}

func list(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return string(out)
}
