package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// OpenTelemetry reports faults of its variables itself. The program logs the
// fault without the value.
func TestFaultsOfOpenTelemetrysVariablesHoldNoSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := keyFile(t)
	for _, tc := range []struct {
		variable, value string
		want            string // of what is logged
	}{
		{"OTEL_EXPORTER_OTLP_HEADERS", "Bearer sk_live_hunter2hunter2", "parse headers: missing '="},
		{"OTEL_EXPORTER_OTLP_HEADERS", "api-key hunter2hunter2", "parse headers: missing '="},
		{"OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2hunter2%zz", "escape header value: invalid percent-encoding"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2hunter2@127.0.0.1:1:1/", "parse url: not a URL"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2hunter2@127.0.0.1:1/", ""},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "hunter2hunter2", "parse duration: invalid syntax"},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE", "hunter2hunter2", "read tls ca cert file: no such file or directory"},
		{"OTEL_EXPORTER_OTLP_CLIENT_KEY", "sk_live_hunter2hunter2", ""},
	} {
		// The folder of the database is missing, so serve reports that and ends.
		for command, database := range map[string]string{"config": filepath.Join(dir, "x.db"), "serve": filepath.Join(dir, "none", "x.db")} {
			env := []string{"DATABASE_URL=sqlite:" + database, "SIGNING_KEYS=" + key, "STRIPE_SECRET_KEY=sk_test_x", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}
			out, err := realProgram(t, append(env, tc.variable+"="+tc.value), command).CombinedOutput()
			if (err != nil) != (command == "serve") {
				t.Errorf("%s with %s=%q ends with %v:\n%s", command, tc.variable, tc.value, err, out)
			}
			if strings.Contains(string(out), "hunter2") {
				t.Errorf("%s prints %s=%q:\n%s", command, tc.variable, tc.value, out)
			}
			if !strings.Contains(string(out), tc.want) {
				t.Errorf("%s with %s=%q: got\n%swant it to say %q", command, tc.variable, tc.value, out, tc.want)
			}
		}
	}
}
