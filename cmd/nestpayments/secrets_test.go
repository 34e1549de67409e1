package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server/auth"
)

// secretForms are what a secret looks like; % stands for its characters.
var secretForms = []string{
	"-----BEGIN PRIVATE KEY-----\n%\n-----END PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n%", "-----BEGIN PRIVATE KEY-----%",
	"sk_live_%", "sk_test_%", "rk_live_%", "whsec_%", "whsec_1,whsec_%", "http://user:%@host/", "http://host/?password=%", "user:%@host:80",
	"nest_%", "eyJhbGciOiJSUzI1NiJ9.%.%", "postgres://user:pass %@host/db", "sqlite:/sk_live_%",
}

// A secret in the wrong variable, in the name of its file, on the command line, or in the
// place of a file's name is never printed.
func TestASecretInTheWrongPlaceIsNeverPrinted(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	key := keyFile(t)
	t.Chdir(t.TempDir())
	for i, form := range secretForms {
		secret := strings.ReplaceAll(form, "%", "hunter2hunter2")
		for _, name := range variables {
			for _, suffix := range []string{"", "_FILE"} {
				if suffix != "" && i%4 != 0 {
					continue // the name of a file is the same to every variable
				}
				// Without STRIPE_SECRET_KEY, so that nothing more is made than is needed.
				setVariables(t, map[string]string{"DATABASE_URL": "sqlite:x.db", "SIGNING_KEYS": key})
				if suffix != "" {
					_ = os.Unsetenv(name)
				}
				t.Setenv(name+suffix, secret)
				for _, args := range [][]string{{"config"}, {"serve"}} {
					var out bytes.Buffer
					err := run(over, args, &out)
					checkNotPrinted(t, name+suffix+" "+form, out.String(), err)
				}
				_ = os.Unsetenv(name + suffix)
			}
		}
		setVariables(t, nil)
		for _, args := range [][]string{
			{secret}, {"serve", secret}, {"--" + secret}, {"config", "--currency", secret}, {"config", "--amount", secret}, {"--database-url", secret},
			{"key", "no-such-folder/" + secret}, {"admin", "list", secret}, {"admin", "backup", "--database-url=" + secret, secret}, {"-" + secret},
		} {
			var out bytes.Buffer
			err := run(over, args, &out)
			checkNotPrinted(t, strings.Join(args, " "), out.String(), err)
		}
	}
}

func checkNotPrinted(t *testing.T, where, out string, err error) {
	t.Helper()
	if strings.Contains(out, "hunter2hunter2") {
		t.Errorf("%q is printed:\n%s", where, out)
	}
	if err != nil && strings.Contains(err.Error(), "hunter2hunter2") {
		t.Errorf("%q is in the error: %v", where, err)
	}
}

func TestAPanicQuotesNoSecret(t *testing.T) {
	t.Parallel()
	defer func() {
		if cause := recover(); cause != "bad value ***" {
			t.Errorf("got the panic %v, want its value without the secret", cause)
		}
	}()
	_ = guarded(func() error { panic("bad value sk_live_hunter2") })
}

// Signing keys may be texts as well as files, and the variable itself may be a file.
func TestSigningKeysMayBePEMTexts(t *testing.T) {
	first, second := keyFile(t), keyFile(t)
	text := func(path string) string {
		pem, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem)
	}
	both := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(both, []byte(text(first)+text(second)), 0o600); err != nil {
		t.Fatal(err)
	}
	names := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(names, []byte(first+","+second+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, variable, value string
		keys                  int
	}{
		{"a file that holds the key", "SIGNING_KEYS_FILE", first, 1},
		{"a file that holds two keys", "SIGNING_KEYS_FILE", both, 2},
		{"a file that holds the names of two", "SIGNING_KEYS_FILE", names, 2},
		{"the key itself", "SIGNING_KEYS", text(first), 1},
		{"two keys with a comma between them", "SIGNING_KEYS", text(first) + "," + text(second), 2},
		{"a key and the name of a file", "SIGNING_KEYS", text(first) + "," + second, 2},
		{"the name of a file and a key", "SIGNING_KEYS", first + ",\n" + text(second), 2},
	} {
		setVariables(t, map[string]string{"DATABASE_URL": "sqlite:x.db", "STRIPE_SECRET_KEY": "sk_test_x"})
		t.Setenv(tc.variable, tc.value)
		c, args := commandLine().named([]string{"config"})
		var out bytes.Buffer
		if err := c.run(t.Context(), args, output{&out}); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		config := c.does.(*configCommand)
		keys, err := auth.LoadKeys(config.SigningKeys...)
		if err != nil || strings.Count(string(keys.JWKS()), `"kid"`) != tc.keys {
			t.Errorf("%s: got %d keys, %v, want %d", tc.name, len(config.SigningKeys), err, tc.keys)
		}
		if strings.Contains(out.String(), "PRIVATE") || strings.Contains(out.String(), text(first)[40:60]) {
			t.Errorf("%s: the key is printed:\n%s", tc.name, &out)
		}
		_ = os.Unsetenv(tc.variable)
	}
}

// FuzzSecretsInAnyVariable checks that a secret is printed from no variable, whatever
// surrounds it there.
func FuzzSecretsInAnyVariable(f *testing.F) {
	f.Add(uint8(0), uint8(0), "before ", "hunter2hunter2", " after")
	f.Add(uint8(7), uint8(3), ",", "hunter2hunter2", ",")
	f.Add(uint8(11), uint8(1), "-----BEGIN ", "hunter2hunter2", "-----END")
	dir := f.TempDir()
	over, cancel := context.WithCancel(f.Context())
	cancel()
	f.Fuzz(func(t *testing.T, variable, form uint8, before, secret, after string) {
		// Nothing may name a path, so that the fuzzer touches no file but in its folder.
		if len(secret) < 12 || strings.ContainsAny(before+after, "/\\\x00") || strings.Contains(before+"|"+after, secret) || strings.ContainsFunc(secret, notAlphanumeric) {
			return
		}
		t.Chdir(dir)
		setVariables(t, map[string]string{"DATABASE_URL": "sqlite:x.db"})
		value := before + strings.ReplaceAll(secretForms[int(form)%len(secretForms)], "%", secret) + after
		t.Setenv(variables[int(variable)%len(variables)], value)
		var out bytes.Buffer
		if err := run(over, []string{"config"}, &out); err != nil {
			_, _ = io.WriteString(&out, err.Error())
		}
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is printed from %s=%q:\n%s", secret, variables[int(variable)%len(variables)], value, &out)
		}
	})
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
