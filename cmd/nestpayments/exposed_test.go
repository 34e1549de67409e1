package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFilesThatOthersCanOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o700: false, 0o644: true, 0o604: true, 0o602: true, 0o640: true, 0o660: true} {
		path := filepath.Join(dir, mode.String())
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if got := len(exposed(path)) == 1; got != want {
			t.Errorf("mode %v: got %v, want %v", mode, got, want)
		}
	}
	if got := exposed(filepath.Join(dir, "none")); got != nil {
		t.Errorf("a file that is not there: %q", got)
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil { // #nosec G302 -- that is the fault
		t.Fatal(err)
	}
	if got := append(exposed(open, os.TempDir()), replaceable(open, os.TempDir())...); got != nil {
		t.Errorf("a folder: %q, want no advice", got)
	}
}

// The key of the connection to MongoDB is a secret, too.
func TestConfigWarnsOfAConnectionKeyThatOthersCanOpen(t *testing.T) {
	for _, option := range []string{"tlsCertificateKeyFile", "sslclientcertificatekeyfile", "tlsPrivateKeyFile"} {
		path := filepath.Join(t.TempDir(), "it's a key.pem")
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil { // #nosec G302 -- that is the fault
			t.Fatal(err)
		}
		good(t, map[string]string{"DATABASE_URL": "mongodb://h/db?a=b&" + option + "=" + strings.ReplaceAll(path, " ", "%20")})
		var out bytes.Buffer
		_ = run(t.Context(), []string{"config"}, &out) // the driver refuses the file
		if want := "run chmod 600 '" + strings.ReplaceAll(path, "'", `'\''`) + "'\n"; !strings.Contains(out.String(), want) {
			t.Errorf("%s: got\n%swant %s", option, &out, want)
		}
	}
}

func TestTheKeysOfTracesAreFilesWithSecrets(t *testing.T) {
	t.Parallel()
	set := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "a", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": "b"}
	if got := traceFiles(func(name string) string { return set[name] }); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q, want both keys", got)
	}
	delete(set, "OTEL_EXPORTER_OTLP_ENDPOINT")
	if got := traceFiles(func(name string) string { return set[name] }); got != nil {
		t.Errorf("without traces: %q, want none", got)
	}
}

func TestFilesThatOthersCanReplace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		parent, above os.FileMode
		want          string // the folder that is named
	}{
		{"nobody else can write", 0o755, 0o755, ""},
		{"the group can write", 0o775, 0o755, ""},
		{"everybody can write", 0o777, 0o755, "above/parent"},
		{"everybody can write above", 0o755, 0o777, "above"},
		{"a sticky folder", 0o777 | os.ModeSticky, 0o777 | os.ModeSticky, ""},
	} {
		top := t.TempDir()
		key := filepath.Join(top, "above", "parent", "key.pem")
		if err := os.MkdirAll(filepath.Dir(key), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(key, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for folder, mode := range map[string]os.FileMode{"above/parent": tc.parent, "above": tc.above} {
			if err := os.Chmod(filepath.Join(top, folder), mode); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		if tc.want != "" {
			want = []string{"other users of this machine can replace a file with secrets, because they can write to its folder: run chmod o-w " + filepath.Join(top, tc.want)}
		}
		if got := replaceable(key, key); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, want)
		}
	}
}
