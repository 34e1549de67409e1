package sdk_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

// generator is one generator on its way through the steps.
type generator struct {
	name string
	// tools is what the generators share, work the copy of the folder.
	tools, work string
}

// shopper is who goes on a journey, made up for it.
type shopper struct{ email, password, cuid string }

func newShopper(name string) shopper {
	unique := strings.ToLower(rand.Text())
	return shopper{
		email:    "ada+" + name + "@" + unique + ".test",
		password: "correct horse " + unique,
		cuid:     "c" + unique,
	}
}

// env is what run.sh finds in its environment, beside what is in ours.
func (g *generator) env(t *testing.T, dev *nestdevtest.System, who shopper) []string {
	t.Helper()
	return append(os.Environ(),
		"SPEC="+abs(t, "../../../openapi.yaml"),
		"SDK="+abs(t, "."),
		"TOOLS="+g.tools,
		"CARGO_TARGET_DIR="+filepath.Join(g.tools, "cargo-target"),
		"URL="+dev.URL, "EMAIL="+who.email, "PASSWORD="+who.password, "CUID="+who.cuid,
	)
}

// check takes the generator through all steps but install and returns its row of
// the README's table.
func (g *generator) check(ctx context.Context, t *testing.T, dev *nestdevtest.System) (row string) {
	who := newShopper(g.name)
	printed := map[string]output{}
	for _, name := range []string{"version", "generate", "build", "names", "journey"} {
		out, err := g.step(ctx, t, dev, name, who)
		if err != nil {
			t.Fatal(err)
		}
		printed[name] = out
	}
	version := strings.TrimSpace(printed["version"].stdout)
	if version == "" || strings.Contains(version, "\n") {
		t.Errorf("version printed %q, want one line", version)
	}
	sample := readSample(t, g.name)
	names := strings.Split(strings.TrimSpace(printed["names"].stdout), "\n")
	for _, fault := range namingFaults(names, sample, readAllowed(t, g.name)) {
		t.Error(fault)
	}
	if err := checkJourney(printed["journey"].stdout); err != nil {
		t.Error(err)
	}
	if err := checkOutcome(ctx, dev, who); err != nil {
		t.Error(err)
	}
	return tableRow(g.name, version, warnings(printed["generate"].all), sample, journeyFile(t, g.name))
}

// output is what a step printed.
type output struct{ stdout, all string }

// step runs one step and keeps what it prints beside the work folder. An error
// holds the end of it.
func (g *generator) step(ctx context.Context, t *testing.T, dev *nestdevtest.System, name string, who shopper) (output, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "run.sh", name)
	cmd.Dir, cmd.Env = g.work, g.env(t, dev, who)
	// The step is ended with all that it has started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	logFile := fmt.Sprintf("%s.%s.log", g.work, name)
	log, err := os.Create(logFile)
	if err != nil {
		return output{}, err
	}
	defer log.Close()
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(log, &stdout), log
	began := time.Now()
	failure := cmd.Run()
	t.Logf("%-20s %-9s %6.1f s", g.name, name, time.Since(began).Seconds())
	all, err := os.ReadFile(logFile)
	if err != nil {
		return output{}, err
	}
	if failure != nil {
		return output{}, fmt.Errorf("%s %s: %w (all of its output is in %s)\n%s", g.name, name, failure, logFile, tail(string(all), 4000))
	}
	return output{stdout.String(), string(all)}, nil
}

var warning = regexp.MustCompile(`(?im)^.*\bwarn.*$`)

// warnings counts the different lines that warn: openapi-generator says some once
// in one run and twice in another.
func warnings(printed string) int {
	lines := warning.FindAllString(printed, -1)
	slices.Sort(lines)
	return len(slices.Compact(lines))
}

func tail(text string, size int) string {
	if len(text) > size {
		return "…" + text[len(text)-size:]
	}
	return text
}
