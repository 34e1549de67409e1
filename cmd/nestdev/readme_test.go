package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// expected is what the commands of the README print, block by block, as patterns
// that must match in this order. A block that is not here fails the test.
var expected = []struct{ block, output string }{
	{"make run", ""}, // started before the others, stopped after them
	{"curl -s $URL/user/register", `(?s)"access_token":`},
	{"curl -s $URL/user/login", `(?s)"userName":"Ada Lovelace"`},
	{"CUID=first-", `(?s)"clientSecret":"pi_.*"status":"requires_payment_method"`},
	{"chargeDeclinedInsufficientFunds", `(?s)"code":"payment_declined".*"declineCode":"insufficient_funds"`},
	{`"paymentMethodId":"pm_card_visa"`, `(?s)"status":"succeeded".*\[.*"status":"succeeded".*\]`},
	{"pm_card_threeDSecure2Required", `(?s)"status":"requires_action".*"status":"succeeded"`},
	{"make build", `(?s)Usage: nestpayments`},
	{"make generate", ""},
	{"make test", ""}, // runs this test, and so not by it
}

// Every command of the README is run as it stands there, in a copy of the
// repository, with its own ports: nothing else may listen there.
func TestREADME(t *testing.T) {
	t.Parallel()
	root := copyRepository(t)
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != len(expected) {
		t.Fatalf("the README has %d blocks of commands, want %d", len(blocks), len(expected))
	}
	makeRun(t, root)
	// One shell for all, as for the reader: later blocks use earlier variables.
	const end = "=== end of block ==="
	script := "set -e\n"
	for i, b := range blocks {
		if !strings.Contains(b[1], expected[i].block) {
			t.Fatalf("block %d of the README is\n%s\nwant one with %q", i, b[1], expected[i].block)
		}
		if expected[i].block != "make run" && expected[i].block != "make test" {
			script += b[1]
		}
		script += "echo '" + end + "'\n"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash")
	shell.Dir, shell.Stdin = root, strings.NewReader(script)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for i, printed := range strings.Split(string(out), end)[:len(blocks)] {
		if !regexp.MustCompile(expected[i].output).MatchString(printed) {
			t.Errorf("block %d:\n%sprinted\n%s\nwant a match of %s", i, blocks[i][1], printed, expected[i].output)
		}
	}
}

// makeRun types make run, waits for the welcome, and stops it with Ctrl-C when
// the test has ended.
func makeRun(t *testing.T, root string) {
	t.Helper()
	for _, addr := range []string{"127.0.0.1:8080", "127.0.0.1:12111"} {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatalf("the README's commands use %s: stop what listens there: %v", addr, err)
		}
		ln.Close()
	}
	cmd := exec.Command("make", "run")
	cmd.Dir = root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); w.Close(); close(ended) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		<-ended
	})
	var seen bytes.Buffer
	buf := make([]byte, 4096)
	for !strings.Contains(seen.String(), "A tour, in another terminal") {
		n, err := r.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			t.Fatalf("make run ended:\n%s", &seen)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
}

// copyRepository copies what git would clone, with what is not committed yet.
func copyRepository(t *testing.T) string {
	t.Helper()
	list, err := exec.Command("git", "-C", "../..", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	root := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		from, to := filepath.Join("../..", name), filepath.Join(root, name)
		info, err := os.Stat(from)
		if os.IsNotExist(err) { // deleted and not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
