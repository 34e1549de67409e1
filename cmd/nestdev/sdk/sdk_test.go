// Package sdk_test generates an SDK from openapi.yaml with every generator that
// has a folder here, compiles it, and drives a running nestdev with it. The
// journey of a folder is also its documentation: what a client team would copy.
//
// A folder holds run.sh, which takes one step as its argument, the generator's
// configuration, one journey, sample.txt, and manifests that pin every version.
// It is copied before it is run, and what it generates is never committed. The
// steps, in their order:
//
//	install   fetch the pinned tools into $TOOLS; quick when they are there
//	version   print the generator's version
//	generate  make the SDK from $SPEC
//	build     compile the SDK and the journey, warnings being errors
//	names     print the names that a user of the SDK sees, one a line
//	journey   use the SDK against $URL and print "ok STEP" for each step
//
// The variables of the steps are those of [generator.env]. The steps of the
// journey are those of [journeySteps]; the checks that follow it trust neither
// the journey nor the SDK.
//
// The steps run with the flag -sdk only (make sdk-check), since they fetch tools
// from package registries and take minutes. Without it the folders are checked
// as far as that goes without running anything.
package sdk_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

var (
	run    = flag.Bool("sdk", false, "generate, compile and use the SDKs")
	only   = flag.String("sdk.only", "", "the generators to run, separated by commas (default: all)")
	update = flag.Bool("update", false, "write the README's table of generators anew")
)

func TestSDKs(t *testing.T) {
	if !*run {
		t.Skip("make sdk-check runs this: it fetches every generator from its registry")
	}
	ctx := withTeardown(t)
	generators := chosen(t)
	dev := nestdevtest.Start(t, nestdevtest.Build(t))
	for _, g := range generators {
		// One after the other: generators share tools, and two would fetch them
		// at once.
		if _, err := g.step(ctx, t, dev, "install", shopper{}); err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
	}
	rows := make([]string, len(generators))
	t.Run("all", func(t *testing.T) {
		turn := make(chan struct{}, 2)
		for i, g := range generators {
			t.Run(g.name, func(t *testing.T) {
				t.Parallel()
				turn <- struct{}{}
				defer func() { <-turn }()
				rows[i] = g.check(ctx, t, dev)
			})
		}
	})
	if t.Failed() {
		return
	}
	checkTable(t, generators, rows)
}

// withTeardown returns a context that ends early enough for every process to be
// stopped before the time limit of go test ends this one.
func withTeardown(t *testing.T) context.Context {
	t.Helper()
	ctx := t.Context()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-30*time.Second))
		t.Cleanup(cancel)
	}
	return ctx
}

// chosen returns the generators to run, with a fresh copy of each folder.
func chosen(t *testing.T) []*generator {
	t.Helper()
	tools := abs(t, "../../../.tools/sdk")
	names := folders(t)
	if *only != "" {
		all := names
		names = strings.Split(*only, ",")
		for _, name := range names {
			if !slices.Contains(all, name) {
				t.Fatalf("-sdk.only: no generator is called %q: there are %v", name, all)
			}
		}
	}
	var chosen []*generator
	for _, name := range names {
		g := &generator{name: name, tools: tools, work: filepath.Join(tools, "work", name)}
		if err := os.RemoveAll(g.work); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(g.work, os.DirFS(name)); err != nil {
			t.Fatal(err)
		}
		chosen = append(chosen, g)
	}
	return chosen
}

func abs(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
