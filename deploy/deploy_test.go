// Package deploy_test checks what nestpayments is deployed with, by the tools that
// tools/install installs: make deploy-check.
package deploy_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tools is where tools/install has put the programs. Without it nothing is checked.
var tools = flag.String("deploy.tools", "", "the folder of the tools (make deploy-check)")

// tool is a command of one of the tools.
func tool(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	if *tools == "" {
		t.Skip("-deploy.tools is not set: make deploy-check sets it")
	}
	return exec.CommandContext(t.Context(), filepath.Join(*tools, name), args...)
}

// done runs the command, which must succeed, and returns what it has printed.
func done(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	out, stderr := runs(cmd)
	if stderr != "" {
		t.Fatalf("%s: %s", strings.Join(cmd.Args, " "), stderr)
	}
	return out
}

// runs runs the command. why is the reason of a failure, and empty if there was none.
func runs(cmd *exec.Cmd) (out []byte, why string) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, err.Error() + "\n" + stderr.String() + string(out)
	}
	return out, ""
}

// changed copies the folder, with one text of the file replaced, and returns the copy.
func changed(t *testing.T, folder, file, from, to string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(from)) {
		t.Fatalf("%s does not contain %q", file, from)
	}
	text = bytes.Replace(text, []byte(from), []byte(to), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// refused is a fault that is put into a file, and what its check must say of it.
type refused struct{ name, file, from, to, want string }

// all makes each fault in a copy of the folder and expects the check to refuse it.
func all(t *testing.T, folder string, faults []refused, check func(t *testing.T, folder string) *exec.Cmd) {
	t.Helper()
	for _, f := range faults {
		t.Run("refused: "+f.name, func(t *testing.T) {
			t.Parallel()
			_, why := runs(check(t, changed(t, folder, f.file, f.from, f.to)))
			if !strings.Contains(why, f.want) {
				t.Errorf("got %q, want it to say %q", why, f.want)
			}
		})
	}
}

func TestKubernetesWouldTakeTheManifests(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, folder string) *exec.Cmd {
		return tool(t, "manifests", "kubernetes", filepath.Join(folder, "example"))
	}
	manifests := done(t, check(t, "kubernetes"))
	scored := tool(t, "kube-score", "score", "--output-format=ci", "-")
	scored.Stdin = bytes.NewReader(manifests)
	for line := range strings.Lines(string(done(t, scored))) {
		if !strings.HasPrefix(line, "[OK]") && !strings.HasPrefix(line, "[SKIPPED]") {
			t.Errorf("kube-score: %s", line)
		}
	}
	all(t, "kubernetes", []refused{
		{"a misspelt field", "base/deployment.yaml", "readinessProbe:", "readynessProbe:", `unknown field "spec.template.spec.containers[0].readynessProbe"`},
		{"a field twice", "base/service.yaml", "clusterIP: None", "clusterIP: None\n  clusterIP: None", "already"},
		{"a value of another type", "base/autoscaler.yaml", "minReplicas: 3", "minReplicas: three", "minReplicas"},
		{"requests above limits", "base/deployment.yaml", "memory: 160Mi", "memory: 1Gi", "must be less than or equal to memory limit"},
		{"a port that no container has", "base/network.yaml", "port: operator", "port: operator_", "must contain only alpha-numeric"},
		{"labels that do not fit the selector", "base/deployment.yaml", "labels: *labels", "labels: {app: nestpayments}", "`selector` does not match template `labels`"},
		{"a pod that may be root", "base/deployment.yaml", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", `pod security standard "restricted"`},
	}, check)
}

var gateway = regexp.MustCompile(`gateway: ([0-9.]+)`)

func TestComposeWouldTakeTheFile(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, folder string) *exec.Cmd {
		return tool(t, "manifests", "compose", filepath.Join(folder, "compose.yaml"), "sandbox")
	}
	out := string(done(t, check(t, ".")))
	for _, service := range []string{"nestpayments:", "mongo:", "stripesandbox:"} {
		if !strings.Contains(out, "\n  "+service) {
			t.Errorf("there is no service %s", service)
		}
	}
	// Connections from the machine come from the gateway, so that is the proxy.
	if at := gateway.FindStringSubmatch(out); at == nil || !strings.Contains(out, "TRUSTED_PROXIES: "+at[1]+"/32\n") {
		t.Errorf("TRUSTED_PROXIES is not the gateway of the network, %q:\n%s", at, out)
	}
	folder := t.TempDir()
	text, err := os.ReadFile("compose.yaml")
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "compose.yaml"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	all(t, folder, []refused{
		{"a misspelt field", "compose.yaml", "mem_limit: 256m", "memory_limit: 256m", "memory_limit"},
		{"a secret that is not declared", "compose.yaml", "secrets: [database-url, ", "secrets: [database-uri, ", "database-uri"},
		{"a value of another type", "compose.yaml", "read_only: true", "read_only: much", "read_only"},
	}, check)
}

func TestAlertsFireOnWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, folder string) *exec.Cmd {
		return tool(t, "promtool", "test", "rules", filepath.Join(folder, "alerts_test.yaml"))
	}
	done(t, tool(t, "promtool", "check", "rules", "--lint=all", "--lint-fatal", "prometheus/alerts.yaml"))
	done(t, check(t, "prometheus"))
	all(t, "prometheus", []refused{
		{"never down", "alerts.yaml", `== 0`, `== 2`, "NestPaymentsDown"},
		{"present, not absent", "alerts.yaml", "absent(up{", "present_over_time(up{", "NestPaymentsGone"},
		{"too many errors are few", "alerts.yaml", "> 0.02", "> 0.2", "NestPaymentsErrors"},
		{"few errors are too many", "alerts.yaml", "> 0.02", "> 0.001", "NestPaymentsErrors"},
		{"one error is enough", "alerts.yaml", `status=~"5.."}[5m])) > 0.05`, `status=~"5.."}[5m])) > 0`, "NestPaymentsErrors"},
		{"quick is slow", "alerts.yaml", "> 5\n", "> 1\n", "NestPaymentsSlow"},
		{"the replica that does not lag counts", "alerts.yaml", "max by (job) (nestpayments_rec", "min by (job) (nestpayments_rec", "NestPaymentsReconcilerLags"},
		{"closed is open", "alerts.yaml", `state="open"`, `state="closed"`, "NestPaymentsStripeBreakerOpen"},
		{"declines are refusals", "alerts.yaml", `"refused|account"`, `"refused|account|declined"`, "NestPaymentsStripeRefuses"},
		{"payment methods are refusals", "alerts.yaml", `"refused|account"`, `"refused|account|payment_method"`, "NestPaymentsStripeRefuses"},
		{"the account does not count", "alerts.yaml", `"refused|account"`, `"refused"`, "NestPaymentsStripeRefuses"},
		{"an email address is a refusal", "alerts.yaml", `"create_intent|confirm_intent"`, `".+"`, "NestPaymentsStripeRefuses"},
		{"half full is full", "alerts.yaml", ">= nestpayments_password_hashes_queue", ">= 0.5 * nestpayments_password_hashes_queue", "NestPaymentsPasswordsQueueFull"},
		{"handled is failed", "alerts.yaml", `result="failed"`, `result="handled"`, "NestPaymentsWebhooksFail"},
		{"events that come are none", "alerts.yaml", "unless sum by", "or sum by", "NestPaymentsNoWebhooks"},
		{"not found is a fault", "alerts.yaml", `outcome=~"unavailable|failed"`, `outcome!="ok"`, "NestPaymentsDatabaseFails"},
		{"memory without end", "alerts.yaml", "> 230 *", "> 2300 *", "NestPaymentsMemory"},
	}, check)
}

func TestGrafanaKnowsTheDashboard(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, folder string) *exec.Cmd {
		if *tools == "" {
			t.Skip("-deploy.tools is not set: make deploy-check sets it")
		}
		return typed(t, filepath.Join(folder, "dashboard.json"))
	}
	done(t, check(t, "grafana"))
	all(t, "grafana", []refused{
		{"a misspelt property", "dashboard.json", `"unit": "percentunit"`, `"units": "percentunit"`, `'"units"' does not exist`},
		{"an option that is none", "dashboard.json", `"displayMode": "table"`, `"displayMode": "tabel"`, `'"tabel"'`},
		{"a property of another type", "dashboard.json", `"schemaVersion": 41`, `"schemaVersion": "41"`, "'number'"},
		{"a panel of no kind that we use", "dashboard.json", `"type": "timeseries"`, `"type": "graph"`, `'"graph"'`},
	}, check)
}

// typed checks the dashboard as a literal of the type that Grafana's schema gives it.
func typed(t *testing.T, dashboard string) *exec.Cmd {
	t.Helper()
	text, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	installed := filepath.Join(*tools, "grafana")
	board := "import type { Board } from './dashboard';\nexport const board: Board = " + string(text)
	for _, err := range []error{
		os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(dir, "node_modules")),
		os.Symlink(filepath.Join(installed, "dashboard.ts"), filepath.Join(dir, "dashboard.ts")),
		os.Symlink(filepath.Join(installed, "tsconfig.json"), filepath.Join(dir, "tsconfig.json")),
		os.WriteFile(filepath.Join(dir, "board.ts"), []byte(board), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return tool(t, "grafana/node_modules/.bin/tsc", "--project", dir)
}
