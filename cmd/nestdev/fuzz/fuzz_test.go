// Package fuzz_test lets schemathesis loose on a running nestdev, and runs the
// flows of ../flows against another.
//
// # What runs
//
// TestCampaigns builds nestdev and starts one with a fresh folder for each kind of
// caller: an ordinary user and an admin. schemathesis reads openapi.yaml from it,
// and makes requests of it in four phases: the examples; the edges of every
// schema; random data that fit, and data that do not; and walks along links and
// along what the answers are seen to have in common. schemathesis.toml says what
// is right, hooks.py what schemathesis cannot know.
//
// TestFlows runs ../flows/arazzo.yaml with redocly respect: every step's status,
// body and schema.
//
// # What has to hold
//
// Of every answer: each check of schemathesis, and the two of hooks.py. Of nestdev
// at the end, in aftermath_test.go: its log and its answers tell of no failure of
// the server, its log holds no secret, its memory has a bound, it stops when told,
// and no payment was charged twice.
//
// # How to run it
//
//	make fuzz-api CASES=50000 SEED=1
//
// The seed, which is printed, repeats what is generated, and not the ids that the
// server makes up.
package fuzz_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

var (
	toolsFlag = flag.String("fuzz.tools", "", "the folder that install.sh has filled; without one the tests are skipped")
	casesFlag = flag.Int("fuzz.cases", 2000, "cases that schemathesis generates in all, at least")
	seedFlag  = flag.Uint("fuzz.seed", 0, "seed of the cases; 0 picks one")
)

// casesPerExample is how many cases one more example of each of the twelve
// operations makes, at least. More than eleven were measured.
const casesPerExample = 10

func TestCampaigns(t *testing.T) {
	program := build(t)
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = uint(rand.Uint32())
	}
	t.Logf("seed %d", seed)
	var total atomic.Int64
	campaigns := []struct {
		name   string
		caller func(nestdev, *testing.T) user
	}{
		{"as a user", func(d nestdev, t *testing.T) user { return d.register(t, "caller") }},
		{"as an admin", nestdev.admin},
	}
	t.Run("campaigns", func(t *testing.T) {
		for _, c := range campaigns {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				d := nestdev{nestdevtest.Start(t, program)}
				report := d.fuzz(t, c.caller(d, t), d.register(t, "stranger"), (*casesFlag/len(campaigns)+casesPerExample-1)/casesPerExample, seed)
				total.Add(report.TestCases.Generated)
				d.judge(t)
			})
		}
	})
	if total.Load() < int64(*casesFlag) {
		t.Errorf("schemathesis generated %d cases, want at least %d", total.Load(), *casesFlag)
	}
	t.Logf("%d cases in all", total.Load())
}

// report is what we read of the report that schemathesis writes.
type report struct {
	Complete   bool                        `json:"complete"`
	Operations struct{ Total, Tested int } `json:"operations"`
	Phases     map[string]struct {
		Status string `json:"status"`
	} `json:"phases"`
	TestCases struct {
		Generated      int64 `json:"generated"`
		Errored        int64 `json:"errored"`
		UniqueFailures int64 `json:"unique_failures"`
	} `json:"test_cases"`
}

// fuzz runs schemathesis as the caller, with so many examples of each operation,
// and returns its report. The test fails with whatever schemathesis finds.
func (d nestdev) fuzz(t *testing.T, caller, stranger user, examples int, seed uint) report {
	t.Helper()
	dir := t.ArtifactDir()
	callers, reported := filepath.Join(t.TempDir(), "callers.json"), filepath.Join(dir, "report.json")
	writeCallers(t, callers, caller, stranger)
	cmd := exec.CommandContext(t.Context(), filepath.Join(*toolsFlag, "bin", "st"),
		"--config-file", absolute(t, "schemathesis.toml"), "--no-color",
		"run", d.URL+"/openapi.yaml", "--url", d.URL, "--checks", "all",
		"--max-examples", fmt.Sprint(examples), "--seed", fmt.Sprint(seed), "--report-json-path", reported)
	cmd.Dir = dir // it leaves its caches here
	cmd.Env = append(os.Environ(),
		"PYTHONHASHSEED=0",
		"FUZZ_HOOKS="+absolute(t, "hooks.py"),
		"FUZZ_CALLERS="+callers,
		"FUZZ_CALLER_IDS="+caller.id+","+stranger.id,
		"FUZZ_WEBHOOK_SECRET="+d.WebhookSecret,
	)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("schemathesis: %v\n%s", err, out)
	}
	text, err := os.ReadFile(reported)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("the report of schemathesis: %v", err)
	}
	if !r.Complete || r.Operations.Total == 0 || r.Operations.Tested != r.Operations.Total || r.TestCases.Errored > 0 || r.TestCases.UniqueFailures > 0 {
		t.Errorf("schemathesis reports %+v, want every operation tested, and no error or failure", r)
	}
	for _, phase := range []string{"examples", "coverage", "fuzzing", "stateful"} {
		if got := r.Phases[phase].Status; got != "success" {
			t.Errorf("the phase %s: %q, want success", phase, got)
		}
	}
	t.Logf("schemathesis: %+v", r)
	return r
}

// writeCallers writes who schemathesis may be, as a document of Web Fuzzing
// Commons.
func writeCallers(t *testing.T, path string, caller, stranger user) {
	t.Helper()
	identity := func(name string, u user) map[string]any {
		return map[string]any{"name": name, "fixedHeaders": []map[string]string{{"name": "Authorization", "value": "Bearer " + u.token}}}
	}
	text, err := json.Marshal(map[string]any{"auth": []any{identity("caller", caller), identity("stranger", stranger)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// build builds nestdev, or skips the test if there are no tools to try it with.
func build(t *testing.T) (program string) {
	t.Helper()
	if *toolsFlag == "" {
		t.Skip("asked for with make fuzz-api")
	}
	return nestdevtest.Build(t)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
