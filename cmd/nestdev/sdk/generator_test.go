package sdk_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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
func (g *generator) env(dev *system, who shopper) []string {
	return append(os.Environ(),
		"SPEC="+filepath.Join(dev.root, "openapi.yaml"),
		"SDK="+filepath.Join(dev.root, "cmd/nestdev/sdk"), // this folder
		"TOOLS="+g.tools,
		"CARGO_TARGET_DIR="+filepath.Join(g.tools, "cargo-target"),
		"URL="+dev.url, "EMAIL="+who.email, "PASSWORD="+who.password, "CUID="+who.cuid,
	)
}

// check takes the generator through all steps but install and returns its row of
// the README's table.
func (g *generator) check(ctx context.Context, t *testing.T, dev *system) (row string) {
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
	if err := dev.checkOutcome(ctx, who); err != nil {
		t.Error(err)
	}
	return tableRow(g.name, version, warnings(printed["generate"].all), sample, journeyFile(t, g.name))
}

// output is what a step printed.
type output struct{ stdout, all string }

// step runs one step and keeps what it prints beside the work folder. An error
// holds the end of it.
func (g *generator) step(ctx context.Context, t *testing.T, dev *system, name string, who shopper) (output, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "run.sh", name)
	cmd.Dir, cmd.Env = g.work, g.env(dev, who)
	// The step is ended with all that it has started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	var stdout bytes.Buffer
	all := &syncBuffer{}
	cmd.Stdout, cmd.Stderr = tee{all, &stdout}, all
	began := time.Now()
	err := cmd.Run()
	t.Logf("%-20s %-9s %6.1f s", g.name, name, time.Since(began).Seconds())
	logFile := fmt.Sprintf("%s.%s.log", g.work, name)
	if err := os.WriteFile(logFile, []byte(all.String()), 0o600); err != nil {
		t.Error(err)
	}
	if err != nil {
		return output{}, fmt.Errorf("%s %s: %w (all of its output is in %s)\n%s", g.name, name, err, logFile, tail(all.String(), 4000))
	}
	return output{stdout.String(), all.String()}, nil
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

// syncBuffer is a buffer that several goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// tee writes to both.
type tee struct {
	all    *syncBuffer
	stdout *bytes.Buffer
}

func (w tee) Write(p []byte) (int, error) {
	w.stdout.Write(p)
	return w.all.Write(p)
}
