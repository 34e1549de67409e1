package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// A signing key in a form that is not supported, or in the wrong variable, is never
// printed, neither by config nor in an error.
func TestNoFormOfAKeyIsPrinted(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	text, err := os.ReadFile(keyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	ecBody := "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G"
	t.Chdir(t.TempDir())
	for name, key := range map[string]string{
		"base64 of the PEM text":            base64.StdEncoding.EncodeToString(text),
		"base64 with a line break in front": base64.StdEncoding.EncodeToString(append([]byte("\n"), text...)),
		"DER":                               string(block.Bytes),
		"DER in hexadecimal digits":         hex.EncodeToString(block.Bytes),
		"lines with commas":                 strings.Join(lines, ","),
		"lines without the first":           strings.Join(lines[1:], "\n"),
		"lines without the first, commas":   strings.Join(lines[1:], ","),
		"the body of an elliptic key":       ecBody,
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, variable := range []string{"SIGNING_KEYS", "SIGNING_KEYS_FILE", "TOKEN_AUDIENCE", "TOKEN_AUDIENCE_FILE"} {
			value := key
			if strings.HasSuffix(variable, "_FILE") {
				value = file
			} else if strings.Contains(key, "\x00") {
				continue // no variable can hold it
			}
			setVariables(t, map[string]string{"DATABASE_URL": "sqlite:x.db", variable: value})
			for _, command := range []string{"config", "serve"} {
				var out bytes.Buffer
				if err := run(over, []string{command}, &out); err != nil {
					out.WriteString(err.Error())
				}
				got := strings.ReplaceAll(out.String(), "\n", " ")
				for i := 8; i+16 <= len(key); i += 8 {
					if part := key[i : i+16]; !strings.Contains(part, "\n") && !strings.Contains(part, "--") && !strings.Contains(part, " ") && strings.Contains(got, part) {
						t.Errorf("%s prints %q of %s in %s:\n%s", command, part, name, variable, &out)
						break
					}
				}
				if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\t' || r == unicode.ReplacementChar }) {
					t.Errorf("%s prints control characters of %s in %s: %q", command, name, variable, got)
				}
			}
			_ = os.Unsetenv(variable)
		}
	}
}
