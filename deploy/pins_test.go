package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tracked returns the files of the repository whose names end so.
func tracked(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for name := range strings.Lines(git(t, "..", append([]string{"ls-files", "--cached", "--others", "--exclude-standard", "--"}, patterns...)...)) {
		files = append(files, filepath.Join("..", strings.TrimSpace(name)))
	}
	if len(files) == 0 {
		t.Fatalf("no file is like %v", patterns)
	}
	return files
}

var (
	imageLine = regexp.MustCompile(`(?m)^(?:FROM|\s*image:)\s+(\S+)`)
	pinned    = regexp.MustCompile(`^[a-z0-9./-]+:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}$`)
)

// A tag names the version for people, and a digest the bytes for machines. An image that
// is built here (nestpayments, stripesandbox, scratch) has no digest.
func TestEveryForeignImageIsPinnedByTagAndDigest(t *testing.T) {
	t.Parallel()
	own := regexp.MustCompile(`^(scratch|build|nestpayments(:local)?|stripesandbox:local)$`)
	found := 0
	for _, file := range tracked(t, "*Containerfile", "*Dockerfile*", "*compose*.yaml", "deploy/kubernetes/*.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range imageLine.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !own.MatchString(name) {
				found++
				if !pinned.MatchString(name) {
					t.Errorf("%s: the image %s is not pinned by tag and digest", file, name)
				}
			}
		}
	}
	if found < 3 {
		t.Errorf("%d foreign images were found, want golang, mongo and caddy", found)
	}
}

// A version can be published again with other bytes by whoever takes an index over; a hash
// cannot.
func TestEveryPythonPackageIsPinnedByHash(t *testing.T) {
	t.Parallel()
	for _, file := range tracked(t, "*requirements*.txt") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		packages := strings.Split(strings.ReplaceAll(string(text), "\\\n", " "), "\n")
		for _, line := range packages {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			if !strings.Contains(line, "==") || !strings.Contains(line, "--hash=sha256:") {
				t.Errorf("%s: %q has no version or no hash", file, line)
			}
		}
	}
	for _, file := range tracked(t, "*.sh", "*/run", "*/install") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "pip") && strings.Contains(line, " install ") && !strings.Contains(line, "--require-hashes") {
				t.Errorf("%s installs without hashes: %s", file, strings.TrimSpace(line))
			}
		}
	}
}
