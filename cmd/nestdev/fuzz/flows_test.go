package fuzz_test

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

// flows are the workflows of arazzo.yaml. Each makes one payment and pays it.
var flows = []string{"sign-up-and-pay", "declined-then-paid", "three-d-secure"}

// outcome is what we read of what redocly respect reports.
type outcome struct {
	Status string `json:"status"`
	Files  map[string]struct {
		ExecutedWorkflows []struct {
			WorkflowID string `json:"workflowId"`
			Status     string `json:"status"`
		} `json:"executedWorkflows"`
		TotalRequests int `json:"totalRequests"`
	} `json:"files"`
}

func TestFlows(t *testing.T) {
	program := build(t)
	t.Parallel()
	d := nestdev{nestdevtest.Start(t, program)}
	reported := filepath.Join(t.TempDir(), "outcome.json")
	out := inFlows(t, "redocly", "respect", "arazzo.yaml", "--server", "api="+d.URL, "--server", "sandbox="+d.Sandbox,
		"--input", "run="+rand.Text(), "--json-output", reported)
	text, err := os.ReadFile(reported)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got outcome
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("the report of redocly respect: %v", err)
	}
	var ran []string
	for _, file := range got.Files {
		for _, w := range file.ExecutedWorkflows {
			ran = append(ran, w.WorkflowID)
		}
		t.Logf("%q: %d requests", ran, file.TotalRequests)
	}
	if got.Status != "success" || !slices.Equal(ran, flows) {
		t.Errorf("%s of %q, want success of %q", got.Status, ran, flows)
	}
	if charged := d.judge(t); charged != len(flows) {
		t.Errorf("Stripe has charged %d payments, want %d, one for each flow", charged, len(flows))
	}
}

func TestFlowsLint(t *testing.T) {
	if *toolsFlag == "" {
		t.Skip("asked for with make fuzz-api")
	}
	t.Parallel()
	inFlows(t, "redocly", "lint", "arazzo.yaml", "--max-problems", "1000")
	inFlows(t, "spectral", "lint", "--fail-severity", "hint", "arazzo.yaml")
}

// inFlows runs a program of npm in the folder of the flows, whose configuration it
// finds there. It fails the test if the program fails.
func inFlows(t *testing.T, name string, args ...string) (out []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(*toolsFlag, "node_modules", ".bin", name), args...)
	cmd.Dir = "../flows"
	cmd.Env = append(os.Environ(), "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "REDOCLY_TELEMETRY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, args[0], err, out)
	}
	return out
}
